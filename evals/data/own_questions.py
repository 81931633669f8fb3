"""Articles and questions of one's own, as JSON lines: what ``csagent eval retrieval`` reads.

    {"id": "a1", "title": "Returns", "body": "You have 30 days …"}
    {"id": "q1", "text": "how long can I return it?", "gold": ["a1"], "history": ["I bought a lamp"]}

``gold`` may be called ``gold_ids`` or ``gold ids``, and be one id; empty or left out, nothing answers the question.
``history`` is the talk before it, oldest first: texts, or objects with ``text`` or ``content`` and ``author`` or
``role``. Texts alone are the customer's. ``dialogue`` may say which questions belong together.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from evals.measure.retrieving import Asked, Said
from infra.knowledge.article import Article
from infra.knowledge.reading import Reading
from skills.errors import BadRequestError, KnowledgeFileError
from skills.language import ENGLISH
from skills.turn import Author

_GOLD = ("gold", "gold_ids", "gold ids", "gold-ids", "goldIds")
_OURS = frozenset({"agent", "assistant", "bot", "system", "human_agent", "s"})
_TEXT = ("text", "question", "query")
_BODY = ("body", "text", "content")
_WORDS_OF_A_TITLE = 8


class _Line:
    """One object of a file, with the place that an error names."""

    def __init__(self, file: Path, number: int, fields: Mapping[str, Any]) -> None:
        self.fields = fields
        self._file = file
        self._number = number

    def error(self, problem: str, hint: str) -> BadRequestError:
        return BadRequestError(f"{self._file.name}, line {self._number}: {problem}", hint=hint)

    def text(self, *names: str, needed: bool = True) -> str:
        """The first of these fields that is there; a number counts as its digits."""
        value = next((self.fields[name] for name in names if name in self.fields), None)
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if value is None and not needed:
            return ""
        if not isinstance(value, str) or (needed and not value.strip()):
            raise self.error(f"{names[0]!r} is no text, or empty", f'write {{"{names[0]}": "…"}}')
        return value


def read_articles(file: Path) -> Reading:
    """The articles of a file.

    Raises:
        BadRequestError: the file or a line of it can't be used; says which.
    """
    articles: dict[str, Article] = {}
    for line in _lines(file):
        name = line.text("id")
        if name in articles:
            raise line.error(f"the id {name!r} stands there twice", "give each article an id of its own")
        try:
            articles[name] = Article(
                slug=name,
                title=_title(line),
                text=line.text(*_BODY).strip(),
                url=None,
                language=ENGLISH,
                audience="public",
                source=file.name,
            )
        except KnowledgeFileError as problem:
            raise line.error(str(problem), problem.hint or "correct the article") from None
    return Reading(file.name, tuple(articles.values()), (), ())


def read_questions(file: Path, *, known: Collection[str]) -> list[Asked]:
    """The questions of a file, whose gold must be among the ``known`` ids.

    Raises:
        BadRequestError: the file or a line of it can't be used; says which.
    """
    asked: dict[str, Asked] = {}
    for line in _lines(file):
        name = line.text("id")
        if name in asked:
            raise line.error(f"the id {name!r} stands there twice", "give each question an id of its own")
        gold = _gold(line)
        if strange := sorted(gold.difference(known)):
            raise line.error(f"no article has the id {strange[0]!r}", "correct gold, or add the article")
        asked[name] = Asked(
            name, line.text(*_TEXT), gold, _history(line), line.text("dialogue", "dialogue_id", needed=False)
        )
    return list(asked.values())


def _title(line: _Line) -> str:
    """The title, else the beginning of the text."""
    title = " ".join(line.text("title", needed=False).split())
    return title or " ".join(line.text(*_BODY).split()[:_WORDS_OF_A_TITLE])


def _gold(line: _Line) -> frozenset[str]:
    value = next((line.fields[name] for name in _GOLD if name in line.fields), None) or []
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(one, str | int) and not isinstance(one, bool) for one in values):
        raise line.error("'gold' is not a list of ids", 'write {"gold": ["a1"]}')
    return frozenset(map(str, values))


def _history(line: _Line) -> tuple[Said, ...]:
    value = line.fields.get("history") or []
    if not isinstance(value, list):
        raise line.error("'history' is not a list", "write the messages before the question, oldest first")
    return tuple(_said(line, entry) for entry in value)


def _said(line: _Line, entry: object) -> Said:
    if isinstance(entry, str):
        return Said("customer", entry)
    if isinstance(entry, dict):
        text = entry.get("text", entry.get("content"))
        who = entry.get("author", entry.get("role", entry.get("speaker", "customer")))
        if isinstance(text, str) and isinstance(who, str):
            author: Author = "agent" if who.strip().lower() in _OURS else "customer"
            return Said(author, text)
    raise line.error("a message of 'history' is neither a text nor an object", 'write {"author": "agent", "text": "…"}')


def _lines(file: Path) -> Iterator[_Line]:
    try:
        lines = file.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise BadRequestError(f"{file} can't be read: {reason}", hint="give a file of JSON lines in UTF-8") from None
    empty = True
    for number, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        empty = False
        try:
            fields = json.loads(text)
        except (ValueError, RecursionError):
            fields = None
        if not isinstance(fields, dict):
            raise BadRequestError(
                f"{file.name}, line {number}: is not a JSON object",
                hint="write one object a line, as docs/quality.md shows",
            )
        yield _Line(file, number, fields)
    if empty:
        raise BadRequestError(f"{file.name} is empty", hint="write one JSON object a line")
