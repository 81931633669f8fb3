"""JSON of any shape, and tables of any columns, by a mapping file.

It says where the entries are, and how an entry's fields become an article:

    path  = "*.*.docs.*"             # one part a level; * is any key or any place in a list
    slug  = "{1}/{2}/{3}"            # {1} is what the first * stood for
    title = "{title}"                # a field of the entry, or of the nearest level above that has it
    heading = "{name|1}"             # the first of these that is not empty
    text  = "{body}"

Lines of JSON and the rows of a table are a list: their path is ``*``.

``slug``, ``title`` and ``text`` must be there; ``heading``, ``url``, ``language``, ``audience``, ``effective``
and ``expires`` may be.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from infra.knowledge.faq import parsed, parsed_lines, table
from infra.knowledge.origin import Found, Origin
from skills.errors import KnowledgeFileError

_PLACE = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class EntryMapping:
    """The path of the entries and one template a field. The module says what may stand in them."""

    path: str
    slug: str
    title: str
    text: str
    heading: str = ""
    url: str = ""
    language: str = ""
    audience: str = ""
    effective: str = ""
    expires: str = ""


@dataclass(frozen=True, slots=True)
class _Entry:
    """A place in the file: what each ``*`` stood for, and the objects from the top down to the entry itself."""

    keys: tuple[str, ...]
    levels: tuple[dict[str, Any], ...]
    where: str


def load_mapping(path: Path) -> EntryMapping:
    """Read a mapping file.

    Raises:
        KnowledgeFileError: it can't be read, or a field is missing, unknown or not a text.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise KnowledgeFileError(
            f"{path.name}: {error}", hint="a mapping is a TOML file, see docs/knowledge.md"
        ) from None
    known = {field.name for field in fields(EntryMapping)}
    if strange := values.keys() - known:
        raise KnowledgeFileError(f"{path.name}: unknown field {min(strange)!r}", hint=f"use {', '.join(sorted(known))}")
    for name in known:
        needed = name in {"path", "slug", "title", "text"}
        value = values.get(name, None if needed else "")
        if not isinstance(value, str) or (needed and not value.strip()):
            raise KnowledgeFileError(f"{path.name}: {name!r} must be a text", hint=f"write {name} = '…'")
    return EntryMapping(**values)


def read_mapped_json(text: str, origin: Origin, mapping: EntryMapping) -> Iterator[Found]:
    """Every entry of a JSON file that the path leads to, as an article."""
    yield from _mapped(parsed(text, origin), origin, mapping)


def read_mapped_jsonl(text: str, origin: Origin, mapping: EntryMapping) -> Iterator[Found]:
    """The same of one JSON value a line."""
    yield from _mapped(parsed_lines(text, origin), origin, mapping)


def read_mapped_csv(text: str, origin: Origin, mapping: EntryMapping) -> Iterator[Found]:
    """The same of a table's rows, each by the names of its columns."""
    yield from _mapped(table(text, origin), origin, mapping)


def _mapped(value: Any, origin: Origin, mapping: EntryMapping) -> Iterator[Found]:
    empty = True
    for entry in _entries(value, mapping.path.split("."), _Entry((), (), "")):
        empty = False
        try:
            heading = " ".join(_filled(mapping.heading, entry).split())
            body = _filled(mapping.text, entry)
            yield origin.article(
                key=_filled(mapping.slug, entry),
                title=_filled(mapping.title, entry),
                text=f"## {heading}\n\n{body}" if heading and body.strip() else body,
                url=_filled(mapping.url, entry),
                language=_filled(mapping.language, entry),
                audience=_filled(mapping.audience, entry),
                effective=_filled(mapping.effective, entry),
                expires=_filled(mapping.expires, entry),
            )
        except KnowledgeFileError as error:
            yield origin.problem(f"at {entry.where}: {error}", hint=error.hint)
    if empty:
        raise origin.problem(f"nothing lies at {mapping.path!r}", hint="compare the mapping's path with the file")


def _entries(value: Any, path: list[str], entry: _Entry) -> Iterator[_Entry]:
    levels = (*entry.levels, value) if isinstance(value, dict) else entry.levels
    if not path:
        if isinstance(value, dict):
            yield _Entry(entry.keys, levels, entry.where)
        return
    part, rest = path[0], path[1:]
    children: list[tuple[str, Any]] = []
    if isinstance(value, dict):
        children = [(key, child) for key, child in value.items() if part in {"*", key}]
    elif isinstance(value, list):
        children = [(str(place), child) for place, child in enumerate(value) if part in {"*", str(place)}]
    for key, child in children:
        keys = (*entry.keys, key) if part == "*" else entry.keys
        yield from _entries(child, rest, _Entry(keys, levels, f"{entry.where}.{key}".lstrip(".")))


def _filled(template: str, entry: _Entry) -> str:
    return _PLACE.sub(lambda place: _value(place[1], entry), template)


def _value(names: str, entry: _Entry) -> str:
    found = [_field(name.strip(), entry) for name in names.split("|")]
    if all(value is None for value in found):
        raise KnowledgeFileError(f"there is no field {names!r}", hint="correct the mapping, or the entry")
    return next((value for value in found if value), "")


def _field(name: str, entry: _Entry) -> str | None:
    """The text of a captured key or field; empty when it is null, ``None`` when there is no such field."""
    if name.isdecimal():
        return entry.keys[int(name) - 1] if 0 < int(name) <= len(entry.keys) else None
    for level in reversed(entry.levels):
        if name in level:
            value = level[name]
            return str(value) if isinstance(value, str | int | float) else ""
    return None
