"""Fits the weights of ``skills.answerability`` and prints them: ``python -m evals.training.answerability --data …``.

Trained on the development half of MTRAG-UN (by SHA-256 of the dialogue's id; Apache-2.0) and on those turns of the
sample company that its authors expect to be answered from an article, or to be left open because no article does. In
each of the two sets both classes weigh the same. Ridge-regularised logistic regression on standardised signs, solved by
Newton's method: deterministic, and the same anywhere.
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evals.data.mtrag import read_mtrag
from evals.measure.vectors import FileVectorCache, vectors_file
from evals.sample_company.script import ARTICLES, Answered, Escalated, load_script
from evals.sample_company.turns import turns_of
from evals.suites.abstention import retrieved
from infra.knowledge.ingest import Ingest
from infra.knowledge.memory import InMemoryKnowledge
from infra.knowledge.reading import read_articles
from infra.models.cache import CachedEmbedder
from infra.models.minilm import MiniLmEmbedder
from skills.answerability import Evidence, evidence_for
from skills.ports import Embedder
from skills.respond import small_talk_in
from skills.retrieve import Retrieve

Array = NDArray[np.float64]
Example = tuple[Evidence, bool]

RIDGE = 3.0
_STEPS = 15
_OPEN = {"unanswered", "low_confidence"}


async def main() -> None:
    """Fit and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the public data")
    data: Path = parser.parse_args().data
    cache = FileVectorCache(vectors_file())
    minilm = MiniLmEmbedder()  # whose cosines the weights are for
    embedder = CachedEmbedder(minilm, cache)
    public, own = await _public_examples(data, embedder), await _own_examples(embedder)
    minilm.close()
    cache.close()
    signs = np.array([evidence.signs for evidence, _ in (*public, *own)])
    answered = np.array([label for _, label in (*public, *own)])
    ours = np.arange(len(answered)) >= len(public)
    weights = np.where(ours, _balance(answered, ours), _balance(answered, ~ours))
    middle, spread = signs.mean(axis=0), signs.std(axis=0)
    fitted = fit((signs - middle) / spread, answered, weights)
    slopes = fitted[:-1] / spread
    print(f"_BIAS = {fitted[-1] - float(slopes @ middle):.2f}")  # noqa: T201 - to be copied
    print(f"_WEIGHTS = ({', '.join(f'{slope:.2f}' for slope in slopes)})")  # noqa: T201 - to be copied
    talks = np.array([evidence.signs[4:6] for evidence, _ in public if not evidence.first])
    print("typical talk:", talks.mean(axis=0).round(2).tolist())  # noqa: T201 - to be copied


def fit(signs: Array, answered: NDArray[np.bool_], weights: Array) -> Array:
    """The slopes and, last, the bias of a weighted logistic regression on standardised signs (examples by signs)."""
    signs = np.column_stack([signs, np.ones(len(signs))])
    ridge = np.eye(signs.shape[1]) * RIDGE
    ridge[-1, -1] = 1e-6  # the bias is free
    fitted = np.zeros(signs.shape[1])
    for _ in range(_STEPS):
        likely = 1 / (1 + np.exp(-signs @ fitted))
        slope = signs.T @ (weights * (likely - answered)) + ridge @ fitted
        curve = (signs * (weights * likely * (1 - likely))[:, None]).T @ signs + ridge
        fitted -= np.linalg.solve(curve, slope)
    return fitted


def _balance(answered: NDArray[np.bool_], among: NDArray[np.bool_]) -> Array:
    share = float(answered[among].mean())
    weights: Array = np.where(answered, 0.5 / share, 0.5 / (1 - share))
    return weights


async def _public_examples(data: Path, embedder: Embedder) -> list[Example]:
    mtrag = read_mtrag(data)
    _, found = await retrieved(mtrag, embedder)
    return [
        (evidence_for(each.turn.text, retrieval.passages, each.turn.history), each.answerability == "ANSWERABLE")
        for each, retrieval in zip(mtrag.turns, found, strict=True)
        if each.development and each.answerability != "PARTIAL"
    ]


async def _own_examples(embedder: Embedder) -> list[Example]:
    knowledge = InMemoryKnowledge(embedder)
    await Ingest(knowledge, embedder).add(read_articles(ARTICLES))
    retrieve = Retrieve(knowledge, subjects=knowledge.subjects())
    examples: list[Example] = []
    for customer in load_script():
        async for turn, expected, retrieval in turns_of(customer, retrieve):
            left_open = isinstance(expected, Escalated) and not _OPEN.isdisjoint(expected.rules)
            if (left_open or isinstance(expected, Answered)) and small_talk_in(turn.text) is None:
                wanted = isinstance(expected, Answered) and bool(expected.cites)
                examples.append((evidence_for(turn.text, retrieval.passages, turn.history), wanted))
    return examples


if __name__ == "__main__":
    asyncio.run(main())
