"""An article as it was read, before it is split: its text is Markdown, whatever the file was."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import get_args
from uuid import UUID, uuid5

from skills.errors import KnowledgeFileError
from skills.turn import ArticleId, Audience, Language

_NAMESPACE = UUID("5f0c1f5e-54a4-5b0c-9d2e-3c8f0a1b7d61")
"""Ids are made from names, so that a second import of the same article is the same article."""

_AUDIENCES: tuple[str, ...] = get_args(Audience)
_LANGUAGE = re.compile(r"[a-z]{2,3}")


@dataclass(frozen=True, slots=True)
class Article:
    """One article of one source.

    Raises:
        KnowledgeFileError: no title or text, characters that no database keeps, or an address that is not a web page's.
    """

    slug: str
    """Its name within the source; the same slug is the same article."""
    title: str
    text: str
    """Markdown; headings begin with ``#``."""
    url: str | None
    """Where a customer can read it: ``http`` or ``https`` only, because replies show it as a link."""
    language: Language
    audience: Audience
    source: str
    """Where it came from: a folder, a file, a feed."""

    def __post_init__(self) -> None:
        for name in ("slug", "title", "text", "source"):
            value: str = getattr(self, name)
            if not value.strip():
                raise KnowledgeFileError(f"the {name} is empty", hint=f"give every article a {name}")
            if not _storable(value):
                raise KnowledgeFileError(f"the {name} has a NUL or half a surrogate pair in it", hint="remove it")
        if self.url is not None and not (_storable(self.url) and self.url.startswith(("http://", "https://"))):
            raise KnowledgeFileError(f"{self.url!r} is not a web address", hint="begin it with https://")

    @property
    def id(self) -> ArticleId:
        """The same for the same source and slug, on every machine."""
        return ArticleId(uuid5(_NAMESPACE, json.dumps([self.source, self.slug])))

    def content_hash(self, splitting: int) -> bytes:
        """SHA-256 of everything that a passage is made from, the number of the splitting rules included."""
        parts = [splitting, self.title, self.text, self.url, self.language, self.audience]
        return hashlib.sha256(json.dumps(parts).encode()).digest()


def language_code(text: str) -> Language:
    """``de-DE`` and ``DE_at`` → ``de``.

    Raises:
        KnowledgeFileError: it does not begin with an ISO 639 code.
    """
    code = re.split(r"[-_]", text.strip().lower(), maxsplit=1)[0]
    if not _LANGUAGE.fullmatch(code):
        raise KnowledgeFileError(f"{text!r} is not a language code", hint="use en, de, es …")
    return Language(code)


def audience_name(text: str) -> Audience:
    """One of the three audiences, whatever its case.

    Raises:
        KnowledgeFileError: there is no such audience. Nothing is guessed here: a guess could publish an internal note.
    """
    match text.strip().lower():
        case "public" | "customers" | "staff" as name:
            return name
        case _:
            raise KnowledgeFileError(f"{text!r} is not an audience", hint=f"use {', '.join(_AUDIENCES)}")


def _storable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text
