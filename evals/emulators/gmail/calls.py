"""What was asked of the emulator, and the bell that rings when anything happens in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Condition

from evals.emulators.gmail.faults import Manner


@dataclass(frozen=True, slots=True)
class Call:
    """One request. ``status`` is ``None`` when no answer left; ``at`` is in seconds since the epoch."""

    method: str
    verb: str
    path: str
    status: int | None
    manner: Manner
    at: float


class CallLog:
    """Every request, in the order in which they ended.

    Args:
        news: told of each one.
    """

    def __init__(self, news: Condition) -> None:
        self._news = news
        self._calls: list[Call] = []

    def add(self, call: Call) -> None:
        """Write one down."""
        with self._news:
            self._calls.append(call)
            self._news.notify_all()

    def of(self, method: str | None = None) -> list[Call]:
        """Those of a method, or all."""
        with self._news:
            return [call for call in self._calls if method in {None, call.method}]


def wait_until(news: Condition, holds: Callable[[], bool], seconds: float, what: str) -> None:
    """Block until something is so.

    Raises:
        TimeoutError: it was not so in time.
    """
    with news:
        if not news.wait_for(holds, seconds):
            raise TimeoutError(f"{what} did not come about within {seconds:g} s")
