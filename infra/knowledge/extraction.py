"""Reads PDF and Word documents in a process of their own, so that none can take more time or room than is allowed.

The parent gives the document's bytes to ``python -m infra.knowledge.extraction pdf`` and gets JSON back. What the child
may take is set by itself, before it looks at a single byte. If it dies, hangs or says too much, that is a problem of
this one document, and the others go on.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from types import MappingProxyType
from typing import Literal

from infra.knowledge.docx import extract_docx
from infra.knowledge.extracted import Extracted, ExtractionError
from infra.knowledge.origin import Found, Origin
from infra.knowledge.pdf import extract_pdf
from skills.errors import KnowledgeFileError

Format = Literal["pdf", "docx"]

_EXTRACTORS = MappingProxyType({"pdf": extract_pdf, "docx": extract_docx})
_FIRST_HEADING = re.compile(r"\s*#[ \t]+(.+?)[ \t]*(?:\n|$)")


@dataclass(frozen=True, slots=True)
class Allowed:
    """What one document may take."""

    seconds: float = 120.0
    memory_bytes: int = 2 * 1024 * 1024 * 1024
    characters: int = 10_000_000


ALLOWED = Allowed()


def read_document(data: bytes, origin: Origin, *, form: Format, allowed: Allowed = ALLOWED) -> Iterator[Found]:
    """The one article of a document; its title is its own, the first heading's or the file's name."""
    try:
        found = extract(data, form, allowed)
        text, title = found.text, found.title
        if heading := _FIRST_HEADING.match(text):
            title, text = heading[1], text[heading.end() :] or text
        yield origin.article(title=title or origin.name, text=text, language=_language(found.language))
    except KnowledgeFileError as error:
        raise origin.problem(error) from None


def extract(data: bytes, form: Format, allowed: Allowed = ALLOWED) -> Extracted:
    """Have a child read a document.

    Raises:
        ExtractionError: it can't be read, or takes more than is allowed.
    """
    command = [sys.executable, "-m", "infra.knowledge.extraction", form, json.dumps(asdict(allowed))]
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and module
            command,
            input=data,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # what a library says of a broken file has no end
            timeout=allowed.seconds,
            check=False,
            env=_environment(),
        )
    except subprocess.TimeoutExpired:
        raise ExtractionError(f"takes longer than {allowed.seconds:g} s to read", hint="print it anew") from None
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        raise ExtractionError(
            "breaks the program that reads it, or needs too much memory", hint="print it anew"
        ) from None
    if "problem" in answer:
        raise ExtractionError(answer["problem"], hint=answer["hint"])
    return Extracted(**answer)


def _language(text: str) -> str | None:
    """What a document says of its language; what is none counts as nothing said."""
    return text if re.match(r"[A-Za-z]{2,3}(?:[-_]|$)", text) else None


def _environment() -> dict[str, str]:
    """Nothing of ours, keys above all, is the child's business."""
    passed = {
        name: os.environ[name]
        for name in ("PATH", "HOME", "LANG", "VIRTUAL_ENV", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")
        if name in os.environ
    }
    return {**passed, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def main() -> None:
    """The child: a document on standard input, JSON on standard output."""
    form, allowed = sys.argv[1], Allowed(**json.loads(sys.argv[2]))
    _limit(allowed)
    answer: dict[str, str | None]
    try:
        found = _EXTRACTORS[form](sys.stdin.buffer.read())
        answer = asdict(found)
        if len(found.text) > allowed.characters:
            answer = {"problem": "has more text than a document of articles", "hint": "split it into several files"}
    except ExtractionError as error:
        answer = {"problem": str(error), "hint": error.hint}
    except (MemoryError, RecursionError):
        answer = {
            "problem": "needs too much memory to be read",
            "hint": "split it into several files, or print it anew",
        }
    sys.stdout.write(json.dumps(answer))


def _limit(allowed: Allowed) -> None:
    try:
        import resource
    except ImportError:  # no such thing on Windows: the parent's deadline holds there too
        return
    resource.setrlimit(resource.RLIMIT_AS, (allowed.memory_bytes, allowed.memory_bytes))
    seconds = max(1, int(allowed.seconds) + 1)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


read_pdf = partial(read_document, form="pdf")
read_docx = partial(read_document, form="docx")

if __name__ == "__main__":
    main()
