"""Web addresses in our texts, made links: http and https only, and only what is shown is opened."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

_ADDRESS = re.compile(r"https?://[^\s<>\"'`]+", re.IGNORECASE)
_AFTER = ".,;:!?…»”\u2019"
_PAIRS = {")": "(", "]": "[", "}": "{"}


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a text; with ``link`` it leads there."""

    text: str
    link: str | None = None


def linked(text: str) -> list[Part]:
    """A text in pieces, in order; together they are the text."""
    parts, end = [], 0
    for match in _ADDRESS.finditer(text):
        shown = _without_marks(match[0])
        if not _plain(shown):
            continue
        if match.start() > end:
            parts.append(Part(text[end : match.start()]))
        parts.append(Part(shown, shown))
        end = match.start() + len(shown)
    return [*parts, Part(text[end:])] if end < len(text) else parts


def _plain(address: str) -> bool:
    """Whether it is an address whose host is what it seems: no user name that could pass for one."""
    try:
        parts = urlsplit(address)
        return bool(parts.hostname) and parts.username is None and parts.password is None
    except ValueError:
        return False


def _without_marks(address: str) -> str:
    """A full stop or an unmatched bracket after an address belongs to the sentence."""
    while address:
        last = address[-1]
        unmatched = last in _PAIRS and address.count(last) > address.count(_PAIRS[last])
        if last not in _AFTER and not unmatched:
            break
        address = address[:-1]
    return address
