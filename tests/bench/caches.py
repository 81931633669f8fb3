"""Does it pay to remember what a search found? ``python -m tests.bench.caches``.

The sample company's articles and what its customers write, on a real PostgreSQL with MiniLM, with and without the cache
by turns in one run. Says how it goes, and ends with one line of JSON:

    first_ms                           a search for a text that is new: it has to be embedded
    search_ms, cached_ms, ratio        the same again: its vector is known; what it found is known
    answers_per_s, cached_answers_per_s, answers_ratio   retrieve and respond, 20 at once, on such questions
    version_ms, version_10k_ms         one look, a second apart, whether an article changed; with 10,000 articles more
    miss_ms                            what the cache adds to a search that it can't spare
    break_even_at                      the share of searches that have to repeat for the cache to cost nothing, by
                                       searches a second: they share the look
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import uvloop

from evals.sample_company.script import ARTICLES, load_script
from infra.embedded.servers import EmbeddedServers
from infra.knowledge.cache import CachedKnowledge
from infra.knowledge.ingest import Ingest
from infra.knowledge.reading import read_articles
from infra.models.cache import CachedEmbedder, MemoryVectorCache
from infra.models.minilm import MiniLmEmbedder
from infra.postgres.articles import PostgresArticles
from infra.postgres.database import Database
from infra.postgres.knowledge import PostgresKnowledge
from infra.postgres.migrate import migrate
from skills.ports import Embedder, Knowledge, KnowledgeQuery
from skills.respond import ExtractiveResponder
from skills.retrieve import Retrieve
from skills.sentiment import LexiconSentiment
from skills.turn import CaseId, ChannelName, Customer, CustomerId, Language, Message, MessageId, Turn, TurnId

ROUNDS = 5
AT_ONCE = 20
DEEP = 24
"""As many passages as the agent's own searches ask for."""

MORE_ARTICLES = """
insert into articles (id, source, slug, title, language, audience, content_hash)
select gen_random_uuid(), 'more', n::text, 'Article ' || n, 'en', 'public', sha256(n::text::bytea)
from generate_series(1, 10000) n
"""


def turns() -> list[Turn]:
    """The first turn of every sample customer."""
    now = datetime.now(UTC)
    return [
        Turn(
            id=TurnId(uuid4()),
            case_id=CaseId(uuid4()),
            channel=ChannelName("chat"),
            customer=Customer(CustomerId(uuid4()), None, False, Language("en"), "standard", 0),
            messages=tuple(
                Message(MessageId(uuid4()), number, "customer", text, now)
                for number, text in enumerate(customer.turns[0].messages, start=1)
            ),
            history=(),
            earlier_polarity=(),
            started_at=now,
        )
        for customer in load_script()
    ]


async def milliseconds(knowledge: Knowledge, texts: Sequence[str]) -> float:
    """The median of one search each, one after the other."""
    took = []
    for text in texts:
        began = time.perf_counter()
        await knowledge.search(KnowledgeQuery(text, limit=DEEP))
        took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)


async def answers_per_second(knowledge: Knowledge, asked: Sequence[Turn]) -> float:
    """Retrieve and respond over every turn, ``AT_ONCE`` under way."""
    retrieve, respond, sentiment = Retrieve(knowledge), ExtractiveResponder(), LexiconSentiment()
    left = iter(asked)

    async def work() -> None:
        for turn in left:
            found = (await retrieve({"turn": turn}))["retrieval"]
            await respond({"turn": turn, "sentiment": sentiment.read(turn), "retrieval": found})

    began = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    return len(asked) / (time.perf_counter() - began)


async def look_milliseconds(knowledge: PostgresKnowledge) -> float:
    took = []
    for _ in range(50):
        began = time.perf_counter()
        await knowledge.version()
        took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)


async def measure(database: Database, embedder: Embedder) -> dict[str, Any]:
    plain = PostgresKnowledge(database, embedder)
    cached = CachedKnowledge(plain, plain.version, seconds=3600.0)  # nothing may run out in the middle of a round
    # Never finds anything again: what it takes longer than the plain one is what a miss costs.
    missing = CachedKnowledge(plain, plain.version, seconds=0.0)
    asked = turns()
    texts = [turn.text for turn in asked]
    first = await milliseconds(plain, texts)
    for knowledge in (plain, cached):  # every reading's vector and answer is known from here on
        await answers_per_second(knowledge, asked)
        await milliseconds(knowledge, texts)
    figures: dict[str, list[float]] = {}
    for number in range(ROUNDS):
        for name, knowledge in (("plain", plain), ("missing", missing), ("cached", cached)):
            figures.setdefault(f"{name}_ms", []).append(await milliseconds(knowledge, texts))
            if knowledge is not missing:
                figures.setdefault(f"{name}_per_s", []).append(await answers_per_second(knowledge, asked))
        told = ", ".join(f"{name} {values[-1]:.3f}" for name, values in figures.items())
        print(f"round {number + 1}: {told}", file=sys.stderr, flush=True)
    middle = {name: statistics.median(values) for name, values in figures.items()}
    look = await look_milliseconds(plain)
    async with database.connection() as connection:
        await connection.execute(MORE_ARTICLES)
        await connection.execute("analyze articles")
    miss = max(0.0, middle["missing_ms"] - middle["plain_ms"])
    saved = middle["plain_ms"] - middle["cached_ms"]
    return {
        "questions": len(asked),
        "first_ms": round(first, 2),
        "search_ms": round(middle["plain_ms"], 3),
        "cached_ms": round(middle["cached_ms"], 4),
        "ratio": round(middle["plain_ms"] / middle["cached_ms"], 1),
        "answers_per_s": round(middle["plain_per_s"], 1),
        "cached_answers_per_s": round(middle["cached_per_s"], 1),
        "answers_ratio": round(middle["cached_per_s"] / middle["plain_per_s"], 2),
        "version_ms": round(look, 3),
        "version_10k_ms": round(await look_milliseconds(plain), 3),
        "miss_ms": round(miss, 4),
        "break_even_at": {rate: round((miss + look / rate) / saved, 4) for rate in (1, 20)},
    }


async def main() -> None:
    with tempfile.TemporaryDirectory(prefix="csagent-", dir="/tmp") as place:
        os.chmod(place, 0o755)  # noqa: PTH101 - as root the servers run as somebody else, who has to get in
        folder = Path(place)
        minilm = MiniLmEmbedder()
        async with EmbeddedServers(folder / "data", system_folder=folder / "system") as servers:
            database = Database(servers.database_url, size=AT_ONCE)
            await database.open()
            await migrate(database)
            embedder = CachedEmbedder(minilm, MemoryVectorCache())
            await Ingest(PostgresArticles(database), embedder).add(read_articles(ARTICLES, source="sample"))
            figures = await measure(database, embedder)
            await database.close()
        minilm.close()
    print(json.dumps(figures))


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
