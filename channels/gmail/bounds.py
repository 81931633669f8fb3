"""Which mails are too much for the standard library's parser, told by counting, before it is asked.

The parser makes an object of every line, header and part, looks at every boundary for every line, and takes quadratic
time for parameters. Honest mails stay far below these bounds; the others are for a person, unparsed.
"""

from __future__ import annotations

import re

MAX_MAIL_BYTES = 60 * 1_048_576
"""Gmail takes 50 MB in. Everything in a mail is smaller decoded than encoded, so this bounds what is decoded too."""
MAX_LINES = 1_000_000
MAX_CONTAINERS = 100
"""Multiparts and mails inside mails."""
MAX_TYPES = 1_000
"""Parts that say what they are."""
MAX_BOUNDARIES = 20_000
"""Lines that may part a part from the next."""
MAX_HEADER_RUN = 50_000
"""Header lines in a row."""
MAX_PARAMETERS_BYTES = 2_048
"""Of a Content-Type or a Content-Disposition."""
MAX_WORK = 20_000_000
"""Lines times containers: each line is compared with the boundaries around it."""

_CONTAINER = re.compile(rb"^content-type:\s*(?:multipart|message)/", re.IGNORECASE | re.MULTILINE)
_TYPE = re.compile(rb"^content-type:", re.IGNORECASE | re.MULTILINE)
_BOUNDARY = re.compile(rb"(?:^|\r)--", re.MULTILINE)
_PARAMETERS = re.compile(
    rb"(?:^|\r)content-(?:type|disposition)[ \t]*:((?:[^\r\n]|[\r\n]{1,2}[ \t])*+)", re.IGNORECASE | re.MULTILINE
)
_HEADER_RUN = re.compile(
    rb"(?:(?<![^\r\n])[!-9;-~]{1,200}+:[^\r\n]*+(?:[\r\n]{1,2}+[ \t][^\r\n]*+)*+[\r\n]{1,2}+)++",
)


def too_much(raw: bytes) -> str | None:
    """Why a mail can't be parsed in reasonable time and memory; ``None`` when it can."""
    if len(raw) > MAX_MAIL_BYTES:
        return f"it has more than {MAX_MAIL_BYTES // 1_048_576} MB"
    lines = _lines(raw)
    containers = len(_CONTAINER.findall(raw))
    excesses = {
        f"it has more than {MAX_LINES:,} lines": lines > MAX_LINES,
        f"it has more than {MAX_CONTAINERS} parts inside each other": containers > MAX_CONTAINERS,
        "it has too many lines inside too many parts": lines * containers > MAX_WORK,
        f"it has more than {MAX_TYPES:,} parts": len(_TYPE.findall(raw)) > MAX_TYPES
        or len(_BOUNDARY.findall(raw)) > MAX_BOUNDARIES,
        "a header line of it is too long": any(
            len(found[1]) > MAX_PARAMETERS_BYTES for found in _PARAMETERS.finditer(raw)
        ),
        "it has too many header lines": any(_lines(found[0]) > MAX_HEADER_RUN for found in _HEADER_RUN.finditer(raw)),
    }
    return next((reason for reason, exceeded in excesses.items() if exceeded), None)


def _lines(text: bytes) -> int:
    return max(text.count(b"\n"), text.count(b"\r"))
