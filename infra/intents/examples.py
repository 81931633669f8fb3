"""Labelled texts from a table: CSV with the columns ``text`` and ``label``, in any order, others left alone.

UTF-8, with or without a byte order mark; commas, or semicolons where a spreadsheet writes them.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from skills.errors import BadRequestError

OUT_OF_SCOPE = "oos"
"""The label of a text that has none of the intents."""
LONGEST_LABEL = 80
_LARGEST = 64 * 2**20
_LONGEST_FIELD = 1_000_000
_COLUMNS = ("text", "label")
_AS = "a CSV file with the columns text and label: text,label"


@dataclass(frozen=True, slots=True)
class Labelled:
    """A row: its text, its label, and the line of the file on which it ends."""

    text: str
    label: str
    line: int


def read_examples(path: Path, *, text: str = "text", label: str = "label") -> list[Labelled]:
    """The rows of a table, at least one. Rows without any content are left out.

    Args:
        path: the file.
        text: the name of the column of texts, where it has another one.
        label: the same for the labels.

    Raises:
        BadRequestError: the file can't be read, or a row is not whole; the message has the file and the line.
    """
    content = _content(path)
    first_line = content.partition("\n")[0]
    delimiter = ";" if first_line.count(";") > first_line.count(",") else ","
    rows = _rows(path, content, delimiter)
    names = [name.strip().casefold() for name in next(rows, (0, []))[1]]
    missing = [name for name in (text, label) if name not in names]
    if missing:
        raise BadRequestError(f"{path}, line 1: there is no column {' and no column '.join(missing)}", hint=_AS)
    places = names.index(text), names.index(label)
    found = [_labelled(path, line, row, places) for line, row in rows if any(field.strip() for field in row)]
    if not found:
        raise BadRequestError(f"{path} has no rows under its header", hint=_AS)
    return found


def _content(path: Path) -> str:
    try:
        if path.stat().st_size > _LARGEST:
            raise BadRequestError(f"{path} is larger than {_LARGEST // 2**20} MB", hint="leave out what repeats")
        content = path.read_bytes()
    except OSError as error:
        raise BadRequestError(f"{path} can't be read: {error.strerror or type(error).__name__}", hint=_AS) from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise BadRequestError(f"{path}, line {line}: not UTF-8", hint="save the table as CSV in UTF-8") from error
    if not text.strip():
        raise BadRequestError(f"{path} is empty", hint=_AS)
    return text


def _rows(path: Path, content: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    csv.field_size_limit(_LONGEST_FIELD)
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=delimiter, strict=True)
    try:
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        raise BadRequestError(
            f"{path}, line {reader.line_num}: {error}", hint='a quote inside a quoted field is doubled: ""'
        ) from error


def _labelled(path: Path, line: int, row: list[str], places: tuple[int, int]) -> Labelled:
    if len(row) <= max(places):
        raise BadRequestError(
            f"{path}, line {line}: the row has {len(row)} of its columns", hint="put a text with commas in quotes"
        )
    text, label = (row[place].strip() for place in places)
    for name, value in zip(_COLUMNS, (text, label), strict=True):
        if not value:
            raise BadRequestError(f"{path}, line {line}: the {name} is empty", hint="fill it in, or remove the row")
    if len(label) > LONGEST_LABEL or not label.isprintable():
        raise BadRequestError(
            f"{path}, line {line}: that is no label", hint=f"at most {LONGEST_LABEL} characters on one line"
        )
    return Labelled(text, label, line)
