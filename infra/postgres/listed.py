"""A list that is cut short, and says of how many."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

Line = TypeVar("Line")


class Listed(list[Line]):
    """The first lines of a list.

    Args:
        lines: what is shown.
        total: how many there are in all.
    """

    def __init__(self, lines: Iterable[Line], *, total: int) -> None:
        super().__init__(lines)
        self.total = total
