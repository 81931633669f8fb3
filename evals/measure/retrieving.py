"""Questions with known answers, put to the product's own retrieval, and the usual figures of what it ranks.

An article counts at the place of its first passage. A question without gold has no answer among the articles: it counts
for nothing but whether the confidence tells it from the others.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID, uuid5

import numpy as np

from evals.measure.statistics import auroc, bootstrap, mean_interval
from skills.retrieve import Retrieve
from skills.turn import (
    ArticleId,
    Author,
    CaseId,
    ChannelName,
    Customer,
    CustomerId,
    Message,
    MessageId,
    Turn,
    TurnId,
)

DEPTH = 10
"""Articles that are looked at."""
PASSAGES = 40
"""Passages that are asked for, so that long articles leave room for ``DEPTH`` of them."""
_HISTORY = 20
"""Messages before the question, as many as a turn of the product brings along."""
_NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Said:
    """One message of the talk before a question."""

    author: Author
    text: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, the names of the articles that answer it (none: nothing does), and the talk before it."""

    id: str
    text: str
    gold: frozenset[str]
    history: tuple[Said, ...] = ()
    dialogue: str = ""
    """Questions of one dialogue go together: the intervals are drawn from whole ones."""

    @property
    def turn(self) -> Turn:
        """The turn of the product that this question makes, of a customer of whom nothing is known."""
        now = datetime.now(UTC)
        talk = [*self.history[-_HISTORY:], Said("customer", self.text)]
        messages = [
            Message(MessageId(uuid5(_NOBODY, str(number))), number, said.author, said.text, now)
            for number, said in enumerate(talk, start=1)
        ]
        customer = Customer(
            CustomerId(_NOBODY), None, verified=False, language=None, segment="standard", earlier_cases=0
        )
        return Turn(
            TurnId(_NOBODY),
            CaseId(_NOBODY),
            ChannelName("chat"),
            customer,
            (messages[-1],),
            tuple(messages[:-1]),
            (),
            now,
        )


@dataclass(frozen=True, slots=True)
class Ranked:
    """What was found for a question: names of articles, best first, and the confidence that the best one answers."""

    asked: Asked
    articles: tuple[str, ...]
    confidence: float

    @property
    def place(self) -> int | None:
        """Where the first gold article stands, from 1; ``None`` when it is not among the first ``DEPTH``."""
        return next((place for place, name in enumerate(self.articles, start=1) if name in self.asked.gold), None)

    def recall(self, depth: int) -> float:
        """The share of the gold articles among the first ``depth``."""
        return len(self.asked.gold.intersection(self.articles[:depth])) / len(self.asked.gold)

    @property
    def reciprocal(self) -> float:
        """One over the place; 0 when it is not found."""
        return 1 / self.place if self.place else 0.0

    @property
    def gain(self) -> float:
        """NDCG at ``DEPTH``, each gold article worth the same."""
        found = sum(
            1 / math.log2(1 + place) for place, name in enumerate(self.articles, start=1) if name in self.asked.gold
        )
        ideal = sum(1 / math.log2(1 + place) for place in range(1, min(len(self.asked.gold), DEPTH) + 1))
        return found / ideal


async def rank(retrieve: Retrieve, asked: Asked, names: Mapping[ArticleId, str]) -> Ranked:
    """Put one question to the skill. ``names`` gives articles the names by which gold knows them."""
    retrieval = (await retrieve({"turn": asked.turn}))["retrieval"]
    articles = dict.fromkeys(names[passage.article_id] for passage in retrieval.passages)
    return Ranked(asked, tuple(articles)[:DEPTH], retrieval.confidence)


@dataclass(frozen=True, slots=True)
class Score:
    """A figure with its 95 % interval, drawn from whole dialogues."""

    value: float
    interval: tuple[float, float] = field(default=(math.nan, math.nan))


_SCORES: Mapping[str, Callable[[Ranked], float]] = {
    "r1": lambda ranked: ranked.recall(1),
    "r5": lambda ranked: ranked.recall(5),
    "r10": lambda ranked: ranked.recall(10),
    "mrr": lambda ranked: ranked.reciprocal,
    "ndcg10": lambda ranked: ranked.gain,
}


def scores(ranked: Sequence[Ranked]) -> dict[str, Score]:
    """``r1``, ``r5``, ``r10``, ``mrr`` and ``ndcg10`` over the questions with gold; empty when none has any."""
    answerable = [one for one in ranked if one.asked.gold]
    clusters = [one.asked.dialogue or one.asked.id for one in answerable]
    found: dict[str, Score] = {}
    for name, score in _SCORES.items():
        values = [score(one) for one in answerable]
        if values:
            found[name] = Score(float(np.mean(values)), mean_interval(values, clusters=clusters))
    return found


def answerable_auroc(ranked: Sequence[Ranked]) -> Score | None:
    """How well the confidence tells questions with gold from those without; ``None`` unless there are both."""
    confidences = np.array([one.confidence for one in ranked])
    gold = np.array([bool(one.asked.gold) for one in ranked], dtype=bool)
    if gold.all() or not gold.any():
        return None
    clusters = [one.asked.dialogue or one.asked.id for one in ranked]
    interval = bootstrap(
        len(ranked), lambda drawn: auroc(confidences[drawn], gold[drawn]), clusters=clusters, resamples=500
    )
    return Score(auroc(confidences, gold), interval)


_STEPS = 5
"""Steps of confidence in a table of reliability."""


def reliability(outcomes: Sequence[tuple[float, bool]]) -> list[dict[str, float]]:
    """For each fifth of the confidence that occurs: how many, their mean confidence, and the share that was right."""
    steps: dict[int, list[tuple[float, bool]]] = {}
    for confidence, right in outcomes:
        steps.setdefault(min(int(confidence * _STEPS), _STEPS - 1), []).append((confidence, right))
    return [
        {
            "from": step / _STEPS,
            "n": len(inside),
            "confidence": round(float(np.mean([confidence for confidence, _ in inside])), 3),
            "right": round(float(np.mean([right for _, right in inside])), 3),
        }
        for step, inside in sorted(steps.items())
    ]


def calibration_error(outcomes: Sequence[tuple[float, bool]]) -> float:
    """The expected calibration error over fifths: the mean gap of confidence and share, weighed by how many."""
    gaps = (step["n"] * abs(step["confidence"] - step["right"]) for step in reliability(outcomes))
    return float(sum(gaps)) / len(outcomes)
