"""What the skills need from outside, as protocols.

``infra`` implements them; a double passes the same contract test.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol, TypeVar

from pydantic import BaseModel

from skills.turn import ArticleId, Audience, Claim, CustomerId, Language, Passage

Answer = TypeVar("Answer", bound=BaseModel)


class Embedder(Protocol):
    """Turns texts into unit vectors."""

    @property
    def model(self) -> str:
        """The name under which vectors are stored and cached; two models never share one."""
        ...

    @property
    def dimensions(self) -> int:
        """The length of every vector."""
        ...

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One unit vector a text, in order.

        Raises:
            ModelUnavailableError: the model did not answer in time, or not usefully.
        """
        ...


@dataclass(frozen=True, slots=True)
class KnowledgeQuery:
    """A search: the text, how many passages at most, and who may read them."""

    text: str
    limit: int = 8
    audience: Audience = "public"
    language: Language | None = None
    """Passages in this language only; ``None`` searches all."""
    articles: frozenset[ArticleId] | None = None
    """Passages of these articles only; ``None`` searches all."""
    by_words: bool = False
    """By words alone, for while no model can embed the text; the passages' similarity is 0 then."""


class Knowledge(Protocol):
    """Hybrid search over the company's articles."""

    async def search(self, query: KnowledgeQuery) -> list[Passage]:
        """The best passages, best first: ``limit`` of them whenever that many match the filters.

        By words alone only those that share a word with the text, and none from a store that knows vectors only.

        Raises:
            KnowledgeUnavailableError: the store did not answer in time.
            ModelUnavailableError: the query could not be embedded.
        """
        ...


FactKey = tuple[str, str]
"""A kind and a value by which facts are found: ``("postcode", "EC1A1BB")``."""


@dataclass(frozen=True, slots=True)
class KnownFacts:
    """What a company knows of a customer. A fact that is unknown is empty, and proves and disproves nothing."""

    name: str = ""
    postcode: str = ""
    born: date | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """Customers whose facts share a key with what was said, and among how many there are facts of in all."""

    customers: Sequence[tuple[CustomerId, KnownFacts]] = ()
    among: int = 0


@dataclass(frozen=True, slots=True)
class Mention:
    """A name that a text mentions, how surely, in (0, 1], and the articles that bear it."""

    name: str
    articles: frozenset[ArticleId]
    strength: float


class Subjects(Protocol):
    """Knows the names of what several articles tell something of: products, places, plans."""

    async def mentioned(self, texts: Sequence[str], audience: Audience) -> list[list[Mention]]:
        """For each text the names in it, the surest first, also where they are misspelt or cut short.

        Only names of articles that the audience may read.

        Raises:
            KnowledgeUnavailableError: the names could not be read.
        """
        ...


@dataclass(frozen=True, slots=True)
class Judged:
    """A passage and how likely it answers the question that it was judged by, in [0, 1]."""

    passage: Passage
    confidence: float


class Reranker(Protocol):
    """Judges what a search found, looking closer than the search can."""

    async def judge(self, question: str, passages: Sequence[Passage]) -> list[Judged]:
        """Every passage once, the likeliest answer first; the confidence is how often such a passage answers.

        Raises:
            ModelUnavailableError: a model judges, and did not answer.
        """
        ...


class CustomerDirectory(Protocol):
    """Finds customers by what was proven about them, and by what the company knows of them."""

    async def verified_owners(self, claims: Sequence[Claim]) -> list[CustomerId]:
        """The customers who proved an address that is claimed here; empty when nobody did."""
        ...

    async def known_by(self, keys: Sequence[FactKey]) -> Known:
        """The customers of whom the company knows a fact with one of these keys; whoever fits best comes later."""
        ...


class StructuredModel(Protocol):
    """A chat model that fills in a form."""

    @property
    def name(self) -> str:
        """The model's name, written on drafts."""
        ...

    async def fill(self, *, instructions: str, material: str, form: type[Answer]) -> Answer:
        """Ask once, within the deadline, and return the validated form.

        ``instructions`` are ours; ``material`` is untrusted text (messages, passages) and goes in as the user's part.

        Raises:
            ModelUnavailableError: timeout, rate limit, or an answer that does not fit the form.
        """
        ...
