"""The guard node."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, NotRequired, TypedDict

from skills.guard.facts import facts_against
from skills.guard.judge import Judge
from skills.guard.leaks import leaks_in, shingles_of, unreadable_in
from skills.guard.manner import bindings_in, tone_of
from skills.guard.phrases import Heard
from skills.guard.sources import Sources
from skills.guard.support import Support
from skills.language import guess_language, sentences
from skills.ports import Embedder
from skills.turn import Draft, Finding, Guarding, Identification, Language, Retrieval, Sentiment, Turn
from skills.untrusted import mark_of


class GuardInput(TypedDict):
    """What guard reads."""

    turn: Turn
    sentiment: Sentiment
    retrieval: Retrieval
    draft: Draft
    identification: NotRequired[Identification]
    guarding: NotRequired[Guarding]


class GuardUpdate(TypedDict):
    """What guard writes."""

    guarding: Guarding


@dataclass(frozen=True)
class Guard:
    """Checks every draft, whoever wrote it, and says what is to become of it.

    A draft that fails is written again once, with the reasons. One that fails again is withdrawn: what is objected to
    is taken out, and a person decides, with the findings before them. So nothing that a guard objected to is ever sent
    or proposed.

    Args:
        embedder: for ``support``; without one the words alone decide.
        instructions: the texts that a model is told, which may not show in an answer.
        known: what is known of old, such as the company's name.
        judge: a model that reads after the others; nobody unless given.
    """

    embedder: Embedder | None = None
    instructions: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    judge: Judge | None = None
    heard: Heard = field(default_factory=Heard.load)

    async def __call__(self, state: GuardInput) -> GuardUpdate:
        """Check the draft; a withdrawn one goes on with the findings that it was withdrawn for."""
        before = state.get("guarding")
        if before is not None and before.demand == "withdraw":
            return {"guarding": Guarding(before.findings, None, before.earlier)}
        again = before is not None and before.demand == "rewrite"
        earlier = before.findings if before is not None and again else ()
        found = tuple(await self.findings(state["draft"], state))
        demand: Literal["rewrite", "withdraw"] = "withdraw" if again else "rewrite"
        return {"guarding": Guarding(found, demand if found else None, earlier)}

    async def findings(self, draft: Draft, state: GuardInput) -> list[Finding]:
        """Everything that stands against a draft, sentence by sentence; the plain "I don't know" is our own text."""
        if not draft.answered:
            return []
        sources = Sources.of(draft, state["retrieval"], state["turn"], also=self.known)
        lines = list(dict.fromkeys(sentences(draft.text)))
        language = state["sentiment"].language
        found: list[Finding] = []
        for line in lines:
            found += self._found_in(line, sources, state.get("identification"), draft)
        found += _foreign(draft, lines, sources, language)
        if draft.citations:
            support = Support(self.heard, self.embedder)
            found += await support.against(lines, sources)
            if self.judge is not None and not found:
                own = [line for line in lines if sources.copied_from(line) is None]
                found += await self.judge.against(own, sources, mark_of(state["turn"].id))
        return found

    def _found_in(
        self, line: str, sources: Sources, identification: Identification | None, draft: Draft
    ) -> Iterable[Finding]:
        if (unreadable := unreadable_in(line)) is not None:
            yield unreadable
        yield from leaks_in(line, sources, identification, self._told, self.heard)
        if sources.copied_from(line) is not None:
            return
        if draft.citations:
            yield from facts_against(line, sources, draft.language)
        yield from bindings_in(line, self.heard)
        if (tone := tone_of(line, self.heard)) is not None:
            yield tone

    @cached_property
    def _told(self) -> frozenset[str]:
        return shingles_of(self.instructions)


def _foreign(draft: Draft, lines: Sequence[str], sources: Sources, language: Language) -> list[Finding]:
    """A draft in another language than the customer's, as far as its words are its own."""
    own = " ".join(line for line in lines if sources.copied_from(line) is None)
    written = guess_language(own)
    if not draft.citations or written is None or written == language:
        return []
    return [Finding("language", f"it is written in {written}, the customer writes {language}", "")]
