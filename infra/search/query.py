"""What somebody means by what they typed into the search: an address, an id, or words.

Whether words are a topic's or a customer's name only the database can say.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from channels.addresses import mail_address, phone_number
from infra.search.words import every_word, searchable
from skills.errors import BadRequestError

LONGEST = 400
"""Characters of a query."""
SHORTEST_ID = 8
"""Characters of an id's beginning."""
MOST_WORDS = 12

Kind = Literal["address", "id", "topic", "name", "words"]
"""What a query can be taken for."""

_DIGITS = 32
_ID = re.compile(r"[0-9a-f]+(?:-[0-9a-f]+)*")


@dataclass(frozen=True, slots=True)
class Query:
    """A query, and all that it may mean.

    Attributes:
        text: as it was typed, trimmed.
        address: a whole mail address, or a telephone number with its country, as addresses are compared.
        ids: the first and the last id that begin so.
        name: the words of a name.
        words: those that messages are found by; none when all of them are too common.
    """

    text: str
    address: str | None
    ids: tuple[UUID, UUID] | None
    name: tuple[str, ...]
    words: tuple[str, ...]


def read_query(text: str) -> Query:
    """Understand what was typed.

    Raises:
        BadRequestError: it is empty, too long, or has characters that nobody types.
    """
    typed = " ".join(text.split())
    if not typed or len(typed) > LONGEST or not typed.isprintable():
        raise BadRequestError("that can't be searched for", hint="an address, a name, an id, a topic or words")
    words = tuple(searchable(typed))
    if len(words) > MOST_WORDS:
        raise BadRequestError("these are too many words", hint=f"{MOST_WORDS} at most; rare ones find most")
    return Query(typed, mail_address(typed) or phone_number(typed), _ids(typed), tuple(every_word(typed)), words)


def _ids(typed: str) -> tuple[UUID, UUID] | None:
    lowered = typed.lower()
    digits = lowered.replace("-", "")
    if not _ID.fullmatch(lowered) or not SHORTEST_ID <= len(digits) <= _DIGITS:
        return None
    return UUID(digits.ljust(_DIGITS, "0")), UUID(digits.ljust(_DIGITS, "f"))
