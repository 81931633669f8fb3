"""Mutants that may survive, each with a reason: ``accepted.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path

FILE = Path(__file__).with_name("accepted.toml")

Key = tuple[str, str]
"""A file and a mutant's id."""


def read(text: str) -> dict[Key, str]:
    """The reasons.

    Raises:
        ValueError: an entry without a reason, or one that stands twice.
    """
    reasons: dict[Key, str] = {}
    for file, entries in tomllib.loads(text).items():
        for entry in entries:
            key = file, entry["mutant"]
            if key in reasons or not entry["reason"].strip():
                raise ValueError(f"{file}: {entry['mutant']}: stands twice or has no reason")
            reasons[key] = entry["reason"]
    return reasons


def stale(
    reasons: Mapping[Key, str], *, there: Collection[Key], killed: Collection[Key], files: Collection[str]
) -> list[Key]:
    """Entries of these files that excuse nothing: their mutant is killed, or is no more."""
    return [key for key in reasons if key[0] in files and (key not in there or key in killed)]
