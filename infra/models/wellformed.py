"""Text that UTF-8 can carry.

JSON may spell half of a surrogate pair, and Python keeps it; no socket, tokenizer or database takes it afterwards.
"""

from __future__ import annotations


def wellformed(text: str, *, longest: int | None = None) -> str:
    """The text with every lone surrogate as ``?``, cut to at most ``longest`` bytes, never inside a character."""
    return text.encode("utf-8", "replace")[:longest].decode("utf-8", "ignore")
