"""The names of things, out of each store: who bears them, who may know of them, and when a new one is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from infra.knowledge.article import Article
from infra.knowledge.ingest import ArticleStore, Ingest
from infra.knowledge.memory import InMemoryKnowledge
from infra.knowledge.subjects import ArticleSubjects
from infra.postgres.articles import PostgresArticles
from infra.postgres.database import Database
from infra.postgres.knowledge import PostgresKnowledge
from skills.errors import DatabaseUnavailableError, KnowledgeUnavailableError
from skills.turn import Audience
from tests.integration.knowledge.hashed_words import HashedWords, article, reading


def about(number: int, thing: str, fact: str, *, audience: Audience = "public") -> Article:
    return article(f"{thing}-{number}", f"Is there {fact}?", f"## {thing}\n\nYes, there is {fact}.", audience=audience)


TOWN = (
    about(1, "Grant Hotel", "parking"),
    about(2, "Grant Hotel", "wifi"),
    about(3, "Grant Hotel", "a key to the safe", audience="staff"),
    about(1, "Kin Khao", "parking"),
    about(2, "Kin Khao", "a bar"),
    article("alone", "Opening hours", "From nine to five."),
    article("q1", "Is there parking at the Laurel Inn?", "Yes."),
    article("q2", "When does the Laurel Inn open?", "At nine."),
)


@dataclass
class Town:
    """A store with its names, and a clock of the test's own."""

    ingest: Ingest
    knowledge: InMemoryKnowledge | PostgresKnowledge
    now: float = 0.0

    def __post_init__(self) -> None:
        self.subjects = ArticleSubjects(self.knowledge.named, self.knowledge.version, clock=lambda: self.now)

    async def names(self, text: str, audience: Audience = "public") -> dict[str, int]:
        (mentions,) = await self.subjects.mentioned([text], audience)
        return {mention.name: len(mention.articles) for mention in mentions}


@pytest.fixture(params=["postgres", "memory"])
async def town(request: pytest.FixtureRequest, database: Database) -> Town:
    embedder = HashedWords()
    memory = InMemoryKnowledge(embedder)
    store: ArticleStore = memory if request.param == "memory" else PostgresArticles(database)
    found = Town(
        Ingest(store, embedder), memory if request.param == "memory" else PostgresKnowledge(database, embedder)
    )
    await found.ingest.add(reading(*TOWN))
    return found


async def test_a_thing_is_what_several_articles_have_above_them(town: Town) -> None:
    assert await town.names("we stay at the grant hotel") == {"Grant Hotel": 2}
    assert await town.names("what are the opening hours") == {}
    assert await town.names("") == {}


async def test_nobody_hears_of_articles_that_they_may_not_read(town: Town) -> None:
    assert await town.names("the grant hotel", "staff") == {"Grant Hotel": 3}


async def test_where_most_articles_have_no_name_capitals_within_their_titles_are_one(town: Town) -> None:
    assert await town.names("and the laurel inn?") == {}
    questions = reading(*(one for one in TOWN if one.slug.startswith("q")))
    await town.ingest.add(questions, prune=True)
    town.now += 60
    assert await town.names("and the laurel inn?") == {"Laurel Inn": 2}


async def test_a_new_name_is_known_after_the_next_look(town: Town) -> None:
    assert await town.names("kokkari") == {}
    await town.ingest.add(reading(*TOWN, about(1, "Kokkari", "parking"), about(2, "Kokkari", "wifi")))
    assert await town.names("kokkari") == {}
    town.now += 60
    assert await town.names("kokkari") == {"Kokkari": 2}


@pytest.fixture
def failing() -> Callable[[], bool]:
    outcomes = iter([False, True])
    return lambda: next(outcomes)


async def test_while_names_cannot_be_read_those_read_last_are_used(failing: Callable[[], bool]) -> None:
    memory = InMemoryKnowledge(HashedWords())
    await Ingest(memory, HashedWords()).add(reading(*TOWN))
    now = 0.0

    async def version() -> str:
        if failing():
            raise DatabaseUnavailableError
        return "1"

    subjects = ArticleSubjects(memory.named, version, check=0.0, clock=lambda: now)
    assert (await subjects.mentioned(["grant hotel"], "public"))[0]
    assert (await subjects.mentioned(["grant hotel"], "public"))[0]


async def test_names_that_were_never_read_are_an_error() -> None:
    async def version() -> str:
        raise DatabaseUnavailableError

    subjects = ArticleSubjects(InMemoryKnowledge(HashedWords()).named, version)
    with pytest.raises(KnowledgeUnavailableError):
        await subjects.mentioned(["anything"], "public")
