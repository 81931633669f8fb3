"""The forward pass of a small BERT on numpy: token ids in, one unit vector a sequence out.

Sequences are laid end to end as one ``[tokens, 384]`` matrix. Everything but attention works on single tokens, so there
is no padding and no mask: short texts cost what they are long, and a text's vector does not depend on its neighbours
(beyond rounding). Attention runs on groups of sequences of the same length, so sort by length to get few groups.

Architecture: Devlin et al. 2018 (post-norm encoder); pooling by the mean and unit length as
sentence-transformers/all-MiniLM-L6-v2 was trained.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import numpy.typing as npt

from infra.models.weights import Floats, WeightsFile

HEADS = 12
LAYERS = 6
_FIRST_KEPT_LAYER = 3
LAYERED_PARTS = LAYERS - _FIRST_KEPT_LAYER + 2
"""How many vectors ``BertEncoder.layered`` puts side by side."""
_EPSILON = np.float32(1e-12)
_GELU_ROWS = 64  # 64 rows of 1,536 floats and the two working copies stay in a core's second-level cache

# erfc(x) = polynomial(t) exp(-x²) with t = 1/(1 + px), to 1.5e-7: Abramowitz and Stegun 7.1.26. Halved and scaled for
# the normal distribution's upper tail.
_TAIL_P = np.float32(0.3275911 / math.sqrt(2))
_TAIL = tuple(np.float32(a / 2) for a in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592))


@dataclass(frozen=True, slots=True)
class _Norm:
    weight: Floats
    bias: Floats

    def __call__(self, rows: Floats) -> None:
        """Normalise every row, in place."""
        rows -= rows.mean(axis=1, keepdims=True)
        variance = np.einsum("ij,ij->i", rows, rows) / np.float32(rows.shape[1])
        rows /= np.sqrt(variance + _EPSILON)[:, None]
        rows *= self.weight
        rows += self.bias


@dataclass(frozen=True, slots=True)
class _Dense:
    """A linear layer. ``weight`` lies as [inputs, outputs]: for a dozen rows a quarter faster than the file's order."""

    weight: Floats
    bias: Floats

    def __call__(self, rows: Floats) -> Floats:
        out = rows @ self.weight
        out += self.bias
        return out


@dataclass(frozen=True, slots=True)
class _Run:
    """``count`` sequences of the same ``length``, side by side in ``rows`` of the matrix."""

    rows: slice
    count: int
    length: int


@dataclass(frozen=True, slots=True)
class _Layer:
    queries_keys_values: _Dense
    attention_out: _Dense
    attention_norm: _Norm
    wide: _Dense
    narrow: _Dense
    out_norm: _Norm

    def __call__(self, rows: Floats, runs: Sequence[_Run]) -> None:
        """One encoder layer, in place."""
        rows += self.attention_out(self._attend(rows, runs))
        self.attention_norm(rows)
        inner = self.wide(rows)
        gelu(inner)
        rows += self.narrow(inner)
        self.out_norm(rows)

    def _attend(self, rows: Floats, runs: Sequence[_Run]) -> Floats:
        fused = self.queries_keys_values(rows)
        context = np.empty_like(rows)
        size = rows.shape[1] // HEADS
        for run in runs:
            parts = fused[run.rows].reshape(run.count, run.length, 3, HEADS, size).transpose(2, 0, 3, 1, 4)
            queries, keys, values = parts
            scores = queries @ keys.swapaxes(-1, -2)
            scores -= scores.max(axis=-1, keepdims=True)
            np.exp(scores, out=scores)
            scores /= scores.sum(axis=-1, keepdims=True)
            seen = (scores @ values).transpose(0, 2, 1, 3)
            context[run.rows].reshape(run.count, run.length, HEADS, size)[...] = seen
        return context


class BertEncoder:
    """The six layers of MiniLM, about 43 MB of private memory; the word table (47 MB) stays mapped and shared.

    Raises:
        ConfigurationError: a tensor is missing from the file.
    """

    def __init__(self, weights: WeightsFile) -> None:
        self._words = weights.map("embeddings.word_embeddings.weight")
        kind = weights.read("embeddings.token_type_embeddings.weight")[0]
        self._positions = weights.read("embeddings.position_embeddings.weight") + kind
        self._norm = _norm(weights, "embeddings.LayerNorm")
        self._layers = tuple(_layer(weights, f"encoder.layer.{number}") for number in range(LAYERS))
        self.dimensions = int(self._words.shape[1])

    def __call__(self, sequences: Sequence[Sequence[int]]) -> Floats:
        """One unit vector a sequence of token ids (each 1 to 512 long), in order, as ``[sequences, dimensions]``."""
        runs = _runs(sequences)
        rows = self._embedded(sequences)
        for layer in self._layers:
            layer(rows, runs)
        return _unit(self._pooled(rows, runs, np.mean))

    def layered(self, sequences: Sequence[Sequence[int]]) -> Floats:
        """The same from more of the pass: ``[sequences, LAYERED_PARTS * dimensions]``, unit vectors again.

        Means over the tokens after the third layer to the sixth, and the maxima after the sixth, each of unit length
        and of the same weight. What the last layer blends together the earlier ones still tell apart.
        """
        runs = _runs(sequences)
        rows = self._embedded(sequences)
        parts = []
        for number, layer in enumerate(self._layers, start=1):
            layer(rows, runs)
            if number >= _FIRST_KEPT_LAYER:
                parts.append(_unit(self._pooled(rows, runs, np.mean)))
        parts.append(_unit(self._pooled(rows, runs, np.max)))
        return np.concatenate(parts, axis=1) / np.float32(math.sqrt(LAYERED_PARTS))

    def _embedded(self, sequences: Sequence[Sequence[int]]) -> Floats:
        """The tokens as the first layer gets them, ``[tokens, dimensions]``."""
        rows: Floats = self._words[np.concatenate([np.asarray(sequence) for sequence in sequences])]
        rows += self._positions[np.concatenate([np.arange(len(sequence)) for sequence in sequences])]
        self._norm(rows)
        return rows

    def _pooled(self, rows: Floats, runs: Sequence[_Run], pool: Callable[..., Floats]) -> Floats:
        """One row a sequence, by ``numpy.mean`` or ``numpy.max`` over its tokens."""
        return np.concatenate(
            [pool(rows[run.rows].reshape(run.count, run.length, self.dimensions), axis=1) for run in runs]
        )


def _unit(rows: Floats) -> Floats:
    of_length_one: Floats = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return of_length_one


def gelu(rows: npt.NDArray[np.float32]) -> None:
    """The exact gelu x·Φ(x), in place, to about 1e-7.

    numpy has no erf. By symmetry gelu(x) = max(x, 0) - |x|·Q(|x|) with the normal distribution's upper tail Q, so one
    polynomial serves both signs.
    """
    for start in range(0, len(rows), _GELU_ROWS):
        block = rows[start : start + _GELU_ROWS]
        size = np.abs(block)
        t = size * _TAIL_P
        t += np.float32(1)
        np.reciprocal(t, out=t)
        tail = t * _TAIL[0]
        for coefficient in _TAIL[1:]:
            tail += coefficient
            tail *= t
        tail *= size
        np.multiply(block, block, out=t)
        t *= np.float32(-0.5)
        np.exp(t, out=t)
        tail *= t
        np.maximum(block, np.float32(0), out=block)
        block -= tail


def _runs(sequences: Sequence[Sequence[int]]) -> list[_Run]:
    runs = []
    start = 0
    for length, group in groupby(len(sequence) for sequence in sequences):
        count = sum(1 for _ in group)
        runs.append(_Run(rows=slice(start, start + count * length), count=count, length=length))
        start += count * length
    return runs


def _layer(weights: WeightsFile, name: str) -> _Layer:
    return _Layer(
        queries_keys_values=_fused(weights, f"{name}.attention.self"),
        attention_out=_dense(weights, f"{name}.attention.output.dense"),
        attention_norm=_norm(weights, f"{name}.attention.output.LayerNorm"),
        wide=_dense(weights, f"{name}.intermediate.dense"),
        narrow=_dense(weights, f"{name}.output.dense"),
        out_norm=_norm(weights, f"{name}.output.LayerNorm"),
    )


def _fused(weights: WeightsFile, name: str) -> _Dense:
    """Queries, keys and values as one product, with the softmax's 1/√size already in the queries."""
    parts = [_dense(weights, f"{name}.{part}") for part in ("query", "key", "value")]
    scale = np.float32(1 / math.sqrt(parts[0].weight.shape[1] // HEADS))
    return _Dense(
        weight=np.concatenate([parts[0].weight * scale, parts[1].weight, parts[2].weight], axis=1),
        bias=np.concatenate([parts[0].bias * scale, parts[1].bias, parts[2].bias]),
    )


def _dense(weights: WeightsFile, name: str) -> _Dense:
    weight = np.ascontiguousarray(weights.read(f"{name}.weight").T)
    return _Dense(weight=weight, bias=weights.read(f"{name}.bias"))


def _norm(weights: WeightsFile, name: str) -> _Norm:
    return _Norm(weight=weights.read(f"{name}.weight"), bias=weights.read(f"{name}.bias"))
