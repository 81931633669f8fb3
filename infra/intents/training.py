"""Trains an ``IntentClassifier`` on labelled texts and their vectors. Needs scikit-learn; using the result does not.

Deterministic: the same examples in the same order give the same classifier.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np

from skills.intent import Floats, IntentClassifier, VectorsHead, Whole, WordsHead, unit
from skills.intent.ngrams import grams, tf_idf

_REGULARISATION = 0.5
_MAIN_AXES = 256
_ENOUGH_FOR_RARE = 500
"""From so many texts on, characters' n-grams that stand in one of them only are left out: slips of one writer."""
_EXAMPLES_A_DIMENSION = 10
"""The covariance is shrunk by ``d / (d + 10 n)`` towards a sphere: .02 for 9,000 examples and 1,920 dimensions."""
FOLDS = 3
_NEAR, _FAR = 0.05, 0.01
"""The share of the company's own examples that may pass the limits."""


@dataclass(frozen=True, slots=True)
class Examples:
    """Labelled texts in scope with their vectors, ``[texts, dimensions]``."""

    texts: Sequence[str]
    labels: Sequence[str]
    vectors: Floats

    def some(self, chosen: Whole) -> Examples:
        """Those with these numbers."""
        return Examples([self.texts[i] for i in chosen], [self.labels[i] for i in chosen], self.vectors[chosen])


def train(examples: Examples, *, embedder: str) -> IntentClassifier:
    """Fit the three heads; ``embedder`` names the model of the vectors.

    One label alone is possible: then only nearness tells what is outside.
    """
    names = tuple(sorted(set(examples.labels)))
    number = {name: index for index, name in enumerate(names)}
    classes = np.array([number[label] for label in examples.labels], dtype=np.intp)
    return IntentClassifier(
        labels=names,
        embedder=embedder,
        words=_words(examples.texts, classes, len(names)),
        vectors=_vectors(examples.vectors, classes, len(names)),
    )


def folds_of(texts: Sequence[str], count: int = FOLDS) -> Whole:
    """The fold of each text, by its hash: the same text never stands on both sides."""
    return np.array([int.from_bytes(sha256(text.encode()).digest()[:4], "big") % count for text in texts], np.intp)


def _words(texts: Sequence[str], classes: Whole, labels: int) -> WordsHead:
    from scipy.sparse import csr_matrix
    from sklearn.svm import LinearSVC

    spread: Counter[str] = Counter()
    for text in texts:
        spread.update(grams(text).keys())
    if len(texts) >= _ENOUGH_FOR_RARE:
        spread = Counter({term: count for term, count in spread.items() if count > 1 or not term.startswith("c")})
    vocabulary = {term: column for column, term in enumerate(sorted(spread))}
    rarity = np.array([np.log((1 + len(texts)) / (1 + spread[term])) + 1 for term in vocabulary], dtype=np.float32)
    weights = np.zeros((len(vocabulary), labels), dtype=np.float32)
    bias = np.zeros(labels, dtype=np.float32)
    if labels > 1 and vocabulary:
        rows = [tf_idf(text, vocabulary, rarity) for text in texts]
        ends = np.cumsum([0, *(len(columns) for columns, _ in rows)])
        table: Any = csr_matrix(
            (np.concatenate([part for _, part in rows]), np.concatenate([part for part, _ in rows]), ends),
            shape=(len(texts), len(vocabulary)),
        )
        machine = LinearSVC(C=_REGULARISATION, random_state=0).fit(table, classes)
        found, offset = machine.coef_.T.astype(np.float32), machine.intercept_.astype(np.float32)
        two = found.shape[1] == 1  # of two classes there is one machine
        weights = np.concatenate([-found, found], axis=1) if two else found
        bias = np.concatenate([-offset, offset]) if two else offset
    return WordsHead(vocabulary, rarity, np.ascontiguousarray(weights), bias)


def _vectors(vectors: Floats, classes: Whole, labels: int) -> VectorsHead:
    from sklearn.utils.extmath import randomized_svd

    means = np.stack([vectors[classes == label].mean(axis=0) for label in range(labels)])
    centre = means.mean(axis=0)
    projection = _discriminants(vectors, means, classes)
    places = (vectors - centre) @ projection
    middle = vectors.mean(axis=0)
    about = vectors - middle
    axes: Floats = np.zeros((vectors.shape[1], 0), dtype=np.float32)
    most = min(_MAIN_AXES, *vectors.shape)
    if about.any():
        _, _, found = randomized_svd(about, n_components=most, n_iter=2, random_state=0)
        axes = np.ascontiguousarray(found.T.astype(np.float32))
    return VectorsHead(
        centre=centre,
        projection=projection,
        means=(means - centre) @ projection,
        examples=unit(places),
        example_labels=classes,
        middle=middle,
        main_axes=axes,
        directions=unit(about @ axes),
    )


def _discriminants(vectors: Floats, means: Floats, classes: Whole) -> Floats:
    """The axes along which the intents' means lie apart, ``[dimensions, labels - 1]``, the common spread being one.

    The distance to a mean has the part beyond these axes in common for every label, so that they are all that is
    needed to tell labels apart; by what lies beyond them, texts of all kinds differ.
    """
    from scipy.linalg import cho_factor, cho_solve

    labels, dimensions = means.shape
    if labels == 1:
        return np.zeros((dimensions, 0), dtype=np.float32)
    residuals = vectors - means[classes]
    spread = residuals.T @ residuals / np.float32(len(vectors))
    size = float(np.trace(spread)) / dimensions
    if size == 0:  # every example of an intent is the same: a sphere of any size will do
        size = 1.0 / dimensions
    shrinkage = dimensions / (dimensions + _EXAMPLES_A_DIMENSION * len(vectors))
    spread = spread * np.float32(1 - shrinkage)
    spread[np.diag_indices(dimensions)] += np.float32(shrinkage * size)
    apart = (means - means.mean(axis=0)).astype(np.float64)
    solved = cho_solve(cho_factor(spread, lower=True), apart.T.astype(np.float32)).astype(np.float64)
    values, turned = np.linalg.eigh(apart @ solved)
    # One direction is lost to the mean of means; means that coincide lose more.
    kept = values > values[-1] * 1e-9
    kept[0] = False
    projection: Floats = (solved @ turned[:, kept] / np.sqrt(values[kept])).astype(np.float32)
    return projection


@dataclass(frozen=True, slots=True)
class Checked:
    """What cross-validation found: every example judged by a classifier that has not seen it.

    ``by_label`` has how many examples a label has and the share of them that were told right; ``mixed_up`` the pairs
    (label, taken for) that were confused most. ``near`` and ``far`` are the scores that 5 % and 1 % of the examples
    pass: above them a text counts as outside.
    """

    accuracy: float
    by_label: dict[str, tuple[int, float]]
    mixed_up: tuple[tuple[str, str, int], ...]
    near: float
    far: float


def cross_validate(examples: Examples) -> Checked:
    """Judge every example by a classifier of the other folds.

    A label that stands in one fold only can't be told by the others; its examples count as wrong, and their scores
    don't count for the limits.
    """
    folds = folds_of(examples.texts)
    truth = np.array(examples.labels)
    taken = np.full(len(truth), "", dtype=truth.dtype if truth.dtype.itemsize else "<U1")
    scores: list[float] = []
    for fold in range(FOLDS):
        kept, asked = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        if not len(kept) or not len(asked):
            continue
        classifier = train(examples.some(kept), embedder="")
        judgement = classifier.judge([examples.texts[int(index)] for index in asked], examples.vectors[asked])
        taken[asked] = np.array(classifier.labels)[judgement.labels]
        known = np.isin(truth[asked], classifier.labels)
        scores += judgement.outside[known].tolist()
    right = taken == truth
    wrong = Counter(zip(truth[~right].tolist(), taken[~right].tolist(), strict=True))
    near, far = np.quantile(scores, [1 - _NEAR, 1 - _FAR], method="higher") if scores else (np.inf, np.inf)
    return Checked(
        accuracy=float(right.mean()),
        by_label={
            label: (int((truth == label).sum()), float(right[truth == label].mean()))
            for label in np.unique(truth).tolist()
        },
        mixed_up=tuple((label, other, count) for (label, other), count in wrong.most_common(10) if other),
        near=float(near),
        far=float(far),
    )
