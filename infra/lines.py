"""A text in one line of a list, a page's or a terminal's."""

from __future__ import annotations


def in_a_line(text: str, longest: int) -> str:
    """A text without its line breaks, cut with ``…`` where it has more characters than that."""
    words = " ".join(text.split())
    return words if len(words) <= longest else f"{words[: longest - 1]}…"
