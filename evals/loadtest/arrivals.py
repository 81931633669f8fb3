"""When messages arrive: by a clock and a seed, whatever the service makes of them.

Customers do not wait for other customers' answers. A load that does sends less the slower the service is, and so hides
what it came to measure (coordinated omission). Here every arrival has its time before the run begins.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass

from skills.errors import BadRequestError


@dataclass(frozen=True, slots=True)
class Stretch:
    """So many seconds in which the rate goes evenly from one value to the other, in messages a second."""

    seconds: float
    begin: float
    end: float

    @property
    def messages(self) -> float:
        """How many messages it has on average."""
        return self.seconds * (self.begin + self.end) / 2

    def reached(self, messages: float) -> float:
        """Seconds after which so many messages were due: the inverse of the rate's integral."""
        slope = (self.end - self.begin) / self.seconds
        return 2 * messages / (self.begin + math.sqrt(max(0.0, self.begin**2 + 2 * slope * messages)))


@dataclass(frozen=True, slots=True)
class Profile:
    """The rate over time, stretch after stretch."""

    stretches: tuple[Stretch, ...]

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return sum(stretch.seconds for stretch in self.stretches)

    @property
    def messages(self) -> float:
        """How many messages it has on average."""
        return sum(stretch.messages for stretch in self.stretches)

    def arrivals(self, *, poisson: bool, seed: int) -> Iterator[float]:
        """The arrivals, in seconds from the beginning.

        Args:
            poisson: as independent customers come, at random; else evenly, as a metronome.
            seed: the same seed gives the same arrivals.
        """
        chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
        begin, before = 0.0, 0.0
        due = _gap(chance, poisson=poisson)
        for stretch in self.stretches:
            while due <= before + stretch.messages:
                yield begin + stretch.reached(due - before)
                due += _gap(chance, poisson=poisson)
            begin += stretch.seconds
            before += stretch.messages


def steady(rate: float, seconds: float) -> Profile:
    """The same rate all the time.

    Raises:
        BadRequestError: the rate or the time is none.
    """
    return ramp(rate, rate, seconds)


def ramp(begin: float, end: float, seconds: float) -> Profile:
    """From one rate to another.

    Raises:
        BadRequestError: a rate is negative, both are none, or the time is none.
    """
    _refuse_nonsense(min(begin, end) >= 0 and max(begin, end) > 0 and seconds > 0)
    return Profile((Stretch(seconds, begin, end),))


def burst(rate: float, seconds: float, *, height: float, length: float) -> Profile:
    """One rate, and in the middle another for ``length`` of the ``seconds``.

    Raises:
        BadRequestError: a rate or time is none, or the burst is longer than the whole.
    """
    _refuse_nonsense(rate > 0 and height > 0 and 0 < length < seconds)
    around = (seconds - length) / 2
    return Profile((Stretch(around, rate, rate), Stretch(length, height, height), Stretch(around, rate, rate)))


def _refuse_nonsense(sense: bool) -> None:
    if not sense:
        raise BadRequestError(
            "that is no load", hint="rates and times are above zero, and a burst is shorter than the run around it"
        )


def _gap(chance: random.Random, *, poisson: bool) -> float:
    return chance.expovariate(1.0) if poisson else 1.0
