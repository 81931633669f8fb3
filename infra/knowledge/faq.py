"""Questions and answers, as a table (CSV) or as objects (a list in JSON, or one a line); each entry becomes an article.

An entry without an id is known by its question, so that inserting a row above it changes nothing.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from io import StringIO
from types import MappingProxyType
from typing import Any

from infra.knowledge.origin import Found, Origin, key_from
from skills.errors import KnowledgeFileError

NAMES: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "question": ("question", "q", "title", "frage", "titel", "pregunta"),
    "answer": ("answer", "a", "body", "text", "content", "reply", "antwort", "respuesta"),
    "id": ("id", "slug", "key"),
    "url": ("url", "link"),
    "language": ("language", "lang", "sprache", "idioma"),
    "audience": ("audience", "zielgruppe"),
    "effective": ("effective", "effective_from", "valid_from", "gültig ab", "vigente desde"),
    "expires": ("expires", "valid_until", "gültig bis", "vigente hasta"),
})  # fmt: skip
"""What a column or a field may be called, best name first; case does not matter."""

_DELIMITERS = ",;\t|"
_COLUMNS = "name two columns 'question' and 'answer' in the first line (docs/knowledge.md has the other names)"


def read_csv(text: str, origin: Origin) -> Iterator[Found]:
    """Every row as an article. The delimiter is the one with which the first line makes sense."""
    for delimiter in _DELIMITERS:
        rows = csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
        try:
            places = _places(next(rows, []))
        except csv.Error:
            continue
        if {"question", "answer"} <= places.keys():
            yield from _rows(rows, places, origin)
            return
    raise origin.problem("no column holds the question or the answer", line=1, hint=_COLUMNS)


def read_json(text: str, origin: Origin) -> Iterator[Found]:
    """Every object of a list as an article."""
    entries = parsed(text, origin)
    if not isinstance(entries, list):
        raise origin.problem("is not a list of questions and answers", hint="describe its shape in a mapping file")
    yield from _objects(entries, origin)


def read_jsonl(text: str, origin: Origin) -> Iterator[Found]:
    """Every line's object as an article."""
    yield from _objects(parsed_lines(text, origin), origin)


def parsed_lines(text: str, origin: Origin) -> list[Any]:
    """The JSON value of every line that is not blank.

    Raises:
        UnreadableFileError: a line is not JSON.
    """
    values = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                values.append(json.loads(line))
            except (ValueError, RecursionError):
                raise origin.problem("is not JSON", line=number, hint="write one object a line") from None
    return values


def table(text: str, origin: Origin) -> list[dict[str, str]]:
    """The rows of a CSV by the names in its first line; the delimiter is the one that this line has most of.

    Raises:
        UnreadableFileError: it is not a table.
    """
    head = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=head.count)
    rows = csv.DictReader(StringIO(text, newline=""), delimiter=delimiter, strict=True, restval="")
    try:
        return [{str(name): str(value) for name, value in row.items() if name is not None} for row in rows]
    except csv.Error as error:
        raise origin.problem(
            f"the table breaks off here ({error})", line=rows.line_num, hint="check the quotes"
        ) from None


def _objects(entries: list[Any], origin: Origin) -> Iterator[Found]:
    for number, entry in enumerate(entries, start=1):
        if not isinstance(entry, dict):
            yield origin.problem(f"entry {number} is not an object", hint='write {"question": …, "answer": …}')
            continue
        fields = {
            field: str(entry[name]) for name, field in _named(entry).items() if isinstance(entry[name], str | int)
        }
        try:
            yield _entry(fields, origin)
        except KnowledgeFileError as error:
            yield origin.problem(f"entry {number}: {error}", hint=error.hint)


def parsed(text: str, origin: Origin) -> Any:
    """The JSON value of a file.

    Raises:
        UnreadableFileError: it is not JSON, or nested beyond reason.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise origin.problem(
            f"is not JSON ({error.msg}, column {error.colno})", line=error.lineno, hint="check the comma or quote there"
        ) from None
    except (RecursionError, ValueError):
        raise origin.problem("has more levels or longer numbers than can be read", hint="make it flatter") from None


def _rows(rows: Any, places: Mapping[str, int], origin: Origin) -> Iterator[Found]:
    line = rows.line_num + 1
    try:
        for row in rows:
            if any(cell.strip() for cell in row):
                fields = {field: row[place] for field, place in places.items() if place < len(row)}
                try:
                    yield _entry(fields, origin)
                except KnowledgeFileError as error:
                    yield origin.problem(error, line=line)
            line = rows.line_num + 1
    except csv.Error as error:
        raise origin.problem(f"the table breaks off here ({error})", line=line, hint="check the quotes") from None


def _entry(fields: Mapping[str, str], origin: Origin) -> Found:
    question, answer = fields.get("question", ""), fields.get("answer", "")
    if not question.strip() or not answer.strip():
        missing = "answer" if question.strip() else "question"
        raise KnowledgeFileError(f"the {missing} is missing", hint="every entry needs a question and an answer")
    return origin.article(
        key=fields.get("id", "").strip() or key_from(question),
        title=question,
        text=answer,
        url=fields.get("url"),
        language=fields.get("language"),
        audience=fields.get("audience"),
        effective=fields.get("effective"),
        expires=fields.get("expires"),
    )


def _places(header: list[str]) -> dict[str, int]:
    fields = _named(dict.fromkeys(header))
    return {field: header.index(name) for name, field in fields.items()}


def _named(entry: Mapping[str, Any]) -> dict[str, str]:
    """From the names in the file to our fields; where two names mean the same field, the better one counts."""
    lowered = {name.strip().lower(): name for name in reversed(list(entry))}
    best = {field: next((lowered[name] for name in names if name in lowered), None) for field, names in NAMES.items()}
    return {name: field for field, name in best.items() if name is not None}
