"""The suites of ``make eval``, in the order in which they run. A new one is a module here and a line below."""

from evals.suite import Suite
from evals.suites.sample import SAMPLE
from evals.suites.sentiment import SENTIMENT

SUITES: tuple[Suite, ...] = (SAMPLE, SENTIMENT)
