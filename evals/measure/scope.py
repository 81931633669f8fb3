"""How well intents are told apart, and what is outside of them: the figures that the suite and the command share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evals.measure.statistics import Array, auroc, bootstrap, wilson

_RESAMPLES = 500
KEPT_IN_SCOPE = 0.95


@dataclass(frozen=True, slots=True)
class Judged:
    """Texts as they were judged, in order.

    ``right`` says whether the label is the right one (false outside), ``outside`` is the score, ``out_of_scope`` the
    truth.
    """

    right: npt.NDArray[np.bool_]
    outside: Array
    out_of_scope: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, predicted: Sequence[str], outside: Sequence[float], gold: Sequence[str], out: str) -> Judged:
        """From labels and scores; ``out`` is the label of what is out of scope."""
        return cls(
            np.array([ours == theirs for ours, theirs in zip(predicted, gold, strict=True)]),
            np.asarray(outside, dtype=np.float64),
            np.array([label == out for label in gold]),
        )

    @property
    def accuracy(self) -> float:
        """The share of texts in scope that got their label; NaN without any."""
        inside = self.right[~self.out_of_scope]
        return float(inside.mean()) if inside.size else float("nan")

    @property
    def accuracy_interval(self) -> tuple[float, float]:
        """Its 95 % interval by Wilson."""
        inside = self.right[~self.out_of_scope]
        return wilson(int(inside.sum()), inside.size)

    @property
    def auroc(self) -> float:
        """How often a text out of scope scores higher than one in scope; NaN when a side is empty."""
        return auroc(self.outside, self.out_of_scope)

    @property
    def auroc_interval(self) -> tuple[float, float]:
        """Its 95 % interval."""
        return bootstrap(
            len(self.outside),
            lambda drawn: auroc(self.outside[drawn], self.out_of_scope[drawn]),
            resamples=_RESAMPLES,
        )

    @property
    def false_positives(self) -> float:
        """See ``false_positives_at``."""
        return false_positives_at(self.outside, self.out_of_scope)

    @property
    def false_positives_interval(self) -> tuple[float, float]:
        """Its 95 % interval, the limit drawn anew each time."""
        return bootstrap(
            len(self.outside),
            lambda drawn: false_positives_at(self.outside[drawn], self.out_of_scope[drawn]),
            resamples=_RESAMPLES,
        )


def false_positives_at(outside: Array, out_of_scope: npt.NDArray[np.bool_], kept: float = KEPT_IN_SCOPE) -> float:
    """FPR@95TPR: the share of texts out of scope that pass for in scope where 95 % of those in scope do.

    In scope is the positive class, as in Liang et al. 2018. NaN when a side is empty.
    """
    inside, beyond = outside[~out_of_scope], outside[out_of_scope]
    if not inside.size or not beyond.size:
        return float("nan")
    limit = np.quantile(inside, kept, method="higher")
    return float(np.mean(beyond <= limit))
