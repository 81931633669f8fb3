"""``make bench``, its part for the search: 100,000 passages, how many of the exact ten are found, and how quickly.

**Passages.** The 12,039 answers about hotels, restaurants and sights of a public set (``dstc10_faq``), and as many
copies as are missing, each about another place and in other words at its edges: many near neighbours, which is what an
approximate index finds hardest. One in a hundred is of another language by its label, drawn by a hash: the filter.

**Vectors.** Those of the real texts are the model's, remembered by content hash in the file that ``make eval`` uses. A
copy's is its original's, turned by a random angle that a hash of its text gives (a cosine of 0.90 to 0.99), because a
model takes most of an hour for 88,000 texts on two cores; ``--embed-copies`` lets it.

**Questions.** What customers said last in the spoken dialogues about those places.

**Recall.** The exact answer is the same statement with the vectors' index put out of use, so that every passage is
compared, side by side on the same rows. ``search_recall10`` is the share of its ten that the product's search returns;
a passage that is exactly as good as one of them counts as it. Questions are asked as they are, words and all.
``search_recall10_vectors`` is the same for questions that share no word with any passage, so that vectors alone decide.

**Time.** From the call of ``PostgresKnowledge.search`` to its passages, one after the other, on warm servers: each was
asked once before, for a server that has run for a while holds all of the index in memory. The question's own vector is
remembered and so not in it. Two more figures are for a machine that has other things to do: the processor's
milliseconds of the server, and ``search_quiet_…``, in which every question counts with the quickest of five passes over
all of them.
"""

from __future__ import annotations

import hashlib
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import evals
from api.agent import open_embedder
from api.commands.serve import keep_loaded
from evals.measure.vectors import FileVectorCache, vectors_file
from infra.knowledge.article import Article
from infra.knowledge.ingest import Ingest
from infra.knowledge.passages import split
from infra.knowledge.reading import Reading, read_articles
from infra.models.cache import CachedEmbedder
from infra.postgres import knowledge as limits
from infra.postgres.articles import PostgresArticles
from infra.postgres.database import Database
from infra.postgres.knowledge import PostgresKnowledge
from infra.settings import read_settings
from skills.ports import Embedder, KnowledgeQuery
from skills.turn import Language, Passage
from tests.bench.cpu import cpu_seconds

PASSAGES = 100_000
QUESTIONS = 200
TEN = 10
SOURCE = "bench"
_INDEX = "select indexdef from pg_indexes where indexname = 'embeddings_minilm'"
ENGLISH, FILTERED = Language("en"), Language("fr")
_ONE_IN = 100
_PASSES = 5
_EDGES = (
    ("", ""),
    ("Thank you for asking. ", ""),
    ("", " Ask our staff if anything is unclear."),
    ("As of this season: ", ""),
    ("", " This may change at short notice."),
    ("In short: ", " We look forward to your visit."),
    ("Our guests often ask this. ", ""),
    ("", " Please call ahead to be sure."),
)


def articles(data: Path, count: int) -> tuple[list[Article], dict[str, str]]:
    """As many articles of one passage each; and of each copy's text, of which text it is a copy."""
    mapping = Path(evals.__file__).parent / "mappings" / "dstc10_faq.toml"
    real = read_articles(data / "dstc10_faq" / "knowledge.json", mapping=mapping, source=SOURCE).articles
    places = sorted({_place(article) for article in real})
    found, copies = [_labelled(article, article.slug) for article in real[:count]], {}
    for number in range(count - len(found)):
        original = real[number % len(real)]
        place, other = _place(original), places[(number * 7 + number // len(real)) % len(places)]
        before, after = _EDGES[(number // len(real) + number) % len(_EDGES)]
        heading, body = _about(original.text, place, other).split("\n\n", 1)
        text = f"{heading}\n\n{before}{body}{after}"
        copy = replace(original, title=_about(original.title, place, other), text=text)
        copy = _labelled(copy, f"copy/{number}")
        copies[split(copy)[0].searchable] = split(original)[0].searchable
        found.append(copy)
    return found, copies


class TurnedVectors:
    """An ``Embedder`` that gives a copy its original's vector, turned a little; every other text's is the model's."""

    def __init__(self, embedder: Embedder, copies: Mapping[str, str]) -> None:
        self._embedder = embedder
        self._copies = copies
        self.model = embedder.model
        self.dimensions = embedder.dimensions

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        vectors = await self._embedder.embed([self._copies.get(text, text) for text in texts])
        return [_turned(v, text) if text in self._copies else v for text, v in zip(texts, vectors, strict=True)]


class WordlessQuestions:
    """Embeds "xyzzy n" as the n-th question, so that only the vectors can find anything."""

    def __init__(self, embedder: Embedder, asked: Sequence[str]) -> None:
        self._embedder = embedder
        self._asked = asked
        self.model = embedder.model
        self.dimensions = embedder.dimensions

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        return await self._embedder.embed([self._asked[int(text.removeprefix("xyzzy"))] for text in texts])


def questions(data: Path, count: int) -> list[str]:
    """What customers said, each once."""
    talks = json.loads((data / "dstc10_faq" / "logs.json").read_text(encoding="utf-8"))
    said = dict.fromkeys(turn["text"] for talk in talks for turn in talk[::-1][:1] if turn["speaker"] == "U")
    return list(said)[:count]


class _Unindexed(PostgresArticles):
    """Leaves the index of the vectors to whoever fills a whole database."""

    async def ensure_model_index(self, model: str, dimensions: int) -> None:
        """Made afterwards."""


class SearchBench:
    """One filled database, searched."""

    def __init__(self, database: Database, embedder: Embedder) -> None:
        self._database = database
        self._embedder = embedder
        self._knowledge = PostgresKnowledge(database, embedder)

    async def fill(self, found: Sequence[Article]) -> float:
        """Bring the articles in as the product does, but index their vectors afterwards, all at once; seconds."""
        began = time.perf_counter()
        async with self._database.connection() as connection:
            row = await (await connection.execute(_INDEX)).fetchone()
            assert row is not None
            await connection.execute("drop index embeddings_minilm")
        reading = Reading(source=SOURCE, articles=tuple(found), problems=(), ignored=())
        store = _Unindexed(self._database)
        await Ingest(store, self._embedder).add(reading, progress=_progress)
        async with self._database.transaction() as connection:
            await connection.execute("set local statement_timeout = 0")
            await connection.execute("set local maintenance_work_mem = '1GB'")
            await connection.execute(row["indexdef"])
        await store.finish()
        return time.perf_counter() - began

    async def measure(self, asked: Sequence[str]) -> dict[str, Any]:
        """The figures for ``make bench``."""
        await self._embedder.embed(list(asked))  # remembered from now on
        keep_loaded()  # as every process of the product
        figures: dict[str, Any] = {}
        for suffix, language in (("", None), ("_filtered", FILTERED)):
            await self._timed(asked, language)  # warm: a server that has run for a while holds all of the index
            began = cpu_seconds(os.getpid(), named="postgres")
            found, took = await self._timed(asked, language)
            quiet = took
            for _ in range(_PASSES - 1):
                quiet = list(map(min, quiet, (await self._timed(asked, language))[1]))
            cpu = (cpu_seconds(os.getpid(), named="postgres") - began) / _PASSES
            exact, exact_took = await self._exactly(asked, language)
            figures |= {
                f"search_recall10{suffix}": round(statistics.mean(map(recall, found, exact)), 4),
                f"search_recall10_vectors{suffix}": round(await self._by_vectors(asked, language), 4),
                f"search_p50_ms{suffix}": round(statistics.median(took), 2),
                f"search_p95_ms{suffix}": round(statistics.quantiles(took, n=20)[18], 2),
                f"search_quiet_p50_ms{suffix}": round(statistics.median(quiet), 2),
                f"search_quiet_p95_ms{suffix}": round(statistics.quantiles(quiet, n=20)[18], 2),
                f"search_cpu_ms{suffix}": round(cpu * 1000 / len(asked), 2),
                f"search_exact_p50_ms{suffix}": round(statistics.median(exact_took), 2),
                f"search_ratio_to_exact{suffix}": round(statistics.median(took) / statistics.median(exact_took), 4),
            }
        return figures

    async def _by_vectors(self, asked: Sequence[str], language: Language | None) -> float:
        wordless = SearchBench(self._database, WordlessQuestions(self._embedder, asked))
        texts = [f"xyzzy{number}" for number in range(len(asked))]
        found, _ = await wordless._timed(texts, language)
        exact, _ = await wordless._exactly(texts, language)
        return statistics.mean(map(recall, found, exact))

    async def _exactly(
        self, asked: Sequence[str], language: Language | None
    ) -> tuple[list[list[Passage]], list[float]]:
        few, limits.FEW = limits.FEW, 10**9
        try:
            return await self._timed(asked, language)
        finally:
            limits.FEW = few

    async def _timed(self, asked: Sequence[str], language: Language | None) -> tuple[list[list[Passage]], list[float]]:
        """What each question finds, and its milliseconds."""
        found, took = [], []
        for text in asked:
            began = time.perf_counter()
            found.append(await self._knowledge.search(KnowledgeQuery(text, limit=TEN, language=language)))
            took.append((time.perf_counter() - began) * 1000)
        return found, took


def recall(found: Sequence[Passage], exact: Sequence[Passage]) -> float:
    """The share of the exact passages that were found; one of the same score and similarity counts as it."""
    wanted = [(round(one.score, 9), round(one.similarity, 6)) for one in exact]
    ids = {one.id for one in exact}
    return sum(one.id in ids or (round(one.score, 9), round(one.similarity, 6)) in wanted for one in found) / len(exact)


async def bench_search(
    database: Database, data: Path, *, passages: int = PASSAGES, embed_copies: bool = False
) -> dict[str, Any]:
    """Fill a migrated database, unless it was kept from an earlier run, and measure."""
    settings = read_settings(folder=Path(tempfile.gettempdir()) / "csagent-bench")
    async with open_embedder(settings) as inner:
        cache = FileVectorCache(vectors_file())
        remembered = CachedEmbedder(inner, cache)
        if await _passages(database) < passages:
            found, copies = articles(data, passages)
            filling = SearchBench(database, remembered if embed_copies else TurnedVectors(remembered, copies))
            seconds = await filling.fill(found)
            _say(f"search: {passages:,} passages in {seconds:.0f} s")
        bench = SearchBench(database, remembered)
        figures = await bench.measure(questions(data, QUESTIONS))
        cache.close()
    return {"search_passages": passages, **figures}


async def _passages(database: Database) -> int:
    async with database.connection() as connection:
        row = await (await connection.execute("select count(*) as passages from passages")).fetchone()
    assert row is not None
    return int(row["passages"])


def _labelled(article: Article, slug: str) -> Article:
    drawn = hashlib.sha256(slug.encode()).digest()
    return replace(article, slug=slug, language=FILTERED if int.from_bytes(drawn[:4]) % _ONE_IN == 0 else ENGLISH)


def _place(article: Article) -> str:
    return article.text.partition("\n")[0].removeprefix("## ")


def _turned(vector: Sequence[float], text: str) -> list[float]:
    generator = np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]))
    aside = generator.standard_normal(len(vector))
    aside /= np.linalg.norm(aside)
    turned = np.asarray(vector) + generator.uniform(0.15, 0.48) * aside
    return [float(value) for value in turned / np.linalg.norm(turned)]


def _about(text: str, place: str, other: str) -> str:
    return text.replace(place, other).replace(place.title(), other.title())


def _progress(done: int, total: int) -> None:
    if done % 10_240 == 0 or done == total:
        _say(f"search: {done:,} of {total:,} passages are in")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
