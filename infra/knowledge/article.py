"""An article as it was read, before it is split: its text is Markdown, whatever the file was."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
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
    effective: datetime | None = None
    """Nobody finds it before; ``None``: it holds already."""
    expires: datetime | None = None
    """Nobody finds it from then on; ``None``: it holds until it is changed."""

    def __post_init__(self) -> None:
        for name in ("slug", "title", "text", "source"):
            value: str = getattr(self, name)
            if not value.strip():
                raise KnowledgeFileError(f"the {name} is empty", hint=f"give every article a {name}")
            if not _storable(value):
                raise KnowledgeFileError(f"the {name} has a NUL or half a surrogate pair in it", hint="remove it")
        if self.url is not None and not (_storable(self.url) and self.url.startswith(("http://", "https://"))):
            raise KnowledgeFileError(f"{self.url!r} is not a web address", hint="begin it with https://")
        if self.effective is not None and self.expires is not None and self.effective >= self.expires:
            raise KnowledgeFileError("it expires before it takes effect", hint="correct 'effective' or 'expires'")

    @property
    def id(self) -> ArticleId:
        """The same for the same source and slug, on every machine."""
        return ArticleId(uuid5(_NAMESPACE, json.dumps([self.source, self.slug])))

    def holds(self, now: datetime) -> bool:
        """Whether it has taken effect and has not expired."""
        return (self.effective is None or self.effective <= now) and (self.expires is None or now < self.expires)

    def content_hash(self, splitting: int) -> bytes:
        """SHA-256 of everything that a passage is made from, the number of the splitting rules included."""
        dates = [None if at is None else at.isoformat() for at in (self.effective, self.expires)]
        parts = [splitting, self.title, self.text, self.url, self.language, self.audience, *dates]
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


def moment(text: str, *, ends: bool = False) -> datetime:
    """``2026-03-01`` or ``2026-03-01T09:30+01:00`` as a moment; without an offset it is UTC.

    Args:
        text: a date, or a date with a time, as ISO 8601 writes them.
        ends: it is the end of something: a day without a time is the last one that still counts.

    Raises:
        KnowledgeFileError: it is neither.
    """
    written = text.strip()
    try:
        day = date.fromisoformat(written)
    except ValueError:
        try:
            exact = datetime.fromisoformat(written)
            return (exact if exact.tzinfo is not None else exact.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            raise KnowledgeFileError(f"{text!r} is not a date", hint="write it as 2026-12-31") from None
    try:
        day += timedelta(days=int(ends))
    except OverflowError:
        raise KnowledgeFileError(f"{text!r} is too far away", hint="leave it out: it never expires then") from None
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _storable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text
