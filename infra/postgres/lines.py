"""The first words of sealed texts, for lists."""

from __future__ import annotations

from collections.abc import Callable

from infra.crypto.keyring import KeyDestroyedError, SealBrokenError
from infra.lines import in_a_line

LONGEST = 120
"""Characters."""


def opened_in_a_line(opened: Callable[[], str]) -> str:
    """What it says. A text that does not open must not hide the other lines from everybody: it says why."""
    try:
        return in_a_line(opened(), LONGEST)
    except (SealBrokenError, KeyDestroyedError) as error:
        return f"({error})"
