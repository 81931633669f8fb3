"""From raw header lines to what they say.

We read the values ourselves and not with the standard library's structured parser: it raises for some of what is sent
and takes quadratic time for what is made to hurt. Order matters for safety: addresses are told apart before encoded
words are decoded, so that an encoded ``<boss@example.com>`` inside a name stays part of the name.
"""

from __future__ import annotations

import re
from binascii import b2a_base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime
from quopri import decodestring

from channels.gmail.text import decode, lenient_base64, one_line

MAX_HEADERS = 500
"""Header lines of a mail that are looked at; the rest stays in the original."""
MAX_HEADER_CHARACTERS = 16_384
MAX_ADDRESSES = 200
MAX_REFERENCES = 100
MAX_SUBJECT = 500
MAX_NAME = 200

_FOLD = re.compile(r"\r\n|\r|\n")
_ENCODED_WORD = re.compile(r"=\?([^?*\s]{1,40})(?:\*[^?\s]{0,20})?\?([bBqQ])\?([^?\r\n]{0,2000})\?=")
_MESSAGE_ID = re.compile(r"<([^<>\s]{1,500})>")
_ANGLE_ADDRESS = re.compile(r"<([^<>\s@]{1,200}@[^<>\s@]{1,255})>")
_ADDRESS = re.compile(r"(?:\"[^\"\r\n]{1,62}\"|[^\s@<>(),:;\"\\\[\]]{1,200})@[^\s@<>(),:;\"\\]{1,255}")
_ASCII_CAPITALS = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


@dataclass(frozen=True, slots=True)
class Address:
    """A mail address as identities compare it, and the name that its owner gave with it (unproven)."""

    address: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Headers:
    """The header lines of one mail or part: names in lower case, values unfolded and still encoded."""

    pairs: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, message: Message) -> Headers:
        """The first lines of a message's headers, each cut at a length that no honest one has."""
        pairs = list(message.raw_items())[:MAX_HEADERS]
        return cls(tuple((name.lower(), _unfolded(value)) for name, value in pairs))

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of a header, in their order."""
        return tuple(value for known, value in self.pairs if known == name)

    def first(self, name: str) -> str:
        """The first value of a header; empty when there is none."""
        return next((value for known, value in self.pairs if known == name), "")

    def text(self, name: str, limit: int = MAX_SUBJECT) -> str:
        """A header that is free text, decoded, in one line."""
        return one_line(decode_words(self.first(name)), limit)

    def addresses(self, name: str) -> tuple[Address, ...]:
        """The addresses of a header, each once. What is no address is left out."""
        found = (address for value in self.all(name) for address in _addresses(value))
        return tuple({address.address: address for address in found}.values())[:MAX_ADDRESSES]

    def message_ids(self, name: str) -> tuple[str, ...]:
        """The message ids of a header, with their angle brackets, each once; the last ones of very many."""
        found = (f"<{one_line(text, 500)}>" for value in self.all(name) for text in _MESSAGE_ID.findall(value))
        return tuple(dict.fromkeys(found))[-MAX_REFERENCES:]

    def date(self) -> datetime | None:
        """When the mail says it was written, aware; ``None`` without a date that makes sense."""
        value = self.first("date")[:200]
        try:
            written = parsedate_to_datetime(value)
            return (written if written.tzinfo else written.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, TypeError, IndexError, OverflowError, AttributeError):
            return None


def _unfolded(value: object) -> str:
    text = _FOLD.sub("", str(value)[:MAX_HEADER_CHARACTERS])
    if text.isascii():
        return text
    return decode(text.encode("utf-8", "surrogateescape"))  # bytes beyond ASCII came in as surrogates


def decode_words(value: str) -> str:
    """A header's text with its encoded words (RFC 2047) read.

    Neighbours are joined as bytes before they are read, because some senders break a word inside a character.
    """
    pieces: list[str] = []
    charset, pending, end = "", b"", 0
    for word in _ENCODED_WORD.finditer(value):
        between = value[end : word.start()]
        if between.strip() or not end or charset != word[1].lower():
            pieces.append(decode(pending, charset))
            pieces.append(between if between.strip() or not end else "")
            pending = b""
        charset, end = word[1].lower(), word.end()
        pending += _word_bytes(word[2], word[3])
    return "".join((*pieces, decode(pending, charset), value[end:]))


def _word_bytes(encoding: str, text: str) -> bytes:
    raw = text.encode("utf-8", "replace")
    return lenient_base64(raw) if encoding in "bB" else decodestring(raw, header=True)


def _as_base64(word: re.Match[str]) -> str:
    """An encoded word in letters that mean nothing in a list of addresses, whatever it says."""
    return f"=?{word[1]}?b?{b2a_base64(_word_bytes(word[2], word[3]), newline=False).decode()}?="


def _addresses(value: str) -> Iterator[Address]:
    value = _ENCODED_WORD.sub(_as_base64, value)
    try:
        pairs: Sequence[tuple[str, str]] = getaddresses([value])
    except (RecursionError, ValueError, IndexError, TypeError):
        pairs = ()
    known = [(name, address) for name, address in pairs if _ADDRESS.fullmatch(address)]
    in_brackets = _ANGLE_ADDRESS.findall(value)
    if len(known) != len(pairs) and len(in_brackets) == 1:  # a name with a comma outside of quotes, say
        known = [(value.partition("<")[0].strip(' "'), in_brackets[0])]
    for name, address in known:
        yield Address(normalised(address), one_line(decode_words(name), MAX_NAME) or None)


def normalised(address: str) -> str:
    """An address as identities compare it.

    Letters beyond ASCII stay as they are: folding them would turn another mailbox's address into one that somebody else
    owns (the Kelvin sign folds to ``k``, a sharp s to ``ss``).
    """
    text = one_line(address, 320)
    return text.casefold() if text.isascii() else text.translate(_ASCII_CAPITALS)
