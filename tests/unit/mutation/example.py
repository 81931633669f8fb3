"""A module to change, for the tests of mutation testing."""

from __future__ import annotations

from dataclasses import dataclass

MOST = 3


@dataclass(frozen=True, slots=True)
class Queue:
    waiting: int

    @property
    def is_full(self) -> bool:
        return self.waiting >= MOST

    def label(self, *, width: int = 4) -> str:
        return str(self.waiting).rjust(width)


def never_asked(number: int) -> bool:
    return number > 0


def hangs_if_changed(number: int) -> int:
    while number != 0:
        number -= 1
    return number
