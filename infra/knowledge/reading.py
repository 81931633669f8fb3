"""Reads a file or a folder of articles; what can't be read is reported and the rest goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType

from infra.knowledge.article import Article
from infra.knowledge.faq import read_csv, read_json
from infra.knowledge.mapping import load_mapping, read_mapped
from infra.knowledge.markdown import read_markdown, read_text
from infra.knowledge.origin import Found, Origin, UnreadableFileError
from infra.knowledge.webpage import read_webpage
from skills.errors import KnowledgeFileError
from skills.turn import Audience, Language

Reader = Callable[[str, Origin], Iterable[Found]]

READERS: Mapping[str, Reader] = MappingProxyType({
    ".md": read_markdown, ".markdown": read_markdown, ".txt": read_text,
    ".html": read_webpage, ".htm": read_webpage, ".csv": read_csv, ".json": read_json,
})  # fmt: skip
"""By the file's suffix, in lower case."""

ENGLISH = Language("en")

LARGEST_FILE = 32 * 1024 * 1024
"""Bytes. A file of articles is a few megabytes at most; beyond this it is a mistake."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file or folder held."""

    source: str
    articles: tuple[Article, ...]
    problems: tuple[UnreadableFileError, ...]
    ignored: tuple[str, ...]
    """Files of a format that nobody reads here."""


def read_articles(
    path: Path,
    *,
    mapping: Path | None = None,
    source: str | None = None,
    language: Language = ENGLISH,
    audience: Audience = "public",
) -> Reading:
    """Every article of a file, or of a folder and the folders in it (hidden ones left out).

    Args:
        path: the file or folder.
        mapping: a mapping file for the JSON files among them, see `infra.knowledge.mapping`.
        source: the name under which the articles are kept; the last part of the path when it is left out.
        language: of articles that do not say theirs.
        audience: of articles that do not say theirs.

    Raises:
        KnowledgeFileError: there is nothing at the path, the one file is of no known format, or the mapping is wrong.
    """
    readers = dict(READERS)
    if mapping is not None:
        readers[".json"] = partial(read_mapped, mapping=load_mapping(mapping))
    formats = ", ".join(sorted(READERS))
    if not path.exists():
        raise KnowledgeFileError(f"there is no file or folder {path}", hint="check the path")
    if path.is_file() and path.suffix.lower() not in readers:
        raise KnowledgeFileError(f"{path.name} is of no known format", hint=f"use one of {formats}")
    folder = path if path.is_dir() else path.parent
    files = [path] if path.is_file() else sorted(_visible_files(path))
    name = source or path.resolve().name
    found: list[Found] = []
    ignored: list[str] = []
    for file in files:
        origin = Origin(source=name, file=file.relative_to(folder).as_posix(), language=language, audience=audience)
        reader = readers.get(file.suffix.lower())
        if reader is None:
            ignored.append(origin.file)
            continue
        try:
            found.extend(reader(_text(file, origin), origin))
        except UnreadableFileError as problem:
            found.append(problem)
    articles, problems = _sorted_out(found)
    return Reading(name, tuple(articles), tuple(problems), tuple(ignored))


def _visible_files(folder: Path) -> Iterator[Path]:
    for file in folder.rglob("*"):
        hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
        if not hidden and file.is_file():
            yield file


def _text(file: Path, origin: Origin) -> str:
    try:
        if file.stat().st_size > LARGEST_FILE:
            raise origin.problem(f"is larger than {LARGEST_FILE >> 20} MB", hint="split it into several files")
        data = file.read_bytes()
    except OSError as error:
        raise origin.problem(error.strerror or "can't be opened", hint="check who may read it") from None
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise origin.problem("is not UTF-8 but UTF-16", hint="save it as UTF-8")
    if b"\0" in data:
        raise origin.problem("is not a text file", hint="its name says text, its content does not")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise origin.problem("is not UTF-8", line=line, hint="save it as UTF-8") from None
    if not text.strip():
        raise origin.problem("is empty", hint="write something into it, or remove it")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _sorted_out(found: Iterable[Found]) -> tuple[list[Article], list[UnreadableFileError]]:
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
    return list(articles.values()), problems
