"""Reads a file or a folder of articles; what can't be read is reported and the rest goes on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from infra.knowledge.article import Article
from infra.knowledge.formats import LARGEST_FILE, SUFFIXES, read_file
from infra.knowledge.mapping import load_mapping
from infra.knowledge.origin import Found, Origin, UnreadableFileError
from skills.errors import KnowledgeFileError
from skills.language import ENGLISH
from skills.turn import Audience, Language


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file or folder held."""

    source: str
    articles: tuple[Article, ...]
    problems: tuple[UnreadableFileError, ...]
    ignored: tuple[str, ...]
    """Files of a format that nobody reads here."""
    location: str = ""
    """Where it was read: a path or an address; empty when it is none that can be looked at again."""
    unchanged: tuple[str, ...] = ()
    """Files that were not read again, because whoever has them says that they have not changed."""


def read_articles(
    path: Path,
    *,
    mapping: Path | None = None,
    source: str | None = None,
    language: Language | None = ENGLISH,
    audience: Audience = "public",
    effective: datetime | None = None,
    expires: datetime | None = None,
) -> Reading:
    """Every article of a file, or of a folder and the folders in it (hidden ones left out).

    Args:
        path: the file or folder.
        mapping: a mapping file for the JSON and CSV files among them, see `infra.knowledge.mapping`.
        source: the name under which the articles are kept; the last part of the path when it is left out.
        language: of articles that do not say theirs; ``None``: guessed from their text.
        audience: of articles that do not say theirs.
        effective: from when articles hold that do not say so.
        expires: until when articles hold that do not say so.

    Raises:
        KnowledgeFileError: there is nothing at the path, the one file is of no known format, or the mapping is wrong.
    """
    if not path.exists():
        raise KnowledgeFileError(f"there is no file or folder {path}", hint="check the path")
    if path.is_file() and path.suffix.lower() not in SUFFIXES:
        raise KnowledgeFileError(f"{path.name} is of no known format", hint=f"use one of {', '.join(sorted(SUFFIXES))}")
    mapped = None if mapping is None else load_mapping(mapping)
    folder = path if path.is_dir() else path.parent
    files = [path] if path.is_file() else sorted(_visible_files(path))
    name = source or path.resolve().name
    found: list[Found] = []
    ignored: list[str] = []
    for file in files:
        origin = Origin(
            source=name,
            file=file.relative_to(folder).as_posix(),
            language=language,
            audience=audience,
            effective=effective,
            expires=expires,
        )
        suffix = file.suffix.lower()
        if suffix not in SUFFIXES:
            ignored.append(origin.file)
            continue
        try:
            found.extend(read_file(_content(file, origin), suffix, origin, mapped))
        except UnreadableFileError as problem:
            found.append(problem)
    articles, problems = sorted_out(found)
    return Reading(name, articles, problems, tuple(ignored), location=str(path.resolve()))


def _visible_files(folder: Path) -> Iterator[Path]:
    for file in folder.rglob("*"):
        hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
        if not hidden and file.is_file():
            yield file


def _content(file: Path, origin: Origin) -> bytes:
    try:
        if file.stat().st_size > LARGEST_FILE:
            raise origin.problem(f"is larger than {LARGEST_FILE >> 20} MB", hint="split it into several files")
        return file.read_bytes()
    except OSError as error:
        raise origin.problem(error.strerror or "can't be opened", hint="check who may read it") from None


def sorted_out(found: Iterable[Found]) -> tuple[tuple[Article, ...], tuple[UnreadableFileError, ...]]:
    """Articles and problems apart; of two articles with one slug the first counts and the second is a problem."""
    articles: dict[str, Article] = {}
    problems: list[UnreadableFileError] = []
    for item in found:
        if isinstance(item, UnreadableFileError):
            problems.append(item)
        elif item.slug in articles:
            file, _, key = item.slug.partition("#")
            problems.append(
                UnreadableFileError(
                    f"the entry {key!r} stands there twice", file=file, hint="give each an id of its own"
                )
            )
        else:
            articles[item.slug] = item
    return tuple(articles.values()), tuple(problems)
