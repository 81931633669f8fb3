"""Intents and what is outside of them, on banking77 and clinc150.

- ``banking77_acc``: trained on ``train.csv``, tested on ``test.csv``.
- ``banking77_near_oos_auroc``: a third of the intents is held out of the training; their questions in ``test.csv`` have
  to score higher than the others'. The mean over five choices of that third, by hash (``report-0`` to ``report-4``).
- ``clinc_in_scope_acc``, ``clinc_auroc``: trained on ``train`` alone, without ``oos_train``; tested on ``test`` and
  ``oos_test``.

Everything that was chosen by looking was chosen on ``train.csv`` of banking77, one fifth of it (by hash of the text)
kept aside to look at: the layers, the heads and their sharpness, the shrinkage; the weights of the four signs also with
thirds held out, by four other choices (``tune-0`` to ``tune-3``). Nothing was tuned on clinc150, nor on a test split.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

import numpy as np

from evals.data.banking77 import FOLDER as BANKING77
from evals.data.banking77 import read_banking77
from evals.data.clinc150 import FOLDER as CLINC150
from evals.data.clinc150 import read_clinc150
from evals.measure.layered import layered_embedder
from evals.measure.scope import Judged
from evals.measure.statistics import auroc, bootstrap
from evals.suite import Context, Figure, Report, Suite
from infra.intents.examples import OUT_OF_SCOPE, Labelled
from infra.intents.training import Examples, train
from infra.intents.vectors import vectors_of
from infra.models.minilm import DIMENSIONS
from skills.intent import Floats, Judgement
from skills.ports import Embedder

SEEDS = tuple(f"report-{number}" for number in range(5))
HELD_OUT = 3
"""One in so many intents."""
_HEADS = ("words", "means", "neighbours")
_SIGNS = ("distance", "doubt", "strangeness", "reluctance")
_LAST_LAYER = slice(3 * DIMENSIONS, 4 * DIMENSIONS)
"""Of the layered vectors: the usual vector, but for its length."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Questions with their vectors."""

    labelled: Sequence[Labelled]
    vectors: Floats

    @property
    def texts(self) -> list[str]:
        """The questions."""
        return [row.text for row in self.labelled]

    @property
    def labels(self) -> list[str]:
        """Their labels."""
        return [row.label for row in self.labelled]


@dataclass(frozen=True, slots=True)
class Tested:
    """What a classifier made of a test."""

    judged: Judged
    judgement: Judgement
    by_head: dict[str, float]
    """The accuracy of each head alone."""
    by_sign: dict[str, float]
    """The AUROC of each sign alone; empty when nothing is outside."""


async def _rows(embedder: Embedder, labelled: Sequence[Labelled], context: Context) -> Rows:
    context.say(f"vectors of {len(labelled):,} questions")
    return Rows(labelled, await vectors_of(embedder, [row.text for row in labelled]))


def hold_out(names: Sequence[str], seed: str) -> frozenset[str]:
    """A third of the intents, by hash."""
    ranked = sorted(set(names), key=lambda name: sha256(f"{seed}:{name}".encode()).digest())
    return frozenset(ranked[: len(ranked) // HELD_OUT])


def judge_test(training: Rows, test: Rows, *, held_out: frozenset[str] = frozenset()) -> Tested:
    """Train without the intents held out, judge the test, in which theirs are out of scope."""
    kept = np.array([index for index, label in enumerate(training.labels) if label not in held_out], dtype=np.intp)
    classifier = train(Examples(training.texts, training.labels, training.vectors).some(kept), embedder="")
    judgement = classifier.judge(test.texts, test.vectors)
    gold = [OUT_OF_SCOPE if label in held_out else label for label in test.labels]
    judged = Judged.of(
        [classifier.labels[number] for number in judgement.labels], judgement.outside.tolist(), gold, OUT_OF_SCOPE
    )
    inside = ~judged.out_of_scope
    truth = np.array(gold)[inside]
    names = np.array(classifier.labels)
    by_head = {
        head: float(np.mean(names[found.argmax(axis=1)][inside] == truth))
        for head, found in zip(_HEADS, judgement.heads, strict=True)
    }
    by_sign = {}
    if judged.out_of_scope.any():
        by_sign = {
            sign: auroc(judgement.signs[:, column].astype(np.float64), judged.out_of_scope)
            for column, sign in enumerate(_SIGNS)
        }
    return Tested(judged, judgement, by_head, by_sign)


async def _run(context: Context) -> Report:
    async with layered_embedder() as embedder:
        bank = (
            await _rows(embedder, read_banking77(context.data, "train"), context),
            await _rows(embedder, read_banking77(context.data, "test"), context),
        )
        clinc = (
            await _rows(embedder, read_clinc150(context.data, "train"), context),
            await _rows(
                embedder, read_clinc150(context.data, "test") + read_clinc150(context.data, "oos_test"), context
            ),
        )
    return await asyncio.to_thread(_measure, context, bank, clinc)


def _measure(context: Context, bank: tuple[Rows, Rows], clinc: tuple[Rows, Rows]) -> Report:
    context.say("banking77: all intents")
    whole = judge_test(*bank)
    flat = judge_test(*(replace(rows, vectors=_last_layer(rows.vectors)) for rows in bank))
    near = []
    for seed in SEEDS:
        context.say(f"banking77: a third held out, {seed}")
        near.append(judge_test(*bank, held_out=hold_out(bank[0].labels, seed)))
    flat_near = judge_test(
        *(replace(rows, vectors=_last_layer(rows.vectors)) for rows in bank),
        held_out=hold_out(bank[0].labels, SEEDS[0]),
    )
    context.say("clinc150")
    wide = judge_test(*clinc)
    return Report(
        figures=(
            Figure("banking77_acc", whole.judged.accuracy, whole.judged.accuracy_interval, floor=0.94,
                   stated="share of test questions that get their intent, of 77"),
            Figure("banking77_near_oos_auroc", float(np.mean([each.judged.auroc for each in near])),
                   _mean_interval([each.judged for each in near]), floor=0.92,
                   stated="unknown intents told from known ones, a third held out, mean of five choices"),
            Figure("clinc_in_scope_acc", wide.judged.accuracy, wide.judged.accuracy_interval,
                   stated="share of test questions in scope that get their intent, of 150"),
            Figure("clinc_auroc", wide.judged.auroc, wide.judged.auroc_interval, floor=0.98,
                   stated="questions out of scope told from those in scope, trained without any"),
            Figure("clinc_fpr_at_95_tpr", wide.judged.false_positives, wide.judged.false_positives_interval,
                   better="lower", stated="out of scope that pass where 95 % in scope do"),
        ),
        details={
            "banking77_acc_by_head": _rounded(whole.by_head),
            "banking77_acc_last_layer": round(flat.judged.accuracy, 4),
            "banking77_near_oos_auroc_by_choice": [round(each.judged.auroc, 4) for each in near],
            "banking77_near_oos_auroc_by_sign": _means([each.by_sign for each in near]),
            "banking77_near_oos_auroc_first_choice_last_layer": round(flat_near.judged.auroc, 4),
            "banking77_near_in_scope_acc": round(float(np.mean([each.judged.accuracy for each in near])), 4),
            "banking77_near_fpr_at_95_tpr": round(float(np.mean([each.judged.false_positives for each in near])), 4),
            "clinc_acc_by_head": _rounded(wide.by_head),
            "clinc_auroc_by_sign": _rounded(wide.by_sign),
        },
    )  # fmt: skip


def _last_layer(vectors: Floats) -> Floats:
    part = vectors[:, _LAST_LAYER]
    plain: Floats = part / np.linalg.norm(part, axis=1, keepdims=True)
    return plain


def _mean_interval(judged: Sequence[Judged]) -> tuple[float, float]:
    """Of the mean over the choices; questions are drawn, the same for every choice. The choices themselves stay."""
    return bootstrap(
        len(judged[0].outside),
        lambda drawn: float(np.mean([auroc(one.outside[drawn], one.out_of_scope[drawn]) for one in judged])),
        resamples=500,
    )


def _rounded(figures: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in figures.items()}


def _means(tables: Sequence[dict[str, float]]) -> dict[str, float]:
    return {name: round(float(np.mean([table[name] for table in tables])), 4) for name in tables[0]}


SCOPE = Suite("scope", "intents, and what is outside of them", _run, needs=(BANKING77, CLINC150))
