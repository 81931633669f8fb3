"""Which reader a file gets, by its suffix or by the type that a server gives it; and bytes as text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from types import MappingProxyType

from infra.knowledge.extraction import read_docx, read_pdf
from infra.knowledge.faq import read_csv, read_json, read_jsonl
from infra.knowledge.mapping import EntryMapping, read_mapped_csv, read_mapped_json, read_mapped_jsonl
from infra.knowledge.markdown import read_markdown, read_text
from infra.knowledge.origin import Found, Origin
from infra.knowledge.webpage import read_webpage

Reader = Callable[[str, Origin], Iterable[Found]]

TEXTS: Mapping[str, Reader] = MappingProxyType({
    ".md": read_markdown, ".markdown": read_markdown, ".txt": read_text,
    ".html": read_webpage, ".htm": read_webpage, ".xhtml": read_webpage,
    ".csv": read_csv, ".tsv": read_csv, ".json": read_json, ".jsonl": read_jsonl, ".ndjson": read_jsonl,
})  # fmt: skip
"""Readers of text files, by the suffix in lower case."""

DOCUMENTS: Mapping[str, Callable[[bytes, Origin], Iterable[Found]]] = MappingProxyType({
    ".pdf": read_pdf, ".docx": read_docx,
})  # fmt: skip
"""Readers of everything else."""

SUFFIXES = frozenset({*TEXTS, *DOCUMENTS})

MEDIA_TYPES: Mapping[str, str] = MappingProxyType({
    "text/html": ".html", "application/xhtml+xml": ".html", "text/plain": ".txt", "text/markdown": ".md",
    "text/x-markdown": ".md", "text/csv": ".csv", "text/tab-separated-values": ".tsv", "application/json": ".json",
    "application/x-ndjson": ".jsonl", "application/jsonl": ".jsonl", "application/pdf": ".pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
})  # fmt: skip
"""The suffix that a server's type stands for."""

_MAPPED = MappingProxyType({
    ".json": read_mapped_json, ".jsonl": read_mapped_jsonl, ".ndjson": read_mapped_jsonl,
    ".csv": read_mapped_csv, ".tsv": read_mapped_csv,
})  # fmt: skip

LARGEST_FILE = 32 * 1024 * 1024
"""Bytes. A file of articles is a few megabytes at most; beyond this it is a mistake."""


def read_file(data: bytes, suffix: str, origin: Origin, mapping: EntryMapping | None = None) -> Iterator[Found]:
    """The articles of one file of a suffix in ``SUFFIXES``; a mapping applies to JSON and CSV.

    Raises:
        UnreadableFileError: nothing of it can be read.
    """
    try:
        if document := DOCUMENTS.get(suffix):
            yield from document(data, origin)
            return
        reader = TEXTS[suffix]
        if mapping is not None and suffix in _MAPPED:
            reader = partial(_MAPPED[suffix], mapping=mapping)
        yield from reader(as_text(data, origin), origin)
    except (AssertionError, RecursionError, ValueError):
        # Parsers of the standard library raise these for some input: HTMLParser for ``<![x foo>`` and long numbers.
        raise origin.problem(
            "is built in a way that can't be read", hint="make it simpler, or save it in another format"
        ) from None


def as_text(data: bytes, origin: Origin) -> str:
    """UTF-8 with lines that end in a line feed.

    Raises:
        UnreadableFileError: it is something else, or empty.
    """
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
