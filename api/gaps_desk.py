"""Gaps for the staff: what customers ask and no article answers, a suggested article, and a person's decision.

Everything is made anew from the turns at each call, so nothing of a customer's is kept for it; the vectors of questions
are in this process's memory only. Questions are put together by MiniLM, whatever the articles are embedded with, for
its vectors are those that the limit was tuned on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import numpy as np

from api.knowledge_desk import KnowledgeDesk
from infra.knowledge.article import Article
from infra.knowledge.gaps import MOST, SOURCE, WINDOW, Asked, Gap, Reason, gaps_of
from infra.knowledge.ingest import Ingest
from infra.knowledge.origin import key_from
from infra.knowledge.private import Place, places_in
from infra.knowledge.suggesting import Suggestion, suggest
from infra.postgres.gaps import Gaps
from infra.postgres.storable import refuse_unstorable
from skills.errors import BadRequestError, ConflictError, NotFoundError
from skills.language import FALLBACK_LANGUAGE, guess_language
from skills.ports import Embedder, KnowledgeQuery
from skills.turn import ArticleId, Audience, Language, Passage

_AT_ONCE = 64
_COMPARED = 5
"""Passages about the same that a text's facts are looked for in."""


@dataclass(frozen=True, slots=True)
class ReadGap:
    """A gap as whoever decides sees it; ``places`` are those of the suggestion that have to be looked at."""

    gap: Gap
    suggestion: Suggestion | None
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Approval:
    """What a person makes an article of; what is ``None`` is taken from the suggestion.

    ``checked``: they have looked at every place that may be somebody's own.
    """

    title: str | None
    text: str | None
    audience: Audience = "public"
    language: Language | None = None
    checked: bool = False


class GapsDesk:
    """What the staff asks of the gaps.

    Args:
        gaps: reads open questions and keeps decisions.
        knowledge: the articles.
        embedder: opens MiniLM, which is loaded at the first call and stays.
    """

    def __init__(
        self, gaps: Gaps, knowledge: KnowledgeDesk, *, embedder: Callable[[], AbstractAsyncContextManager[Embedder]]
    ) -> None:
        self._gaps = gaps
        self._knowledge = knowledge
        self._open_embedder = embedder
        self._opened = AsyncExitStack()
        self._opening = asyncio.Lock()
        self._embedder: Embedder | None = None

    async def waiting(self, *, reader: str, at_least: int = 1, limit: int = 50) -> list[Gap]:
        """The gaps that want a decision, those of the most customers first. Whose words are shown is written down."""
        found = [gap for gap in await self._current() if len(gap.asked) >= at_least][:limit]
        await self._gaps.read_by(reader, [gap.example.case_id for gap in found])
        return found

    async def read(self, gap_id: UUID, *, reader: str) -> ReadGap:
        """One gap with all its questions and answers, and a suggestion. That they were read is written down.

        Raises:
            NotFoundError: there is no such gap, or it was decided.
        """
        gap = await self._find(gap_id)
        await self._gaps.read_by(reader, [one.case_id for one in gap.asked])
        suggestion = await suggest(gap, await self._model())
        if suggestion is None:
            return ReadGap(gap, None, ())
        known = await self._known(gap)
        text = f"{suggestion.title}\n{suggestion.text}"
        return ReadGap(gap, suggestion, tuple(places_in(text, gap.asked, known, suggestion.language)))

    async def find(self, beginning: str) -> UUID:
        """The one gap whose id begins so.

        Raises:
            NotFoundError: there is none.
            BadRequestError: there are several.
        """
        found = [gap.id for gap in await self._current() if str(gap.id).startswith(beginning.lower())]
        if not found:
            raise NotFoundError("there is no such gap", hint="`csagent knowledge gaps list` has them")
        if len(found) > 1:
            raise BadRequestError(f"{len(found)} gaps begin with {beginning}", hint="give more of the id")
        return found[0]

    async def approve(self, gap_id: UUID, version: str, approval: Approval, *, by: str) -> ArticleId:
        """Make an article of it, which is searched from then on; its id.

        Raises:
            NotFoundError: there is no such gap, or it was decided.
            ConflictError: it has changed since it was read, somebody decided meanwhile, or the text says what may be
                somebody's own and nobody has looked; ``changes`` says where.
            BadRequestError: title or text can't be used.
        """
        gap = await self._find(gap_id, version)
        title, text, language = await self._chosen(gap, approval)
        for given in (title, text):
            refuse_unstorable(given)
        title = " ".join(title.split())
        places = places_in(f"{title}\n{text}", gap.asked, await self._known(gap), language)
        _refuse_private(places, checked=approval.checked)
        article = Article(
            slug=key_from(f"{title} {gap.id}"), title=title, text=text.strip(), url=None, language=language,
            audience=approval.audience, source=SOURCE,
        )  # fmt: skip
        async with self._knowledge.open_embedder() as embedder:
            entry = await Ingest(self._knowledge.articles, embedder).prepared(article)
            await self._gaps.approve(gap, entry, embedder.model, by)
        return article.id

    async def dismiss(self, gap_id: UUID, version: str, reason: Reason, *, by: str) -> None:
        """No article is wanted; it comes back when it has grown well beyond what it is.

        Raises:
            NotFoundError: there is no such gap, or it was decided.
            ConflictError: it has changed since it was read, or somebody decided meanwhile.
        """
        await self._gaps.dismiss(await self._find(gap_id, version), reason, by)

    async def close(self) -> None:
        """Let the model go, if it was ever needed."""
        await self._opened.aclose()

    async def _find(self, gap_id: UUID, version: str | None = None) -> Gap:
        gap = next((gap for gap in await self._current() if gap.id == gap_id), None)
        if gap is None:
            raise NotFoundError("there is no such gap", hint="it may have been decided: read the list again")
        if version not in {None, gap.version}:
            raise ConflictError(
                "this gap has changed since you read it",
                hint="read it again, then decide on what is there now",
                changes={"version": gap.version, "questions": len(gap.asked), "answers": len(gap.answered)},
            )
        return gap

    async def _chosen(self, gap: Gap, approval: Approval) -> tuple[str, str, Language]:
        title, text, language = approval.title, approval.text, approval.language
        if title is None or text is None:
            suggestion = await suggest(gap, await self._model())
            if suggestion is None:
                raise BadRequestError("nothing is suggested for this gap", hint="give a title and a text")
            title, text = title or suggestion.title, text or suggestion.text
            language = language or suggestion.language
        return title, text, language or guess_language(text) or gap.example.language or FALLBACK_LANGUAGE

    async def _current(self) -> list[Gap]:
        asked = await self._gaps.asked(since=datetime.now(UTC) - WINDOW, limit=MOST)
        model = await self._model()
        vectors: list[list[float]] = []
        for start in range(0, len(asked), _AT_ONCE):
            vectors += await model.embed([one.question for one in asked[start : start + _AT_ONCE]])
        return await asyncio.to_thread(_gaps_of, asked, vectors)

    async def _known(self, gap: Gap) -> list[Passage]:
        """What the articles say about the same."""
        query = KnowledgeQuery(gap.example.question, limit=_COMPARED, audience="staff")
        return [found.passage for found in await self._knowledge.search(query)]

    async def _model(self) -> Embedder:
        async with self._opening:
            if self._embedder is None:
                self._embedder = await self._opened.enter_async_context(self._open_embedder())
            return self._embedder


def _gaps_of(asked: list[Asked], vectors: list[list[float]]) -> list[Gap]:
    return gaps_of(asked, np.asarray(vectors, dtype=np.float32))


def _refuse_private(places: list[Place], *, checked: bool) -> None:
    if marks := [place for place in places if place.kind == "mark"]:
        raise BadRequestError(
            f"{marks[0].reason}: “{marks[0].sentence}”", hint="write what holds for everybody there, or take it out"
        )
    private = [place for place in places if place.private]
    if private and not checked:
        raise ConflictError(
            "the text says what may be one customer's own: " + "; ".join(place.reason for place in private[:3]),
            hint="take it out, or say that you have checked every place and it is for everybody",
            changes={
                "places": [
                    {"kind": place.kind, "reason": place.reason, "sentence": place.sentence} for place in private
                ]
            },
        )
