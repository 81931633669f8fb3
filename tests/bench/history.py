"""The history that the console is measured over: 100,000 cases, and in their messages words as seldom as real ones."""

from __future__ import annotations

import itertools
import random
import sys
import time

from api.terms import build_keyring
from evals.loadtest.questions import sample_answers, sample_questions
from evals.loadtest.seed import seed
from infra.postgres.analytics_rows import AnalyticsRows
from infra.postgres.database import Database
from infra.postgres.words import Words
from infra.settings import Settings

TOPICS = 200
"""Half of the turns are about one of them."""
_SEED = 7
_TEXTS = 40_000
_WORDS_A_MESSAGE = 12
_DRESS = (
    # What a seeded history has none of: topics of half the turns, and languages.
    f"update turns set topic = 'Topic ' || abs(hashtext(id::text)) / 2 % {TOPICS} where hashtext(id::text) % 2 = 0",
    "update cases set language = (array['en', 'de', 'fr', 'es'])[1 + abs(hashtext(id::text)) % 4]",
)


def vocabulary() -> list[str]:
    """Made-up words, the most frequent first; the same each time."""
    chance = random.Random(_SEED)
    pieces = [consonant + vowel for consonant in "bcdfghklmnprstvw" for vowel in "aeiou"]
    words = sorted({"".join(chance.choices(pieces, k=chance.randint(2, 5))) for _ in range(80_000)})
    chance.shuffle(words)
    return words


async def make(database: Database, settings: Settings, *, messages: int, cases: int) -> dict[str, float]:
    """Write the history, and all that jobs make of one, unless it is there; the seconds that each took.

    Args:
        database: migrated.
        settings: with the service's own keys.
        messages: how many in all.
        cases: how many in all.
    """
    keyring, took = build_keyring(settings), {}
    if await _count(database) < messages:
        began = time.perf_counter()
        await seed(database, keyring, messages=messages, cases=cases, texts=(_questions(), sample_answers()))
        await _unhurried(database, *_DRESS)
        took["seed_s"] = _since(began)
    began = time.perf_counter()
    words = Words(database, keyring)
    while (await words.write(seconds=60)).more:
        print("indexing words …", file=sys.stderr, flush=True)
    took["index_s"], began = _since(began), time.perf_counter()
    rows = AnalyticsRows(database)
    while (await rows.refresh(seconds=3600)).more:
        pass
    took["fill_s"] = _since(began)
    await _unhurried(database, "vacuum analyze")
    began = time.perf_counter()
    await rows.refresh()
    took["refresh_s"] = _since(began)
    return took


def _questions() -> tuple[str, ...]:
    """What customers ask, each with words by Zipf's law and the number of an order."""
    chance, words, asked = random.Random(_SEED), vocabulary(), sample_questions()
    weights = list(itertools.accumulate(1 / rank for rank in range(1, len(words) + 1)))
    return tuple(
        " ".join(
            (
                chance.choice(asked),
                *chance.choices(words, cum_weights=weights, k=_WORDS_A_MESSAGE),
                str(chance.randint(1, 10**7)),
            )
        )
        for _ in range(_TEXTS)
    )


async def _count(database: Database) -> int:
    async with database.connection() as connection:
        row = await (await connection.execute("select count(*) as messages from messages")).fetchone()
    assert row is not None  # an aggregate always has a row
    return int(row["messages"])


async def _unhurried(database: Database, *statements: str) -> None:
    async with database.connection() as connection:
        await connection.execute("set statement_timeout = 0")
        for statement in statements:
            await connection.execute(statement)
        await connection.execute("reset statement_timeout")


def _since(began: float) -> float:
    return round(time.perf_counter() - began, 2)
