"""What articles said before: every change and removal, with who made it and when.

Versions are written by ``infra.postgres.articles`` in the transaction that changes the article. They are the company's
own texts, so they are not sealed, and stay when an article is removed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, LiteralString

from infra.knowledge.article import Article
from infra.postgres.database import Database
from infra.postgres.queries import load
from skills.errors import BadRequestError, DatabaseUnavailableError, KnowledgeUnavailableError, NotFoundError
from skills.turn import ArticleId, Audience, Language

Change = Literal["added", "changed", "restored", "removed"]

_SHORTEST = 8
"""Characters of an id's beginning that are asked for at least."""

_HEX = frozenset("0123456789abcdef-")


@dataclass(frozen=True, slots=True)
class KnownArticle:
    """An article that is there, or was."""

    article_id: ArticleId
    source: str
    slug: str
    title: str


@dataclass(frozen=True, slots=True)
class VersionLine:
    """A line of an article's history."""

    version: int
    change: Change
    title: str
    changed_by: str
    changed_at: datetime
    effective_at: datetime | None
    expires_at: datetime | None
    audience: Audience
    language: Language
    characters: int


@dataclass(frozen=True, slots=True)
class ArticleVersion:
    """One version whole."""

    version: int
    change: Change
    source: str
    slug: str
    title: str
    body: str
    url: str | None
    language: Language
    audience: Audience
    effective_at: datetime | None
    expires_at: datetime | None
    changed_by: str
    changed_at: datetime

    @property
    def article(self) -> Article:
        """The article as it was then."""
        return Article(
            slug=self.slug,
            title=self.title,
            text=self.body,
            url=self.url,
            language=self.language,
            audience=self.audience,
            source=self.source,
            effective=self.effective_at,
            expires=self.expires_at,
        )


class ArticleVersions:
    """Reads versions. Every method raises KnowledgeUnavailableError when the database does not answer."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sql = load("article_versions")

    async def find(self, name: str) -> KnownArticle:
        """The one article of that id (or its beginning), slug, or ``source/slug``.

        Raises:
            NotFoundError: there is none, or none that has a version.
            BadRequestError: there are several.
        """
        beginning = f"{name.lower()}%" if len(name) >= _SHORTEST and set(name.lower()) <= _HEX else ""
        rows = await self._fetch(self._sql["find"], {"name": name, "beginning": beginning})
        if not rows:
            raise NotFoundError(f"no article {name!r} has versions", hint="give its slug, source/slug, or its id")
        if len(rows) > 1:
            names = ", ".join(f"{row['source']}/{row['slug']}" for row in rows)
            raise BadRequestError(f"{name!r} could be several articles", hint=f"choose one of: {names}")
        return KnownArticle(**rows[0])

    async def history(self, article: ArticleId, *, limit: int = 100) -> list[VersionLine]:
        """An article's versions, the newest first; empty when none was kept."""
        rows = await self._fetch(self._sql["history"], {"article": article, "limit": limit})
        return [VersionLine(**row) for row in rows]

    async def version(self, article: ArticleId, version: int | None = None) -> ArticleVersion:
        """One version, the newest unless a number is given.

        Raises:
            NotFoundError: there is no such version.
        """
        rows = await self._fetch(self._sql["version"], {"article": article, "version": version})
        if not rows:
            raise NotFoundError("there is no such version", hint="`csagent knowledge history` lists them")
        return ArticleVersion(**rows[0])

    async def _fetch(self, statement: LiteralString, values: Mapping[str, object]) -> list[dict[str, Any]]:
        try:
            async with self._database.connection() as connection:
                return await (await connection.execute(statement, values)).fetchall()
        except DatabaseUnavailableError as error:
            raise KnowledgeUnavailableError(f"the knowledge base did not answer: {error}") from error
