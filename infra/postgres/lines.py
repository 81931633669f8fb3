"""What somebody wrote, in one line of a list."""

from __future__ import annotations

from collections.abc import Callable

from infra.crypto.keyring import KeyDestroyedError, SealBrokenError

_LONGEST = 120


def in_a_line(text: str) -> str:
    """A text without its line breaks, cut where it is too long for a list."""
    words = " ".join(text.split())
    return words if len(words) <= _LONGEST else f"{words[: _LONGEST - 1]}…"


def opened_in_a_line(opened: Callable[[], str]) -> str:
    """The same of a sealed text. One that does not open must not hide the other lines from everybody: it says why."""
    try:
        return in_a_line(opened())
    except (SealBrokenError, KeyDestroyedError) as error:
        return f"({error})"
