"""The retrieve node."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import TypedDict

from skills.errors import KnowledgeUnavailableError, ModelUnavailableError
from skills.ports import Knowledge, KnowledgeQuery
from skills.retrieve.confidence import confidence_in
from skills.retrieve.questions import searches_for
from skills.turn import Audience, Passage, PassageId, Retrieval, Turn


class RetrieveInput(TypedDict):
    """What retrieve reads."""

    turn: Turn


class RetrieveUpdate(TypedDict):
    """What retrieve finds out."""

    retrieval: Retrieval


@dataclass(frozen=True)
class Retrieve:
    """Searches the articles for every question of the turn, at most ``limit`` passages in all.

    ``Retrieval.query`` holds one line a search, so that the responder can answer question by question. The confidence
    is that of the question answered best: what stays open is the responder's to say. A customer who isn't verified
    sees what everybody may read. When the search doesn't answer, nothing is found with confidence 0 and the turn goes
    on: the policy sends it to a person.
    """

    knowledge: Knowledge
    limit: int = 8

    async def __call__(self, state: RetrieveInput) -> RetrieveUpdate:
        """Search once a question, at the same time, and merge what was found, each question's best first."""
        turn = state["turn"]
        searches = searches_for(turn)
        query = "\n".join(searches)
        try:
            found = await asyncio.gather(*(self._search(search, turn) for search in searches))
        except (KnowledgeUnavailableError, ModelUnavailableError):
            return {"retrieval": Retrieval(query=query, passages=(), confidence=0.0)}
        confidence = max(confidence_in(search, passages) for search, passages in zip(searches, found, strict=True))
        return {"retrieval": Retrieval(query=query, passages=_merged(found)[: self.limit], confidence=confidence)}

    async def _search(self, text: str, turn: Turn) -> list[Passage]:
        audience: Audience = "customers" if turn.customer.verified else "public"
        return await self.knowledge.search(KnowledgeQuery(text=text, limit=self.limit, audience=audience))


def _merged(found: Sequence[Sequence[Passage]]) -> tuple[Passage, ...]:
    """The passages by turns from each search, each once with its highest similarity."""
    by_id: dict[PassageId, Passage] = {}
    for passage in chain.from_iterable(zip_longest(*found)):
        if passage is None:
            continue
        known = by_id.get(passage.id)
        if known is None or passage.similarity > known.similarity:
            by_id[passage.id] = passage
    return tuple(by_id.values())
