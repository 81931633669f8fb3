"""How well open questions are put together, on the test questions of banking77, by their intents.

Half of the questions (even first byte of the SHA-256 of the text) was used to choose ``TOGETHER``: by the adjusted
mutual information with the intents, of the whole half (1,601 questions, 77 intents) and of 300 of it, for a company has
more or fewer open questions. The other half is reported, in both sizes, with nothing changed.

Intervals: 200 times 63 % of the questions, drawn without putting back, their groups as they were found.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from evals.data.banking77 import FOLDER, read_banking77
from evals.suite import Context, Figure, Report, Suite
from infra.intents.examples import Labelled
from infra.intents.vectors import vectors_of
from infra.knowledge.clusters import TOGETHER, clusters

FEW = 300
_DRAWN, _DRAWS = 0.63, 200
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
        low, high = np.percentile(_drawn(gold, found), [2.5, 97.5], axis=0)
        size = f"of {len(some):,} questions"
        figures += [
            Figure(
                f"{name}_ami", ami, (low[0], high[0]), stated=f"adjusted mutual information with the intents, {size}"
            ),
            Figure(f"{name}_v_measure", v_measure, (low[3], high[3]), stated=f"V-measure, {size}"),
            Figure(f"{name}_homogeneity", homogeneity, (low[1], high[1]), stated="a group has one intent only"),
            Figure(f"{name}_completeness", completeness, (low[2], high[2]), stated="an intent is in one group only"),
        ]
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

    return (
        float(adjusted_mutual_info_score(gold, found)),
        *map(float, homogeneity_completeness_v_measure(gold, found)),
    )


def _drawn(gold: NDArray[np.str_], found: NDArray[np.intp]) -> NDArray[np.float64]:
    random = np.random.default_rng(77)
    size = round(_DRAWN * len(gold))
    draws = (random.permutation(len(gold))[:size] for _ in range(_DRAWS))
    return np.array([_scores(gold[drawn], found[drawn]) for drawn in draws])


GAPS = Suite("gaps", "open questions put together, against the intents", _run, needs=(FOLDER,))
