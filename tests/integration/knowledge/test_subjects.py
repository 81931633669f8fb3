"""The names of things, out of each store: who bears them, who may know of them, and when a new one is known."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from unittest.mock import Mock

import pytest

from infra.knowledge.article import Article
from infra.knowledge.ingest import ArticleStore, Ingest
from infra.knowledge.memory import InMemoryKnowledge
from infra.knowledge.subjects import ArticleSubjects
from infra.postgres.articles import PostgresArticles
from infra.postgres.database import Database
from infra.postgres.knowledge import PostgresKnowledge
from skills.errors import DatabaseUnavailableError, KnowledgeUnavailableError
from skills.mentions import Mentioned, Names
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


@pytest.mark.parametrize(("begins", "ends"), [(None, -1), (1, None)])
async def test_what_has_expired_or_holds_later_gives_no_names(town: Town, begins: int | None, ends: int | None) -> None:
    effective, expires = (None if days is None else datetime.now(UTC) + timedelta(days) for days in (begins, ends))
    sale = (replace(about(n, "Winter Sale", "tea"), effective=effective, expires=expires) for n in (1, 2))
    await town.ingest.add(reading(*TOWN, *sale))
    assert await town.names("the winter sale") == {}


async def test_a_name_goes_when_its_articles_expire(monkeypatch: pytest.MonkeyPatch) -> None:
    """In memory; the database counts them in its version likewise."""
    memory = InMemoryKnowledge(HashedWords())
    town = Town(Ingest(memory, HashedWords()), memory)
    soon = datetime.now(UTC) + timedelta(days=1)
    await town.ingest.add(reading(*(replace(one, expires=soon) for one in TOWN)))
    assert await town.names("the grant hotel") == {"Grant Hotel": 2}
    clock = Mock(now=Mock(return_value=soon))
    monkeypatch.setattr("infra.knowledge.memory.datetime", clock)
    town.now += 60
    assert await town.names("the grant hotel") == {}


async def test_names_are_looked_for_apart_from_the_loop(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[int] = []

    def mentioned_in(*_: object) -> list[Mentioned]:
        threads.append(threading.get_ident())
        return []

    monkeypatch.setattr(Names, "mentioned_in", mentioned_in)
    await town.subjects.mentioned(["the grant hotel", "kin khao"], "public")
    assert len(threads) == 2
    assert threading.get_ident() not in threads


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
