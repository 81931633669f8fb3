"""How well open questions are put together, on the test questions of banking77, by their intents.

Half of the questions (even first byte of the SHA-256 of the text) was used to choose ``TOGETHER``: by the adjusted
mutual information with the intents, of the whole half (1,601 questions, 77 intents) and of 300 of it, for a company has
more or fewer open questions. The other half is reported, in both sizes, with nothing changed.

Adjusted mutual information and V-measure are of all the questions at once, and have no interval: both change with how
many questions there are. Precision and recall are B-cubed (Bagga and Baldwin 1998), a figure of each question: how many
of those that stand together with it have its intent, and how many of its intent stand together with it, itself counted.
Their intervals are drawn from whole intents.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from evals.data.banking77 import FOLDER, read_banking77
from evals.measure.statistics import mean_interval
from evals.suite import Context, Figure, Report, Suite
from infra.intents.examples import Labelled
from infra.intents.vectors import vectors_of
from infra.knowledge.clusters import TOGETHER, clusters

FEW = 300
_TRIED = tuple(round(0.40 + 0.02 * step, 2) for step in range(18))


async def _run(context: Context) -> Report:
    rows = read_banking77(context.data, "test")
    context.say(f"vectors of {len(rows):,} questions")
    vectors = await vectors_of(context.embedder, [row.text for row in rows])
    return await asyncio.to_thread(_measure, context, rows, vectors)


def _measure(context: Context, rows: Sequence[Labelled], vectors: NDArray[np.float32]) -> Report:
    half = np.array([sha256(row.text.encode()).digest()[0] % 2 for row in rows])
    by_hash = sorted(range(len(rows)), key=lambda place: sha256(rows[place].text.encode()).digest()[1:])
    labels = np.array([row.label for row in rows])
    tuned = [place for place in by_hash if half[place] == 0]
    reported = [place for place in by_hash if half[place] == 1]
    tuning = {}
    for together in _TRIED:
        context.say(f"tuning half at {together}")
        tuning[str(together)] = [
            round(_scores(labels[some], groups_of(vectors[some], together))[0], 4) for some in (tuned, tuned[:FEW])
        ]
    figures = []
    details: dict[str, object] = {"gaps_threshold": TOGETHER, "gaps_tuning_ami_all_and_few": tuning}
    for name, some in (("gaps", reported), ("gaps_few", reported[:FEW])):
        context.say(f"{len(some):,} questions of the other half")
        gold, found = labels[some], groups_of(vectors[some], TOGETHER)
        ami, homogeneity, completeness, v_measure = _scores(gold, found)
        told = f"adjusted mutual information with the intents, of {len(some):,} questions"
        precision, recall = _cubed(gold, found)
        intents = gold.tolist()
        figures += [
            Figure(f"{name}_ami", ami, stated=told),
            Figure(f"{name}_v_measure", v_measure, stated="harmonic mean of homogeneity and completeness"),
            Figure(f"{name}_precision", float(precision.mean()), mean_interval(precision.tolist(), clusters=intents),
                   stated="of what stands together with a question, the share of its intent"),
            Figure(f"{name}_recall", float(recall.mean()), mean_interval(recall.tolist(), clusters=intents),
                   stated="of a question's intent, the share that stands together with it"),
        ]  # fmt: skip
        details[f"{name}_homogeneity_completeness"] = [round(homogeneity, 4), round(completeness, 4)]
        counts = np.bincount(found)
        details[f"{name}_groups"] = {
            "intents": len(set(gold)),
            "groups": len(counts),
            "of_two_or_more": int((counts > 1).sum()),
            "questions_alone": int((counts == 1).sum()),
        }
    return Report(tuple(figures), details=details)


def groups_of(vectors: NDArray[np.float32], together: float) -> NDArray[np.intp]:
    """The number of each question's group."""
    found = np.empty(len(vectors), dtype=np.intp)
    for number, places in enumerate(clusters(vectors, together)):
        found[places] = number
    return found


def _scores(gold: NDArray[np.str_], found: NDArray[np.intp]) -> tuple[float, float, float, float]:
    """Adjusted mutual information, homogeneity, completeness, V-measure."""
    from sklearn.metrics import adjusted_mutual_info_score, homogeneity_completeness_v_measure  # heavy

    homogeneity, completeness, v_measure = homogeneity_completeness_v_measure(gold, found)
    return (
        float(adjusted_mutual_info_score(gold, found)), float(homogeneity), float(completeness), float(v_measure),
    )  # fmt: skip


def _cubed(gold: NDArray[np.str_], found: NDArray[np.intp]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """B-cubed precision and recall of each question."""
    same_intent, together = gold[:, None] == gold, found[:, None] == found
    both = (same_intent & together).sum(axis=1)
    return both / together.sum(axis=1), both / same_intent.sum(axis=1)


GAPS = Suite("gaps", "open questions put together, against the intents", _run, needs=(FOLDER,))
