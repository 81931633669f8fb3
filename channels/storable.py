"""Texts as a database can hold them, whatever a provider or a browser sent."""

from __future__ import annotations

import re

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufeff]")
_LINE_END = re.compile("\r\n|\r|\x85|\u2028|\u2029")


def storable(text: str) -> str:
    """The text without what a database or UTF-8 can't hold (NUL, other control characters, lone surrogates).

    Lines end with a line feed. Tabs stay.
    """
    return _FORBIDDEN.sub("", _LINE_END.sub("\n", text))
