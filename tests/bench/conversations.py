"""``python -m tests.bench.conversations``: the list, every way of searching, and reading, over a long history.

A history of made-up customers is written, with rare and frequent words of its own; the job indexes it; then each of the
console's requests is made again and again. Prints a table and ends with one line of JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, LiteralString

from evals.loadtest.questions import sample_answers, sample_questions
from evals.loadtest.seed import seed
from infra.crypto.keyring import Keyring
from infra.embedded.servers import EmbeddedServers
from infra.postgres.customers import Customers
from infra.postgres.database import Connection, Database
from infra.postgres.histories import Histories
from infra.postgres.migrate import migrate
from infra.postgres.search import ConversationSearch, Filters
from infra.postgres.words import Words
from skills.turn import CaseId, CustomerId
from tests.core import make_core

ANY = Filters()
ROUNDS = 40
READER = "bench"
TEXTS = 40_000
WORDS_A_MESSAGE = 12

Ask = Callable[[int], Awaitable[object]]

DRESS = (
    # What the seeded history has none of: topics of half the turns, and languages.
    "update turns set topic = 'Topic ' || abs(hashtext(id::text)) % 200 where abs(hashtext(id::text)) % 2 = 0",
    "update cases set language = (array['en', 'de', 'fr', 'es'])[1 + abs(hashtext(id::text)) % 4]",
    "vacuum analyze",
)
SIZES = """
select relname as name, round(pg_total_relation_size(oid) / 1e6) as mb from pg_class
where relname in ('messages', 'message_words', 'message_words_tags', 'message_words_of_key', 'turns_of_topic')
order by relname
"""


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def vocabulary(chance: random.Random) -> list[str]:
    """Made-up words, the most frequent first."""
    pieces = [consonant + vowel for consonant in "bcdfghklmnprstvw" for vowel in "aeiou"]
    words = {"".join(chance.choices(pieces, k=chance.randint(2, 5))) for _ in range(80_000)}
    return sorted(words, key=lambda _: chance.random())


def questions(chance: random.Random, words: list[str]) -> tuple[str, ...]:
    """Customers' questions, each with words by Zipf's law and a number of an order."""
    weights = [1 / rank for rank in range(1, len(words) + 1)]
    asked = sample_questions()
    return tuple(
        " ".join(
            (chance.choice(asked), *chance.choices(words, weights, k=WORDS_A_MESSAGE), str(chance.randint(1, 10**7)))
        )
        for _ in range(TEXTS)
    )


async def rows(connection: Connection, statement: LiteralString) -> list[dict[str, Any]]:
    return await (await connection.execute(statement)).fetchall()


async def measure(ask: Ask) -> dict[str, float]:
    """Milliseconds: the median, and the 95th percentile."""
    times = []
    for number in range(ROUNDS):
        began = time.perf_counter()
        await ask(number)
        times.append((time.perf_counter() - began) * 1000)
    times.sort()
    return {"median": round(statistics.median(times), 1), "p95": round(times[int(ROUNDS * 0.95)], 1)}


async def fill(database: Database, keyring: Keyring, words: Words, texts: tuple[str, ...], messages: int) -> float:
    """A history with all its words; how many seconds the job took."""
    say(f"writing {messages:,} messages")
    await seed(
        database, keyring, messages=messages, cases=messages // 10, texts=(texts, sample_answers()), waiting=(50, 20)
    )
    began = time.monotonic()
    while (await words.write(seconds=60)).more:
        say("indexing words")
    seconds = time.monotonic() - began
    async with database.connection() as connection:
        await connection.execute("set statement_timeout = 0")
        for statement in DRESS:
            await connection.execute(statement)
        await connection.execute("reset statement_timeout")
    return seconds


def asks(search: ConversationSearch, words: list[str], cases: list[CaseId]) -> dict[str, Ask]:
    """Each way of listing and searching, by the name under which it is reported."""
    now = datetime.now(UTC)

    def listed(filters: Filters) -> Ask:
        return lambda _: search.listed(filters, reader=READER)

    def by_words(text: Callable[[int], str], filters: Filters = ANY) -> Ask:
        return lambda number: search.found(text(number), filters, reader=READER, by="words")

    def found(text: Callable[[int], str]) -> Ask:
        return lambda number: search.found(text(number), ANY, reader=READER)

    return {
        "list": listed(ANY),
        "list, somewhere in the middle": lambda n: search.listed(ANY, reader=READER, after=f"list.{cases[n].hex}"),
        "list, open": listed(Filters(state="open")),
        "list, people's": listed(Filters(state="open", owner="human")),
        "list, nobody's": listed(Filters(person="nobody")),
        "list, a channel without any": listed(Filters(channel="form")),
        "list, a language on a channel": listed(Filters(language="de", channel="whatsapp")),
        "list, a topic": listed(Filters(topic="Topic 7")),
        "list, a topic, a language, resolved": listed(Filters(topic="Topic 7", language="de", state="resolved")),
        "list, a day long ago": listed(Filters(since=now - timedelta(days=60), until=now - timedelta(days=59))),
        "words, the most frequent": by_words(lambda n: words[n % 3]),
        "words, frequent": by_words(lambda n: words[50 + n]),
        "words, rare": by_words(lambda n: words[5_000 + n]),
        "words, there is none": by_words(lambda n: f"quokka{n}"),
        "words, two frequent": by_words(lambda n: f"{words[1]} {words[2 + n]}"),
        "words, four": by_words(lambda n: f"{words[1]} {words[2 + n]} {words[40 + n]} {words[100]}"),
        "words, frequent, of a language": by_words(lambda _: words[3], Filters(language="de")),
        "words, frequent, all left out": by_words(lambda _: words[3], Filters(channel="form")),
        "an id": found(lambda n: str(cases[n])),
        "an address": found(lambda n: f"seed-{n * 7}@example.org"),
        "a topic": found(lambda n: f"topic {n}"),
        "what is none of these": found(lambda n: f"quokka{n}"),
        "a name that everybody has": lambda _: search.found("made-up history", ANY, reader=READER, by="name"),
        "topics": lambda _: search.topics(),
    }


async def run(messages: int, place: Path) -> dict[str, object]:
    async with EmbeddedServers(place / "data", durable=False, system_folder=place / "system") as servers:
        database = Database(servers.database_url, size=5)
        await database.open()
        try:
            await migrate(database)
            keyring, chance = Keyring({"bench": b"m" * 32}, b"i" * 32), random.Random(7)
            words, made_up = Words(database, keyring), vocabulary(chance)
            seconds = await fill(database, keyring, words, questions(chance, made_up), messages)
            async with database.connection() as connection:
                sizes = {str(row["name"]): row["mb"] for row in await rows(connection, SIZES)}
                some = await rows(connection, "select id from cases order by random() limit 40")
                most = await rows(
                    connection, "select customer_id as id from cases group by 1 order by count(*) desc limit 40"
                )
            cases = [CaseId(row["id"]) for row in some]
            customers = [CustomerId(row["id"]) for row in most]
            search = ConversationSearch(database, keyring, words)
            histories, core = Histories(database, keyring), make_core(database, keyring)
            known = Customers(database, keyring, undoable=timedelta(days=30))
            everything = asks(search, made_up, cases) | {
                "a conversation": lambda n: core.cases.read(cases[n], reader=READER),
                "what happened in it": lambda n: histories.of_case(cases[n], reader=READER),
                "a customer": lambda n: known.read(customers[n], reader=READER),
                "what they said on all channels": lambda n: histories.of_customer(customers[n], reader=READER),
            }
            times = {}
            for name, ask in everything.items():
                times[name] = await measure(ask)
                say(f"{name:40} median {times[name]['median']:8.1f} ms   p95 {times[name]['p95']:8.1f} ms")
            return {
                "messages": messages,
                "index_seconds": round(seconds),
                "sizes_mb": {name: float(str(size)) for name, size in sizes.items()},
                "slowest_p95_ms": max(one["p95"] for one in times.values()),
                "ms": times,
            }
        finally:
            await database.close()


def main() -> None:
    parser = argparse.ArgumentParser(description="how long the pages of conversations take over a long history")
    parser.add_argument("--messages", type=int, default=1_000_000)
    messages = parser.parse_args().messages
    with tempfile.TemporaryDirectory(prefix="csagent-", dir="/tmp") as folder:
        place = Path(folder)
        os.chmod(place, 0o755)  # noqa: PTH101 - as root the servers run as somebody else, who has to get in
        print(json.dumps(asyncio.run(run(messages, place))))


if __name__ == "__main__":
    main()
