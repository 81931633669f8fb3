"""The vocabulary of the policy's conditions: what a rule's ``when`` may say, and when it holds.

Everything that stands in one ``when`` must hold at once. What isn't named doesn't matter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby, takewhile
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from skills.amounts import Amount
from skills.language import Phrases, Word
from skills.turn import Draft, Finding, ForPerson, GuardName, Message, Rejection, Sentiment, Turn

Share = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True, slots=True)
class Situation:
    """What a turn's rules look at; ``sentences`` are the words of the waiting messages, sentence by sentence."""

    turn: Turn
    sentences: Sequence[Sequence[Word]]
    amounts: Sequence[Amount]
    sentiment: Sentiment
    draft: Draft
    rejections: Sequence[Rejection]
    findings: Sequence[Finding] = ()
    """What the guards still objected to in the second draft."""

    @property
    def small_talk(self) -> bool:
        """Whether the draft answers without a source, which only greetings, thanks and questions back do."""
        return self.draft.answered and not self.draft.citations

    @property
    def same_text(self) -> int:
        """How often in a row the customer has said what waits now, an answer in between each time.

        A burst counts as one saying, and a message that stands in it twice as well: people send again what they
        believe lost, machines answer every answer alike.
        """
        said = _sayings((*self.turn.history, *self.turn.messages))
        alike = takewhile(lambda saying: saying == said[-1], reversed(said))
        return sum(1 for _ in alike)


class When(BaseModel):
    """The conditions of one rule."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    mentions: list[str] | None = Field(None, min_length=1)
    """A waiting message says one of these words or phrases."""
    unless: list[str] | None = Field(None, min_length=1)
    """A sentence that says one of these as well doesn't count for ``mentions``."""
    amount_above: Annotated[float, Field(ge=0)] | None = None
    """A waiting message names a larger sum of money, in whichever currency."""
    answered: bool | None = None
    """Whether the draft answers."""
    failed: bool | None = None
    """Whether no usable draft could be written (no model, search down, no passages, an invented source)."""
    confidence_below: Share | None = None
    """The draft's confidence is lower."""
    small_talk: bool | None = None
    """Whether the draft is a greeting, a thank-you or a question back."""
    rejected: bool | None = None
    """Whether a reviewer has rejected a draft in this turn."""
    anger_at_least: Share | None = None
    urgency_at_least: Share | None = None
    polarity_at_most: Annotated[float, Field(ge=-1, le=1)] | None = None
    trend: Literal["improving", "steady", "worsening"] | None = None
    segment: list[str] | None = Field(None, min_length=1)
    """The customer is in one of these segments."""
    verified: bool | None = None
    """Whether the customer's address was proven."""
    earlier_cases_at_least: Annotated[int, Field(ge=1)] | None = None
    """The customer opened so many cases in the seven days before."""
    channel: list[str] | None = Field(None, min_length=1)
    """The turn came in on one of these channels."""
    for_person: list[ForPerson] | None = Field(None, min_length=1)
    """A waiting message could not be read, has nothing but files, or was sent by the button that asks for a person."""
    answers_within_hour_at_least: Annotated[int, Field(ge=1, le=50)] | None = None
    """The agent answered so many turns of this case by itself in the last hour; more than fifty are not counted."""
    same_text_at_least: Annotated[int, Field(ge=2, le=10)] | None = None
    """The customer has said the very same so many times in a row, each time after an answer."""
    guard: list[GuardName] | None = Field(None, min_length=1)
    """One of these guards objected to the draft, and to what was written instead."""


def _sayings(messages: Sequence[Message]) -> list[tuple[str, ...]]:
    """What the customer said between the answers, message by message; case and blanks don't count."""
    return [
        tuple(dict.fromkeys(" ".join(message.text.casefold().split()) for message in saying))
        for by_customer, saying in groupby(messages, key=lambda message: message.author == "customer")
        if by_customer
    ]


_CHECKS: dict[str, Callable[[Any, Situation], bool]] = {
    "answered": lambda wanted, now: now.draft.answered is wanted,
    "failed": lambda wanted, now: (now.draft.failure is not None) is wanted,
    "confidence_below": lambda limit, now: now.draft.confidence < limit,
    "small_talk": lambda wanted, now: now.small_talk is wanted,
    "rejected": lambda wanted, now: bool(now.rejections) is wanted,
    "anger_at_least": lambda least, now: now.sentiment.anger >= least,
    "urgency_at_least": lambda least, now: now.sentiment.urgency >= least,
    "polarity_at_most": lambda most, now: now.sentiment.polarity <= most,
    "trend": lambda wanted, now: now.sentiment.trend == wanted,
    "segment": lambda listed, now: now.turn.customer.segment in listed,
    "verified": lambda wanted, now: now.turn.customer.verified is wanted,
    "earlier_cases_at_least": lambda least, now: now.turn.customer.earlier_cases >= least,
    "channel": lambda listed, now: now.turn.channel in listed,
    "for_person": lambda listed, now: any(message.for_person in listed for message in now.turn.messages),
    "answers_within_hour_at_least": lambda least, now: now.turn.answered_within_hour >= least,
    "same_text_at_least": lambda least, now: now.same_text >= least,
    "guard": lambda listed, now: any(finding.guard in listed for finding in now.findings),
}
_FOUND_IN_THE_TEXT = frozenset({"mentions", "unless", "amount_above"})
assert _CHECKS.keys() | _FOUND_IN_THE_TEXT == When.model_fields.keys(), "every condition has its check"

_MOST_EVIDENCE = 3


@dataclass(frozen=True, slots=True)
class Condition:
    """A rule's ``when``, ready to be asked of a situation."""

    when: When
    mentions: Phrases | None
    unless: Phrases

    @classmethod
    def of(cls, when: When, *, mentions: Sequence[str], unless: Sequence[str]) -> Condition:
        """Compile; the two lists are those of ``when`` with its named lists filled in."""
        return cls(when, None if when.mentions is None else Phrases.of(mentions), Phrases.of(unless))

    def holds(self, now: Situation) -> tuple[str, ...] | None:
        """What made it hold: the customer's words, or why no draft could be written; ``None`` when it doesn't hold."""
        wanted = self.when.model_dump(exclude_none=True, exclude=set(_FOUND_IN_THE_TEXT))
        if not all(_CHECKS[name](value, now) for name, value in wanted.items()):
            return None
        said = self._said(now)
        sums = self._sums(now)
        if said == () or sums == ():
            return None
        failure = (now.draft.failure,) if self.when.failed and now.draft.failure is not None else ()
        objections = [finding.reason for finding in now.findings if finding.guard in (self.when.guard or ())]
        return tuple(dict.fromkeys((*(said or ()), *(sums or ()), *failure, *objections)))[:_MOST_EVIDENCE]

    def _said(self, now: Situation) -> tuple[str, ...] | None:
        if self.mentions is None:
            return None
        return tuple(
            match.text
            for sentence in now.sentences
            if not self.unless.find(sentence)
            for match in self.mentions.find(sentence)
        )

    def _sums(self, now: Situation) -> tuple[str, ...] | None:
        if self.when.amount_above is None:
            return None
        limit = Decimal(str(self.when.amount_above))
        return tuple(amount.text for amount in now.amounts if amount.value > limit)
