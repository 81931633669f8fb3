"""What every figure means: the one place that the page, the API, the command and docs/analytics.md take it from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Unit = Literal["share", "seconds", "money", "count"]
Method = Literal["wilson", "median", "mean"]
Key = Literal[
    "csat",
    "first_response_agent",
    "first_response_person",
    "resolution_time",
    "escalation",
    "self_service_confirmed",
    "self_service_assumed",
    "self_service_verified",
    "reopen",
    "cost",
    "productivity",
    "retention",
]
Dimension = Literal["channel", "language", "segment", "topic"]
DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)

REOPEN_DAYS = 14
"""A reopening counts for so long after the end."""
HAPPY = 4
"""The lowest rating, of 1 to 5, that counts as satisfied."""

INTERVALS: dict[Method, str] = {
    "wilson": "Wilson's score interval, 95 %",
    "median": "order statistics around the median, at least 95 %, free of any assumption about the distribution; none "
    "below six values",
    "mean": "Student's t around the mean, 95 %, cut off at zero; none below two values",
}


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure.

    Attributes:
        key: its name for machines.
        name: its name for people.
        meaning: what it says, in one sentence.
        numerator: what is counted or measured.
        denominator: of what.
        moment: by which moment something belongs to a period.
        unit: of the value; seconds and money as they are, a share from 0 to 1.
        method: how it is summed up, and with that its interval (``INTERVALS``).
        better: in which direction lies the better figure; ``None`` where that depends.
        beware: what the figure can't say.
    """

    key: Key
    name: str
    meaning: str
    numerator: str
    denominator: str
    moment: str
    unit: Unit
    method: Method
    better: Literal["more", "less"] | None
    beware: str = ""


METRICS: tuple[Metric, ...] = (
    Metric(
        "csat",
        "Customer satisfaction (CSAT)",
        "How many of the ratings say that our help was good.",
        f"ratings of {HAPPY} or 5",
        "ratings given, each as it was changed last",
        "the rating",
        "share",
        "wilson",
        "more",
        "Who answers a survey is not like everybody else; one end of a case is asked about once.",
    ),
    Metric(
        "first_response_agent",
        "First response by the agent",
        "How long customers wait for the agent's first own reply.",
        "time from a case's first message to the delivery of its first reply that no person wrote or approved",
        "cases that have such a reply",
        "the case's opening",
        "seconds",
        "median",
        "less",
        "Cases without such a reply are not in it. Notes that a person will answer are no replies.",
    ),
    Metric(
        "first_response_person",
        "First response by a person",
        "How long customers wait for a person once their case needs one.",
        "time from a case's first handing over to a person to the delivery of the first reply that a person wrote or "
        "approved",
        "cases that have such a reply",
        "the first handing over",
        "seconds",
        "median",
        "less",
        "Cases that still wait are not in it. Later handings over of the same case are not measured.",
    ),
    Metric(
        "resolution_time",
        "Resolution time",
        "How long a case is open in all until it is over.",
        "all the time that the case was open, from its opening and from every reopening to the end that followed",
        "ends that stand: not reopened since",
        "the end",
        "seconds",
        "median",
        "less",
        "An early end that did not hold makes it no shorter. A case closed by silence was open while we waited.",
    ),
    Metric(
        "escalation",
        "Escalation rate",
        "How many cases go to a person.",
        "cases in which a rule asked for a person, a person took over or answered in the mailbox, or work was given up",
        "cases opened",
        "the case's opening",
        "share",
        "wilson",
        None,
        "A young case may still go to a person. A rule that protects customers raises it, rightly.",
    ),
    Metric(
        "self_service_confirmed",
        "Self-service, confirmed",
        "How many cases end without a person because the customer says that it is solved.",
        "ends without a person that the customer confirmed, by word or button",
        "ends that stand",
        "the end",
        "share",
        "wilson",
        "more",
        "Never added to assumed or verified: they answer different questions.",
    ),
    Metric(
        "self_service_assumed",
        "Self-service, assumed",
        "How many cases end without a person because the customer fell silent.",
        "ends without a person by silence",
        "ends that stand",
        "the end",
        "share",
        "wilson",
        None,
        "Silence may be content or anger. Never added to confirmed or verified.",
    ),
    Metric(
        "self_service_verified",
        "Self-service, verified",
        "Of the cases that ended without a person and were read afterwards, how many are solved.",
        "of those, the ones that whoever read them found solved",
        "ends that stand, without a person, that somebody read and judged",
        "the end",
        "share",
        "wilson",
        "more",
        "It speaks for all such cases only if those that are read are chosen by chance.",
    ),
    Metric(
        "reopen",
        "Reopen rate",
        "How many ends do not hold.",
        f"ends after which the case was opened again within {REOPEN_DAYS} days",
        "ends, each of a case with several",
        "the end",
        "share",
        "wilson",
        "less",
        f"An end younger than {REOPEN_DAYS} days may still be reopened.",
    ),
    Metric(
        "cost",
        "Model cost per interaction",
        "What language models cost for one case, from its first message to its last end.",
        "money for language models, at the prices that were set when it was spent",
        "cases opened",
        "the case's opening",
        "money",
        "mean",
        "less",
        "People's time is not in it. Without prices (CSAGENT_MODEL__PRICE_IN, __PRICE_OUT) it is zero.",
    ),
    Metric(
        "productivity",
        "Work per reviewer and day",
        "How many decisions and own replies a reviewer makes on a day on which they make any.",
        "decisions on drafts, and replies that people wrote in cases of theirs",
        "days of reviewers with at least one of them (UTC)",
        "the decision or reply",
        "count",
        "mean",
        None,
        "It counts work, not its worth: a hard case takes an hour and counts once. How long somebody was at it is not "
        "known.",
    ),
    Metric(
        "retention",
        "Customers who come back",
        "How many of the customers who wrote in the span of the same length before wrote again in this one.",
        "of those, the customers with a case opened, or opened again, in the period",
        "customers with a case opened, or opened again, in the span of the same length before",
        "the opening or reopening",
        "share",
        "wilson",
        None,
        "It knows who writes to support, not who goes on buying. Within a filter, both times within that filter.",
    ),
)
"""In the order in which they are shown."""

BY_KEY: dict[str, Metric] = {metric.key: metric for metric in METRICS}


def document() -> str:
    """The definitions in Markdown, for docs/analytics.md."""
    return "\n".join(
        f"### {metric.name}\n\n"
        f"`{metric.key}`, {_UNITS[metric.unit]}. {metric.meaning}\n\n"
        f"- **{'Of' if metric.method == 'wilson' else 'For'}**: {metric.denominator}\n"
        f"- **{'Counted' if metric.method == 'wilson' else 'Measured'}**: {metric.numerator}\n"
        f"- **Belongs to a period by**: {metric.moment}\n"
        f"- **Summed up as**: {_SUMMED[metric.method]}; {INTERVALS[metric.method]}\n"
        f"- **Beware**: {metric.beware}\n"
        for metric in METRICS
    )


_UNITS: dict[Unit, str] = {"share": "a share", "seconds": "a time", "money": "money", "count": "a number"}
_SUMMED: dict[Method, str] = {"wilson": "share", "median": "median", "mean": "mean"}
