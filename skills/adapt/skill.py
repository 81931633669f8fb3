"""The adapt node."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypedDict

from skills.adapt.cut import shortened
from skills.adapt.markup import shown
from skills.adapt.rules import ChannelRule, ChannelRules, Company, length_of
from skills.adapt.texts import advice_text, handoff_text, sign_off_text, text_for
from skills.turn import Customer, Draft, Escalation, Language, Reply, Retrieval, Sentiment, Turn

_NAME = re.compile(r"[^\W\d_][^\W\d_' .-]{0,30}(?:[ '.-]{1,2}[^\W\d_]{1,30}){0,4}\.?")
_PARAGRAPH = "\n\n"


class AdaptInput(TypedDict):
    """What adapt reads."""

    turn: Turn
    sentiment: Sentiment
    retrieval: Retrieval
    draft: Draft
    escalation: Escalation


class AdaptUpdate(TypedDict):
    """What adapt writes."""

    reply: Reply


@dataclass(frozen=True)
class Adapt:
    """Puts a draft into a channel's form, with our own words around it in the customer's language.

    Whatever of the two texts reaches the customer first in a case says that an automated assistant writes, and only
    that one. A draft in another language than the customer's (neither responder writes one knowingly) is said to be.
    The handoff for a danger to somebody also says whom to call, and the one for a draft that could not be written says
    that it is the assistant that can't answer at the moment.

    Args:
        rules: what each channel wants.
        company: for whom we write.
    """

    rules: ChannelRules = field(default_factory=ChannelRules)
    company: Company = field(default_factory=Company)

    async def __call__(self, state: AdaptInput) -> AdaptUpdate:
        """Write the reply, and the handoff when a person is asked."""
        turn, draft, escalation = state["turn"], state["draft"], state["escalation"]
        language = state["sentiment"].language
        rule = self.rules.of(turn.channel)
        handoff = self._handoff(turn, escalation, language, rule, failed=draft.failure is not None)
        first = not turn.history
        foreign = [] if draft.language == language else [text_for(language, "foreign")]
        return {
            "reply": Reply(
                text=_letter(
                    [*foreign, shown(draft.text, rule)],
                    [_sources(draft, state["retrieval"], language)] if rule.sources else [],
                    self._frame(turn.customer, language, rule, disclosed=first and handoff is None),
                    rule,
                    cut=text_for(language, "cut"),
                ),
                handoff=handoff,
            )
        }

    def _handoff(
        self, turn: Turn, escalation: Escalation, language: Language, rule: ChannelRule, *, failed: bool
    ) -> str | None:
        if not escalation.needed:
            return None
        advice = [text for reason in escalation.reasons if (text := advice_text(language, reason.rule))]
        body = [*dict.fromkeys(advice), handoff_text(language, escalation.severity, failed=failed)]
        frame = self._frame(turn.customer, language, rule, disclosed=not turn.history)
        return _letter(body, [], frame, rule, cut="")

    def _frame(self, customer: Customer, language: Language, rule: ChannelRule, *, disclosed: bool) -> _Frame:
        greeting = [_greeting(customer, language)] if rule.letter else []
        disclosure = [text_for(language, "disclosure")] if disclosed else []
        sign_off = [sign_off_text(language, self.company.name)] if rule.letter else []
        signature = [self.company.signature.strip()] if rule.signature == "below" else []
        return _Frame((*greeting, *disclosure), (*sign_off, *signature))


@dataclass(frozen=True, slots=True)
class _Frame:
    above: tuple[str, ...]
    below: tuple[str, ...]


def _greeting(customer: Customer, language: Language) -> str:
    """By name only when the address is proven and the name looks like one: customers choose their names."""
    name = " ".join((customer.name or "").split())
    if customer.verified and _NAME.fullmatch(name):
        return text_for(language, "greeting_by_name").format(name=name)
    return text_for(language, "greeting")


def _sources(draft: Draft, retrieval: Retrieval, language: Language) -> str:
    """One line an article that is cited and has an address; empty when none has."""
    addresses = {passage.id: passage.url for passage in retrieval.passages if passage.url}
    cited = dict.fromkeys(
        f"{' '.join(citation.title.split())}: {addresses[citation.passage_id]}"
        for citation in draft.citations
        if citation.passage_id in addresses
    )
    if len(cited) > 1:
        return "\n".join([text_for(language, "sources"), *(f"- {line}" for line in cited)])
    return "".join(f"{text_for(language, 'source')} {line}" for line in cited)


def _letter(body: Sequence[str], sources: Sequence[str], frame: _Frame, rule: ChannelRule, *, cut: str) -> str:
    """All parts, a blank line between them. Too long: the sources go first, then the answer's last sentences."""
    whole = _joined([*frame.above, *body, *sources, *frame.below])
    if length_of(whole) <= rule.max_length:
        return whole
    without_sources = _joined([*frame.above, *body, *frame.below])
    if length_of(without_sources) <= rule.max_length:
        return without_sources
    room = rule.max_length - length_of(_joined([*frame.above, "", cut, *frame.below])) - 2 * len(_PARAGRAPH)
    return _joined([*frame.above, shortened(_joined(body), room), cut, *frame.below])


def _joined(parts: Sequence[str]) -> str:
    return _PARAGRAPH.join(part for part in parts if part)
