"""A knowledge base for a measurement: in this process, gone with it, and beside the real one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from evals.measure.retrieving import PASSAGES, Asked, Ranked, rank
from infra.knowledge.ingest import Ingest
from infra.knowledge.memory import InMemoryKnowledge
from infra.knowledge.reading import Reading
from infra.knowledge.subjects import ArticleSubjects
from skills.ports import Embedder
from skills.retrieve import Retrieve
from skills.turn import ArticleId


@dataclass(frozen=True, slots=True)
class ScratchKnowledge:
    """Articles that can be asked. ``names`` are their slugs."""

    knowledge: InMemoryKnowledge
    subjects: ArticleSubjects
    names: Mapping[ArticleId, str]

    async def rank(self, asked: Asked, retrieve: Retrieve | None = None) -> Ranked:
        """What the product's retrieval finds for a question; another one where that is measured."""
        return await rank(retrieve or self.retrieve, asked, self.names)

    @property
    def retrieve(self) -> Retrieve:
        """The product's retrieval over these articles."""
        return Retrieve(self.knowledge, limit=PASSAGES, subjects=self.subjects)


async def scratch_knowledge(reading: Reading, embedder: Embedder) -> ScratchKnowledge:
    """The articles of a reading, split and embedded as the product does it."""
    knowledge = InMemoryKnowledge(embedder)
    await Ingest(knowledge, embedder).add(reading)
    return ScratchKnowledge(knowledge, knowledge.subjects(), {article.id: article.slug for article in reading.articles})
