"""The first words of sealed texts, for lists."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from infra.crypto.keyring import KeyDestroyedError, Keyring, SealBrokenError
from infra.lines import in_a_line
from infra.postgres.seals import name_of

LONGEST = 120
"""Characters."""


def opened_in_a_line(opened: Callable[[], str]) -> str:
    """What it says. A text that does not open must not hide the other lines from everybody: it says why."""
    try:
        return in_a_line(opened(), LONGEST)
    except (SealBrokenError, KeyDestroyedError) as error:
        return f"({error})"


def name_in_a_line(keyring: Keyring, row: Mapping[str, Any], prefix: str = "") -> str | None:
    """The customer's name out of a row (``name_of``); ``None`` where there is none."""
    return opened_in_a_line(lambda: name_of(keyring, row, prefix) or "") or None
