"""The suites of ``make eval``, in the order in which they run. A new one is a module here and a line below."""

from evals.suite import Suite
from evals.suites.abstention import ABSTENTION
from evals.suites.escalation import ESCALATION
from evals.suites.gaps import GAPS
from evals.suites.identification import IDENTIFICATION
from evals.suites.injection import INJECTION
from evals.suites.retrieval import RETRIEVAL
from evals.suites.sample import SAMPLE
from evals.suites.scope import SCOPE
from evals.suites.sentiment import SENTIMENT
from evals.suites.support import SUPPORT

SUITES: tuple[Suite, ...] = (
    SAMPLE,
    RETRIEVAL,
    SCOPE,
    ABSTENTION,
    IDENTIFICATION,
    SENTIMENT,
    INJECTION,
    SUPPORT,
    ESCALATION,
    GAPS,
)
