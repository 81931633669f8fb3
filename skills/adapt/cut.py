"""A text that is too long, cut where a reader would: after a sentence, else after a word.

Never inside a link, which would lead somewhere else, nor inside what is one picture or letter to the eye.
"""

from __future__ import annotations

import re
import unicodedata

from skills.adapt.emoji import EMOJI
from skills.adapt.rules import length_of
from skills.language import sentences

_LINK = re.compile(r"(?:https?://|mailto:|www\.)\S+|[^\s@]+@[^\s@]+", re.IGNORECASE)
_JOINER = "\u200d"


def shortened(text: str, room: int) -> str:
    """As many whole sentences from the start as fit; should the first one be too long already, as many words.

    Empty when not even that much fits: a link alone may be longer than the room.
    """
    end = 0
    for sentence in sentences(text):
        after = text.find(sentence, end) + len(sentence)
        if after < end or length_of(text[:after]) > room:
            break
        end = after
    return text[:end] or _first_words(text, room)


def _first_words(text: str, room: int) -> str:
    most = _fitting(text, room)
    if most >= len(text):
        return text
    words = re.compile(r"\s").split(text[: most + 1])
    if len(words) > 1 and (whole := text[: most + 1 - len(words[-1])].rstrip()):
        return whole
    if _LINK.match(text):
        return ""
    return text[: _between_letters(text, most)]


def _fitting(text: str, room: int) -> int:
    """How many characters fit."""
    for index, mark in enumerate(text):
        room -= length_of(mark)
        if room < 0:
            return index
    return len(text)


def _between_letters(text: str, cut: int) -> int:
    """The nearest place at or before this one that is inside of no link, emoji or accented letter."""
    for pattern in (_LINK, EMOJI):
        cut = next((found.start() for found in pattern.finditer(text) if found.start() < cut < found.end()), cut)
    while cut > 0 and (_JOINER in text[cut - 1 : cut + 1] or unicodedata.category(text[cut]).startswith("M")):
        cut -= 1
    return cut
