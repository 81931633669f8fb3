"""From the bytes of a text to a text that can be stored.

The charset that a mail declares is a hint: it is often wrong, unknown or missing. A text is read in any case; what
can't be read becomes a replacement character, so that a person sees that something stood there.
"""

from __future__ import annotations

import binascii
import codecs
import re
from itertools import pairwise

from channels.storable import storable

MAX_TEXT_BYTES = 1_048_576
"""How much of one text part is read. A mail that somebody wrote has a thousandth of it."""

_READABLE = re.compile(
    r"ascii|utf-(?:8|16|32)(?:-[bl]e)?|utf-8-sig|iso8859-\d+|cp\d+|koi8-[rtu]|big5(?:hkscs)?|gb2312|gbk|gb18030|hz|"
    r"euc_(?:jp|kr|jis_2004|jisx0213)|shift_jis(?:_2004|x0213)?|iso2022_(?:jp(?:_\w+)?|kr)|johab|tis-620|mac-\w+|ptcp154"
)
"""Python's names of the charsets that mails are written in. utf-7 is left out for hiding what it says from whoever
looks at the bytes, idna, punycode and the escapes for being no charsets of a text."""
_WIDER = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "tis-620": "cp874",
}
"""What is really sent under these names (as the WHATWG's encoding standard lists it)."""
_UNSURE = frozenset({"cp1252", "cp1254", "cp1250", "iso8859-15", "iso8859-2"})
"""Charsets in which any bytes mean something: what is valid UTF-8 beyond ASCII was UTF-8, whatever the label says."""
_PADDING = re.compile(rb"=+")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")


def decode(data: bytes, charset: str | None = None) -> str:
    """A text of any bytes, whatever charset is declared. Never raises."""
    codec = _codec(charset)
    if codec is None or codec in _UNSURE:
        for attempt in ("utf-8", codec or "cp1252"):
            try:
                return data.decode(attempt)
            except UnicodeDecodeError:
                continue
        return data.decode("latin-1")
    for attempt in (codec, "utf-8"):
        try:
            return data.decode(attempt)
        except UnicodeDecodeError:
            continue
    return data.decode(codec, "replace")


def _codec(charset: str | None) -> str | None:
    label = (charset or "").strip("\"' \t").lower()
    if not label or not label.isascii() or not label.isprintable():
        return None
    try:
        name = codecs.lookup(label).name
    except (LookupError, ValueError):
        return None
    return _WIDER.get(name, name) if _READABLE.fullmatch(name) else None


def listed(words: str) -> frozenset[str]:
    """The words of a list that is written as one text."""
    return frozenset(words.split())


def one_line(text: str, limit: int) -> str:
    """The text as it may stand in one line: every run of blanks and line ends is one blank, at most ``limit`` long."""
    return " ".join(storable(text[: 4 * limit]).split())[:limit].rstrip()


def lenient_base64(data: bytes) -> bytes:
    """What base64 says, with anything between that is none of its letters left out and a broken end forgiven.

    Some programs encode in pieces, so that a padded end stands in the middle: each piece is read by itself.
    """
    return b"".join(_decoded(_NOT_BASE64.sub(b"", stretch)) for stretch in _PADDING.split(data))


def _decoded(letters: bytes) -> bytes:
    if len(letters) % 4 == 1:
        letters = letters[:-1]  # six bits are no byte
    return binascii.a2b_base64(letters + b"=" * (-len(letters) % 4))


def unflowed(text: str, *, delete_space: bool) -> str:
    """Join the lines that format=flowed broke (RFC 3676): a line that ends with a blank goes on in the next.

    Args:
        text: as it was sent.
        delete_space: the ``delsp`` parameter, for scripts without blanks: the one at the break is no part of the text.
    """
    lines = [_unstuffed(line) for line in text.split("\n")]
    joined = [lines[0][1]]
    for (depth, line), (next_depth, following) in pairwise(lines):
        if line.endswith(" ") and line != "-- " and depth == next_depth and following != "-- ":
            if delete_space:
                joined[-1] = joined[-1][:-1]
            joined[-1] += following
        else:
            joined.append(f"{'>' * next_depth} {following}" if next_depth else following)
    if lines[0][0]:
        joined[0] = f"{'>' * lines[0][0]} {joined[0]}"
    return "\n".join(joined)


def _unstuffed(line: str) -> tuple[int, str]:
    bare = line.lstrip(">")
    return len(line) - len(bare), bare.removeprefix(" ")
