"""Periods of whole UTC days, the one before each, and the steps that a period is shown in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Literal, get_args

from skills.errors import BadRequestError

Step = Literal["day", "week", "month"]
STEPS: tuple[Step, ...] = get_args(Step)

LONGEST = 3660
"""Days that a period has at most."""
_MOST_STEPS = 400
_EARLIEST, _LATEST = date(2000, 1, 1), date(2200, 1, 1)
_A_DAY = timedelta(days=1)
_DAYS_BY_DAY, _DAYS_BY_WEEK = 31, 184
"""Longest periods that are shown by the day and by the week, when nothing is said."""


@dataclass(frozen=True, slots=True)
class Period:
    """From the beginning of ``first`` to the end of ``last``, in UTC.

    Raises:
        BadRequestError: it ends before it begins, is too long, or lies out of the world.
    """

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise BadRequestError("the period ends before it begins", hint="give the earlier day as its beginning")
        if self.days > LONGEST:
            raise BadRequestError(f"a period has {LONGEST} days at most", hint="choose a shorter one")
        if self.first < _EARLIEST or self.last > _LATEST:
            raise BadRequestError("that is no time of ours", hint="choose a period after the year 2000")

    @property
    def days(self) -> int:
        """How many."""
        return (self.last - self.first).days + 1

    @property
    def start(self) -> datetime:
        """Its first moment."""
        return midnight(self.first)

    @property
    def end(self) -> datetime:
        """The first moment after it."""
        return midnight(self.last + _A_DAY)

    @property
    def before(self) -> tuple[datetime, datetime]:
        """The span of the same length just before, end excluded."""
        return self.start - (self.end - self.start), self.start

    def steps(self, step: Step) -> list[tuple[datetime, datetime]]:
        """The period cut at midnights, Mondays, or first days of months; the first and the last piece may be shorter.

        Raises:
            BadRequestError: that makes too many.
        """
        edges = [self.first]
        while (following := _next(edges[-1], step)) <= self.last:
            edges.append(following)
            if len(edges) > _MOST_STEPS:
                raise BadRequestError(f"that makes more than {_MOST_STEPS} steps", hint="choose weeks or months")
        moments = [*map(midnight, edges), self.end]
        return list(pairwise(moments))

    @property
    def usual_step(self) -> Step:
        """The step that suits its length."""
        if self.days <= _DAYS_BY_DAY:
            return "day"
        return "week" if self.days <= _DAYS_BY_WEEK else "month"


def last_days(count: int, today: date) -> Period:
    """So many whole days up to yesterday; today is not over yet."""
    return Period(today - count * _A_DAY, today - _A_DAY)


def midnight(day: date) -> datetime:
    """The beginning of a day in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _next(day: date, step: Step) -> date:
    if step == "day":
        return day + _A_DAY
    if step == "week":
        return day + (7 - day.weekday()) * _A_DAY
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)
