from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.knowledge.cache import CachedKnowledge
from skills.errors import DatabaseUnavailableError, KnowledgeUnavailableError, SupportError
from skills.ports import KnowledgeQuery
from skills.turn import Language, Passage
from tests.unit.skills.skill_examples import DELIVERY, PAYMENT

QUERY = KnowledgeQuery("How long does delivery take?")


@dataclass
class Shelf:
    """Counts its searches; a test changes what is on it, and can hold a search in its middle."""

    passages: list[Passage] = field(default_factory=lambda: [DELIVERY, PAYMENT])
    edition: int = 1
    down: SupportError | None = None
    version_down: bool = False
    searches: list[KnowledgeQuery] = field(default_factory=list)
    looks: int = 0
    now: float = 0.0
    hold: asyncio.Event | None = None
    held: asyncio.Event = field(default_factory=asyncio.Event)

    async def search(self, query: KnowledgeQuery) -> list[Passage]:
        self.searches.append(query)
        if self.down:
            raise self.down
        found = list(self.passages)
        if self.hold:
            self.held.set()
            await self.hold.wait()
        return found

    async def version(self) -> str:
        self.looks += 1
        await asyncio.sleep(0)
        if self.version_down:
            raise DatabaseUnavailableError
        return str(self.edition)

    def change(self, *passages: Passage) -> None:
        self.passages = list(passages)
        self.edition += 1

    def cached(self, *, entries: int = 256) -> CachedKnowledge:
        return CachedKnowledge(self, self.version, seconds=60.0, check=1.0, entries=entries, clock=lambda: self.now)


async def test_the_same_question_is_searched_once() -> None:
    shelf = Shelf()
    cached = shelf.cached()
    first = await cached.search(QUERY)
    assert await cached.search(replace(QUERY, text="  How long does  delivery take? ")) == first
    assert first == [DELIVERY, PAYMENT]
    assert len(shelf.searches) == 1


async def test_what_a_caller_does_to_its_answer_changes_no_other() -> None:
    cached = Shelf().cached()
    (await cached.search(QUERY)).clear()
    (await cached.search(QUERY)).clear()
    assert await cached.search(QUERY) == [DELIVERY, PAYMENT]


@pytest.mark.parametrize(
    "other",
    [
        replace(QUERY, audience="customers"),
        replace(QUERY, audience="staff"),
        replace(QUERY, limit=3),
        replace(QUERY, language=Language("en")),
        replace(QUERY, by_words=True),
        replace(QUERY, text="How long does delivery take"),
    ],
)
async def test_an_answer_is_never_shared_with_another_audience_or_search(other: KnowledgeQuery) -> None:
    shelf = Shelf()
    cached = shelf.cached()
    await cached.search(QUERY)
    await cached.search(other)
    assert shelf.searches == [QUERY, other]


async def test_a_changed_article_is_seen_after_a_second_and_drops_everything() -> None:
    shelf = Shelf()
    cached = shelf.cached()
    await cached.search(QUERY)
    shelf.change(PAYMENT)
    shelf.now = 0.9
    assert await cached.search(QUERY) == [DELIVERY, PAYMENT]
    shelf.now = 1.0
    assert await cached.search(QUERY) == [PAYMENT]


async def test_an_answer_is_used_for_a_minute_at_most_whatever_the_version_says() -> None:
    shelf = Shelf()
    cached = shelf.cached()
    await cached.search(QUERY)
    shelf.now = 59.9
    await cached.search(QUERY)
    assert len(shelf.searches) == 1
    shelf.now = 60.0
    await cached.search(QUERY)
    assert len(shelf.searches) == 2


async def test_a_failure_is_not_remembered() -> None:
    shelf = Shelf(down=KnowledgeUnavailableError())
    cached = shelf.cached()
    for _ in range(2):
        with pytest.raises(KnowledgeUnavailableError):
            await cached.search(QUERY)
    shelf.down = None
    assert await cached.search(QUERY) == [DELIVERY, PAYMENT]


async def test_while_nobody_can_say_the_version_every_search_is_made() -> None:
    shelf = Shelf()
    cached = shelf.cached()
    await cached.search(QUERY)
    shelf.version_down, shelf.now = True, 1.0
    await cached.search(QUERY)
    await cached.search(QUERY)
    assert (len(shelf.searches), shelf.looks) == (3, 2)
    shelf.version_down, shelf.now = False, 2.0
    await cached.search(QUERY)
    await cached.search(QUERY)
    assert len(shelf.searches) == 4


async def test_what_was_found_while_the_articles_changed_is_not_remembered() -> None:
    shelf = Shelf(hold=asyncio.Event())
    cached = shelf.cached()
    slow = asyncio.create_task(cached.search(QUERY))
    await shelf.held.wait()
    hold, shelf.hold = shelf.hold, None
    assert hold is not None
    shelf.change(PAYMENT)
    shelf.now = 1.0
    await cached.search(replace(QUERY, text="another"))
    hold.set()
    assert await slow == [DELIVERY, PAYMENT]
    assert await cached.search(QUERY) == [PAYMENT]


async def test_many_at_once_look_at_the_version_once() -> None:
    shelf = Shelf()
    cached = shelf.cached()
    await asyncio.gather(*(cached.search(QUERY) for _ in range(20)))
    assert shelf.looks == 1


async def test_what_was_used_longest_ago_is_forgotten_first() -> None:
    shelf = Shelf()
    cached = shelf.cached(entries=2)
    for text in ("one", "two", "one", "three", "one", "two"):
        await cached.search(KnowledgeQuery(text))
    assert [query.text for query in shelf.searches] == ["one", "two", "three", "two"]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([0.0, 0.3, 1.0, 61.0]), st.booleans()), max_size=40))
async def test_no_answer_is_older_than_it_says(steps: list[tuple[str, float, bool]]) -> None:
    shelf = Shelf()
    cached = shelf.cached()
    changed_at = 0.0
    for number, (text, pause, changes) in enumerate(steps):
        if changes:
            shelf.change(replace(DELIVERY, text=f"edition {number}"))
            changed_at = shelf.now
        shelf.now += pause
        found = await cached.search(KnowledgeQuery(text))
        if shelf.now - changed_at >= 1.0:
            assert found == shelf.passages
