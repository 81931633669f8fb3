"""A customer's text as something that can be searched for."""

from __future__ import annotations

LONGEST = 4000
"""Characters. More than any embedding model here reads, and enough words for the full-text search."""


def searchable(text: str) -> str:
    """The text without what no database or model takes: NULs, halves of surrogate pairs, and no end.

    Empty when nothing is left to search for.
    """
    cleaned = text.replace("\0", " ").encode("utf-8", "ignore").decode()
    return " ".join(cleaned.split())[:LONGEST]
