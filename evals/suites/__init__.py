"""The suites of ``make eval``, in the order in which they run. A new one is a module here and a line below."""

from evals.suite import Suite
from evals.suites.abstention import ABSTENTION
from evals.suites.sample import SAMPLE

SUITES: tuple[Suite, ...] = (SAMPLE, ABSTENTION)
