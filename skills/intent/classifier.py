"""Which of the company's intents a text has, and whether it has one at all: arithmetic over arrays, a few milliseconds.

Three heads look at a text, each in its own way, and are put together by the product of their probabilities:

- **words**: a linear support vector machine over TF-IDF of words and of characters (``skills.intent.ngrams``);
- **means**: linear discriminant analysis over the text's vector: the distance to each intent's mean in the space in
  which the intents lie apart, measured by their common spread (Mahalanobis; the covariance is shrunk);
- **neighbours**: the labels of the twenty nearest examples by angle in that space.

How far outside of all intents a text lies is a weighted sum of four signs on their natural scales. The weights were
fitted on intents of banking77's training set that were held out of training (``evals/suites/scope.py`` says which):

- **distance**: the logarithm of the squared Mahalanobis distance to the nearest intent's mean;
- **doubt**: minus the logarithm of the mean probability of the best intent;
- **strangeness**: minus the cosine to the nearest example, about the examples' common mean and in their main axes;
- **reluctance**: minus the highest value of the words' head before it is made a probability.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from skills.intent.ngrams import tf_idf

Floats = npt.NDArray[np.float32]
Whole = npt.NDArray[np.intp]

# Sharpness of each head's softmax and the floor of the neighbours' vote, where they were best calibrated on examples
# of banking77's training set that were kept aside.
_WORDS_SHARPNESS = 6.0
_MEANS_SHARPNESS = 0.05
_NEIGHBOURS = 20
_NEIGHBOURS_REACH = 0.1
_NEIGHBOURS_FLOOR = 0.02
_LEAST = 1e-6
_AT_ONCE = 1024

SIGN_WEIGHTS = np.array([2.2, 1.0, 6.9, 0.53], dtype=np.float32)
"""Of distance, doubt, strangeness and reluctance."""


@dataclass(frozen=True, slots=True)
class WordsHead:
    """``weights`` [terms, labels] and ``bias`` [labels] over the columns of ``vocabulary``."""

    vocabulary: Mapping[str, int]
    rarity: Floats
    weights: Floats
    bias: Floats

    def values(self, texts: Sequence[str]) -> Floats:
        """The machine's value for every label, ``[texts, labels]``."""
        out = np.tile(self.bias, (len(texts), 1))
        for row, text in enumerate(texts):
            columns, weights = tf_idf(text, self.vocabulary, self.rarity)
            if columns.size:
                out[row] += weights @ self.weights[columns]
        return out


@dataclass(frozen=True, slots=True)
class VectorsHead:
    """The space in which the intents lie apart, and what lies in it.

    Args:
        centre: the mean of the intents' means, [dimensions].
        projection: into the discriminant space, [dimensions, axes]; the common spread is the unit sphere there.
        means: of the intents, [labels, axes].
        examples: directions of the examples, unit rows [examples, axes].
        example_labels: the label's number of each, [examples].
        middle: the mean of the examples, [dimensions].
        main_axes: the main axes about it, [dimensions, main].
        directions: of the examples along them, unit rows [examples, main].
    """

    centre: Floats
    projection: Floats
    means: Floats
    examples: Floats
    example_labels: Whole
    middle: Floats
    main_axes: Floats
    directions: Floats

    def distances(self, vectors: Floats) -> tuple[Floats, Floats]:
        """Where the vectors lie, ``[texts, axes]``, and their squared distances to the means, ``[texts, labels]``."""
        places = np.asarray((vectors - self.centre) @ self.projection, dtype=np.float32)
        squares = (places**2).sum(axis=1)[:, None] - 2 * places @ self.means.T + (self.means**2).sum(axis=1)
        return places, np.asarray(np.maximum(squares, 0), dtype=np.float32)

    def votes(self, places: Floats, labels: int) -> Floats:
        """The share of each label among the nearest examples, nearer ones counting more, ``[texts, labels]``."""
        cosines = unit(places) @ self.examples.T
        count = min(_NEIGHBOURS, cosines.shape[1])
        nearest = np.argpartition(-cosines, count - 1, axis=1)[:, :count]
        weights = np.exp((np.take_along_axis(cosines, nearest, axis=1) - 1) / np.float32(_NEIGHBOURS_REACH))
        votes = np.zeros((len(places), labels), dtype=np.float32)
        rows = np.repeat(np.arange(len(places)), count)
        np.add.at(votes, (rows, self.example_labels[nearest].ravel()), weights.ravel())
        votes /= np.maximum(votes.sum(axis=1, keepdims=True), np.float32(1e-30))
        return (votes + np.float32(_NEIGHBOURS_FLOOR / labels)) / np.float32(1 + _NEIGHBOURS_FLOOR)

    def nearness(self, vectors: Floats) -> Floats:
        """The cosine to the nearest example about the examples' mean, ``[texts]``."""
        about = np.asarray((vectors - self.middle) @ self.main_axes, dtype=np.float32)
        nearest: Floats = (unit(about) @ self.directions.T).max(axis=1)
        return nearest


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was found of some texts: numbers of labels, their probability, and how far outside each text lies.

    ``signs`` [texts, 4] are distance, doubt, strangeness and reluctance; ``heads`` are the probabilities by each head.
    """

    labels: Whole
    confidence: Floats
    outside: Floats
    signs: Floats
    heads: tuple[Floats, Floats, Floats]


@dataclass(frozen=True, slots=True)
class IntentClassifier:
    """A trained classifier. ``embedder`` names the model whose vectors it was trained on."""

    labels: tuple[str, ...]
    embedder: str
    words: WordsHead
    vectors: VectorsHead

    @property
    def dimensions(self) -> int:
        """Of the vectors that it takes."""
        return int(self.vectors.centre.shape[0])

    def judge(self, texts: Sequence[str], vectors: Floats) -> Judgement:
        """Judge texts with their vectors, ``[texts, dimensions]``."""
        parts = [
            self._judge(texts[start : start + _AT_ONCE], vectors[start : start + _AT_ONCE])
            for start in range(0, len(texts), _AT_ONCE)
        ]
        return Judgement(
            labels=np.concatenate([part.labels for part in parts]),
            confidence=np.concatenate([part.confidence for part in parts]),
            outside=np.concatenate([part.outside for part in parts]),
            signs=np.concatenate([part.signs for part in parts]),
            heads=_joined([part.heads for part in parts]),
        )

    def _judge(self, texts: Sequence[str], vectors: Floats) -> Judgement:
        values = self.words.values(texts)
        places, squares = self.vectors.distances(vectors)
        heads = (
            softmax(values * np.float32(_WORDS_SHARPNESS)),
            softmax(squares * np.float32(-_MEANS_SHARPNESS / 2)),
            self.vectors.votes(places, len(self.labels)),
        )
        together = sum(np.log(head + np.float32(_LEAST)) for head in heads)
        labels = np.argmax(together, axis=1)
        mean = (heads[0] + heads[1] + heads[2]) / np.float32(len(heads))
        signs = np.stack(
            [
                np.log1p(squares.min(axis=1)),
                -np.log(mean.max(axis=1) + np.float32(_LEAST)),
                -self.vectors.nearness(vectors),
                -values.max(axis=1),
            ],
            axis=1,
        )
        return Judgement(
            labels=labels,
            confidence=np.take_along_axis(mean, labels[:, None], axis=1)[:, 0],
            outside=signs @ SIGN_WEIGHTS,
            signs=signs,
            heads=heads,
        )


def softmax(values: Floats) -> Floats:
    """Probabilities row by row."""
    raised = np.exp(values - values.max(axis=1, keepdims=True))
    shares: Floats = raised / raised.sum(axis=1, keepdims=True)
    return shares


def unit(rows: Floats) -> Floats:
    """Rows of unit length; what is zero stays zero."""
    of_length_one: Floats = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.float32(1e-12))
    return of_length_one


def _joined(heads: Sequence[tuple[Floats, Floats, Floats]]) -> tuple[Floats, Floats, Floats]:
    first, second, third = (np.concatenate(parts) for parts in zip(*heads, strict=True))
    return first, second, third
