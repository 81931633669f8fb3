"""The words by which a text is found: whole ones, as they are compared, and what stands for each in the index.

A word is what stands between spaces and marks: of ``A-1234`` that is ``1234``. Case, accents and width don't matter.
Text without spaces between its words (Chinese, Japanese, Thai) is found by whole phrases only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import islice
from uuid import UUID

from infra.crypto.keyring import Keyring
from skills.language import EMPTY_WORDS, words

MOST = 128
"""Distinct words of one text that it can be found by: its first ones."""
SHORTEST, LONGEST = 2, 40
"""Characters of a word that is kept. What is longer was not typed by a person."""

NAMES = "name"
"""The period of customers' names."""
_TAG = 2


def every_word(text: str) -> list[str]:
    """The distinct folded words of a text in their order, of a length that is kept."""
    found = (word.folded for word in words(text))
    return list(dict.fromkeys(word for word in found if SHORTEST <= len(word) <= LONGEST))


def searchable(text: str) -> list[str]:
    """The words of a message that it can be found by: no articles, pronouns or courtesies; ``MOST`` at most."""
    return list(islice((word for word in every_word(text) if word not in EMPTY_WORDS), MOST))


def tags(keyring: Keyring, wanted: Iterable[str], *, period: str) -> list[int]:
    """What stands for words in the index: sixteen bits of a keyed hash, signed, sorted, each once.

    Args:
        keyring: has the index key.
        wanted: folded words.
        period: ``month_of`` a message, or ``NAMES``: the same word has another tag in another period.
    """
    digests = (keyring.blind_index(f"word:{period}", word)[:_TAG] for word in wanted)
    return sorted({int.from_bytes(digest, "big", signed=True) for digest in digests})


def has_all(text: str, wanted: Sequence[str]) -> bool:
    """Whether every one of these folded words stands in a text."""
    return set(wanted) <= {word.folded for word in words(text)}


def excerpt(text: str, wanted: Sequence[str], *, longest: int = 160) -> str:
    """A line of a text around the first of these folded words, or its beginning; cut between words where it can be."""
    line = " ".join(text.split())
    if len(line) <= longest:
        return line
    looked_for = set(wanted)
    first = next((word.text for word in words(line) if word.folded in looked_for), "")
    found = re.search(rf"(?<!\w){re.escape(first)}(?!\w)", line) if first else None
    at, over = found.span() if found else (0, 0)
    start = max(0, min(at - longest // 3, len(line) - longest))
    end = start + longest
    if start:
        start = line.find(" ", start - 1, at) + 1 or start
    if end < len(line):
        end = max(line.rfind(" ", over, end + 1), over) or end
    return f"{'…' if start else ''}{line[start:end].strip()}{'…' if end < len(line) else ''}"


def time_of(row_id: UUID) -> datetime:
    """When a row with this id (UUID version 7) was made, to the millisecond."""
    return datetime.fromtimestamp((row_id.int >> 80) / 1000, UTC)


def first_id(moment: datetime) -> UUID:
    """The lowest id that is made from this moment on."""
    return UUID(int=max(int(moment.timestamp() * 1000), 0) << 80)


def month_of(row_id: UUID) -> str:
    """The period of a message, in UTC: ``2026-11``."""
    return f"{time_of(row_id):%Y-%m}"


def month_begins(month: str) -> datetime:
    """Its first moment."""
    year, number = map(int, month.split("-"))
    return datetime(year, number, 1, tzinfo=UTC)


def month_before(month: str) -> str:
    """The month before: ``2026-11`` for ``2026-12``."""
    year, number = map(int, month.split("-"))
    return f"{year - (number == 1):04}-{(number - 2) % 12 + 1:02}"
