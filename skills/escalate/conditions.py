"""The vocabulary of the policy's conditions: what a rule's ``when`` may say, and when it holds.

Everything that stands in one ``when`` must hold at once. What isn't named doesn't matter. Each condition tells what it
found, so that a rule can say why it held, and why not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby, takewhile
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from skills.amounts import Amount, amounts_in
from skills.language import Match, Phrases, Word, as_written, sentences, words
from skills.turn import (
    Claim,
    Draft,
    ForPerson,
    Guarding,
    GuardName,
    Identification,
    Intent,
    Message,
    Rejection,
    Scope,
    Sentiment,
    Turn,
)
from skills.turn import Finding as Objection

ClaimKind = Literal["email", "phone", "name", "order"]
"""As in ``skills.turn.Claim``."""

Share = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True, slots=True)
class Situation:
    """What a turn's rules look at; ``sentences`` are the words of the waiting messages, sentence by sentence."""

    turn: Turn
    sentences: Sequence[Sequence[Word]]
    amounts: Sequence[Amount]
    sentiment: Sentiment
    draft: Draft
    rejections: Sequence[Rejection] = ()
    claims: Sequence[Claim] = ()
    intent: Intent | None = None
    objections: Sequence[Objection] = ()
    """What the guards still objected to in the second draft."""

    @classmethod
    def of(
        cls,
        turn: Turn,
        sentiment: Sentiment,
        draft: Draft,
        *,
        identification: Identification | None = None,
        rejections: Sequence[Rejection] = (),
        intent: Intent | None = None,
        guarding: Guarding | None = None,
    ) -> Situation:
        """Read a turn and what the other skills found out in it."""
        return cls(
            turn=turn,
            sentences=tuple(words(sentence) for sentence in sentences(turn.text)),
            amounts=amounts_in(turn.text),
            sentiment=sentiment,
            draft=draft,
            rejections=rejections,
            claims=() if identification is None else identification.claims,
            intent=intent,
            objections=() if guarding is None else guarding.findings,
        )

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
    other_than: list[str] | None = Field(None, min_length=1)
    """Phrases with another meaning: what is a part of one of these doesn't count for ``mentions``."""
    claims: list[ClaimKind] | None = Field(None, min_length=1)
    """A waiting message names one of these of the customer: an address, a name, an order by its number."""
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
    intent: list[str] | None = Field(None, min_length=1)
    """What the customer wants is one of these intents of the company's own, or an article of this title answers it."""
    scope: list[Scope] | None = Field(None, min_length=1)
    """The turn has one of the intents (`in`), none of them (`near`), or is from another world (`far`)."""
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


@dataclass(frozen=True, slots=True)
class _Check:
    """How one condition is looked at: what it reads in a situation, and whether that is what a rule wants."""

    found: Callable[[Situation], Any]
    holds: Callable[[Any, Any], bool]
    """Of what is wanted and what was found."""
    nearly: float = 0.0
    """How far from its limit a figure still counts as close to it."""


def _same(wanted: object, found: object) -> bool:
    return found == wanted


def _least(wanted: float, found: float) -> bool:
    return found >= wanted


def _most(wanted: float, found: float) -> bool:
    return found <= wanted


def _below(wanted: float, found: float) -> bool:
    return found < wanted


def _listed(wanted: Sequence[str], found: str) -> bool:
    return found in wanted


def _any_listed(wanted: Sequence[str], found: Sequence[str]) -> bool:
    return any(name in wanted for name in found)


_CHECKS: dict[str, _Check] = {
    "claims": _Check(lambda now: [claim.kind for claim in now.claims], _any_listed),
    "answered": _Check(lambda now: now.draft.answered, _same),
    "failed": _Check(lambda now: now.draft.failure is not None, _same),
    "confidence_below": _Check(lambda now: now.draft.confidence, _below, nearly=0.15),
    "small_talk": _Check(lambda now: now.small_talk, _same),
    "rejected": _Check(lambda now: bool(now.rejections), _same),
    "anger_at_least": _Check(lambda now: now.sentiment.anger, _least, nearly=0.15),
    "urgency_at_least": _Check(lambda now: now.sentiment.urgency, _least, nearly=0.15),
    "polarity_at_most": _Check(lambda now: now.sentiment.polarity, _most, nearly=0.15),
    "trend": _Check(lambda now: now.sentiment.trend.value, _same),
    "segment": _Check(lambda now: now.turn.customer.segment, _listed),
    "verified": _Check(lambda now: now.turn.customer.verified, _same),
    "earlier_cases_at_least": _Check(lambda now: now.turn.customer.earlier_cases, _least, nearly=1),
    "channel": _Check(lambda now: now.turn.channel, _listed),
    "for_person": _Check(
        lambda now: [message.for_person for message in now.turn.messages if message.for_person], _any_listed
    ),
    "intent": _Check(lambda now: "" if now.intent is None else now.intent.topic, _listed),
    "scope": _Check(lambda now: "" if now.intent is None else now.intent.scope, _listed),
    "guard": _Check(lambda now: [objection.guard for objection in now.objections], _any_listed),
    "answers_within_hour_at_least": _Check(lambda now: now.turn.answered_within_hour, _least, nearly=5),
    "same_text_at_least": _Check(lambda now: now.same_text, _least, nearly=1),
}
_FOUND_IN_THE_TEXT = frozenset({"mentions", "unless", "other_than", "amount_above"})
assert _CHECKS.keys() | _FOUND_IN_THE_TEXT == When.model_fields.keys(), "every condition has its check"

_MOST_EVIDENCE = 3
_NEARLY_THE_AMOUNT = Decimal("0.8")


@dataclass(frozen=True, slots=True)
class Finding:
    """What one condition of a rule came to."""

    condition: str
    wanted: Any
    """What the rule asks for; of ``mentions`` how many phrases it listens for."""
    found: Any
    """What there is: a figure, a name, the customer's words, sums as they were written."""
    holds: bool
    evidence: tuple[str, ...] = ()
    """The words that made it hold."""
    set_aside: tuple[str, ...] = ()
    """Words that were heard and don't count, by ``unless`` or ``other_than``."""
    near: bool = False
    """Whether it missed by little: a figure close to its limit, or words that were set aside."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A rule's ``when``, ready to be asked of a situation."""

    when: When
    mentions: Phrases | None
    unless: Phrases
    other_than: Phrases
    wanted: tuple[tuple[str, Any], ...]
    """The conditions that are not looked for in the text, by name."""

    @classmethod
    def of(cls, when: When, *, mentions: Sequence[str], unless: Sequence[str], other_than: Sequence[str]) -> Condition:
        """Compile; the three lists are those of ``when`` with its named lists filled in."""
        return cls(
            when,
            None if when.mentions is None else Phrases.of(mentions),
            Phrases.of(unless),
            Phrases.of(other_than),
            tuple(when.model_dump(exclude_none=True, exclude=set(_FOUND_IN_THE_TEXT)).items()),
        )

    def holds(self, now: Situation) -> tuple[str, ...] | None:
        """What made it hold: the customer's words, or why no draft could be written; ``None`` when it doesn't hold."""
        evidence: list[str] = []
        for finding in self.look(now):
            if not finding.holds:
                return None
            evidence += finding.evidence
        return tuple(dict.fromkeys(evidence))[:_MOST_EVIDENCE]

    def look(self, now: Situation) -> Iterator[Finding]:
        """What each condition comes to, those that cost nothing first."""
        for name, wanted in self.wanted:
            check = _CHECKS[name]
            found = check.found(now)
            holds = check.holds(wanted, found)
            evidence = _reasons(name, wanted, now) if holds else ()
            near = not holds and check.nearly > 0 and abs(found - wanted) <= check.nearly
            yield Finding(name, wanted, found, holds, evidence=evidence, near=near)
        if self.mentions is not None:
            yield self._said(self.mentions, now)
        if self.when.amount_above is not None:
            yield _sums(Decimal(str(self.when.amount_above)), now)

    def _said(self, mentions: Phrases, now: Situation) -> Finding:
        heard: list[str] = []
        set_aside: list[str] = []
        for sentence in now.sentences:
            if not (matches := mentions.find(sentence)):
                continue
            hindered = bool(self.unless.find(sentence))
            others = self.other_than.find(sentence)
            for match in matches:
                quoted = as_written(match.text, now.turn.text)
                (set_aside if hindered or _within(match, others) else heard).append(quoted)
        listened = sum(len(phrases) for phrases in mentions.by_start.values())
        return Finding(
            "mentions", listened, tuple(heard), bool(heard),
            evidence=tuple(heard), set_aside=tuple(set_aside), near=not heard and bool(set_aside),
        )  # fmt: skip


def _reasons(name: str, wanted: Any, now: Situation) -> tuple[str, ...]:
    """Why a draft failed, or what the guards said of it."""
    if name == "failed" and now.draft.failure is not None:
        return (now.draft.failure,)
    if name == "guard":
        return tuple(objection.reason for objection in now.objections if objection.guard in wanted)
    return ()


def _within(match: Match, others: Sequence[Match]) -> bool:
    return any(other.start <= match.start and match.end <= other.end for other in others)


def _sums(limit: Decimal, now: Situation) -> Finding:
    above = tuple(amount.text for amount in now.amounts if amount.value > limit)
    return Finding(
        "amount_above",
        float(limit),
        tuple(amount.text for amount in now.amounts),
        bool(above),
        evidence=above,
        near=not above and any(amount.value >= limit * _NEARLY_THE_AMOUNT for amount in now.amounts),
    )
