"""What a run of the load came to: durations, counts and how both went over time. All durations are in seconds.

Every duration counts from the moment when the message was meant to be sent, not from when the load got round to it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from evals.loadtest.audit import Audit
from evals.loadtest.histogram import PERCENTILES, Histogram
from skills.turn import Author

_INTERVALS = 120
"""How many points the charts have at most."""


@dataclass(slots=True)
class Interval:
    """The messages that were due in one stretch of the run, and what became of them, whenever it did."""

    due: int = 0
    errors: int = 0
    acknowledged: Histogram = field(default_factory=Histogram)
    replied: Histogram = field(default_factory=Histogram)


class Record:
    """Fills while a run goes on, and can be read at any time.

    Args:
        seconds: how long messages will arrive.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.width = max(1.0, math.ceil(seconds / _INTERVALS))
        self.intervals = [Interval() for _ in range(max(1, math.ceil(seconds / self.width)))]
        self.errors: Counter[str] = Counter()
        self.replies: Counter[Author] = Counter()
        self.audit = Audit()
        self.refused = 0
        """Messages that were given up without an acknowledgement."""
        self.late = 0
        """Watched messages that nothing had come after when their customer's patience ended."""
        self.conversations = 0
        self.behind = 0.0
        """How late the load itself was with a message, at worst: much of it, and the load needs a faster machine."""

    def due(self, at: float, *, behind: float) -> None:
        """A message is sent that was meant for ``at``, in seconds from the beginning."""
        self._interval(at).due += 1
        self.behind = max(self.behind, behind)

    def acknowledged(self, at: float, seconds: float) -> None:
        """The service said that it has it."""
        self._interval(at).acknowledged.add(seconds)

    def replied(self, at: float, seconds: float, by: Author) -> None:
        """The customer saw what came back: a reply, or a note that a person will look at it."""
        self._interval(at).replied.add(seconds)
        self.replies[by] += 1

    def failed(self, at: float, kind: str) -> None:
        """An attempt to send or to read went wrong."""
        self._interval(at).errors += 1
        self.errors[kind] += 1

    @property
    def sent(self) -> int:
        """Messages that were due by now."""
        return sum(interval.due for interval in self.intervals)

    @property
    def all_acknowledged(self) -> Histogram:
        """From when it was meant to be sent until it was acknowledged."""
        return _merged(interval.acknowledged for interval in self.intervals)

    @property
    def all_replied(self) -> Histogram:
        """From when it was meant to be sent until its customer saw what came back."""
        return _merged(interval.replied for interval in self.intervals)

    @property
    def drift(self) -> float | None:
        """The replies' p95 in the last quarter of the run by that in the first; ``None`` where one has none.

        Near 1 in a service that could go on for ever; a queue, a leak or a growing table shows here first.
        """
        quarter = max(1, len(self.intervals) // 4)
        first = _merged(interval.replied for interval in self.intervals[:quarter]).percentile(95)
        last = _merged(interval.replied for interval in self.intervals[-quarter:]).percentile(95)
        return last / first if first and last else None

    @property
    def clean(self) -> bool:
        """Whether nothing was lost, doubled, reordered or refused."""
        return self.audit.clean and not self.refused

    def summary(self) -> dict[str, Any]:
        """Everything, for JSON. Milliseconds."""
        acknowledged, replied = self.all_acknowledged, self.all_replied
        return {
            "seconds": round(self.seconds, 1),
            "conversations": self.conversations,
            "messages": self.sent,
            "messages_per_s": round(self.sent / self.seconds, 2),
            "acknowledged": len(acknowledged),
            "refused": self.refused,
            "replies_watched": len(replied),
            "handed_to_person": self.replies["system"],
            "late": self.late,
            "acknowledge_ms": milliseconds(acknowledged),
            "reply_ms": milliseconds(replied),
            "reply_p95_drift": None if self.drift is None else round(self.drift, 2),
            "errors": dict(self.errors.most_common()),
            **asdict(self.audit),
            "generator_behind_ms": round(self.behind * 1000, 1),
        }

    def _interval(self, at: float) -> Interval:
        return self.intervals[min(int(at / self.width), len(self.intervals) - 1)]


def milliseconds(histogram: Histogram, percentiles: Sequence[float] = PERCENTILES) -> dict[str, float]:
    """Percentiles by name, ``p50`` to ``p99.9`` and ``max``."""
    values = histogram.percentiles(percentiles)
    return {percentile_name(p): round(value * 1000, 2) for p, value in zip(percentiles, values, strict=True)}


def percentile_name(percent: float) -> str:
    """``p95``, ``p99.9``, ``max``."""
    return "max" if percent == 100 else f"p{percent:g}"  # noqa: PLR2004 - a hundred percent


def _merged(histograms: Iterable[Histogram]) -> Histogram:
    merged = Histogram()
    for histogram in histograms:
        merged.merge(histogram)
    return merged
