"""What is wrong with the articles as they are: a report for whoever looks after them.

``check`` is given all articles and says what has expired or soon will, what is old and yet often cited, what its source
has no more, which articles say the same, which say different figures in nearly the same sentence, and which links lead
nowhere. Everything here is a hint for a person; nothing is changed.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from infra.knowledge.conflicts import conflicting_sentences
from infra.knowledge.formats import SUFFIXES
from skills.turn import ArticleId, Audience, Language

Kind = Literal["expired", "expiring", "stale", "missing", "duplicate", "conflict", "broken_link"]

KINDS: tuple[Kind, ...] = ("conflict", "expired", "expiring", "missing", "stale", "broken_link", "duplicate")
"""In the order in which a report has them: what can tell a customer something wrong comes first."""

_LINK = re.compile(r"(?<!!)\[[^\]\n]{0,300}\]\(\s*<?([^()\s<>]{1,2000})>?[^()\n]{0,200}\)")
_ABSOLUTE = re.compile(r"[a-z][a-z0-9+.-]*:|//|#|/", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Checked:
    """An article as the check sees it. ``cited`` is how often replies rested on it lately."""

    id: ArticleId
    source: str
    slug: str
    title: str
    body: str
    url: str | None
    language: Language
    audience: Audience
    effective_at: datetime | None
    expires_at: datetime | None
    updated_at: datetime
    missing_since: datetime | None
    cited: int


@dataclass(frozen=True, slots=True)
class Named:
    """Which article a finding is about."""

    id: ArticleId
    source: str
    slug: str
    title: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to look at: what it is, in which article, and against which other one."""

    kind: Kind
    article: Named
    detail: str
    other: Named | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CheckTerms:
    """From when on something is worth a look."""

    expiring: timedelta = timedelta(days=30)
    stale: timedelta = timedelta(days=365)
    cited: int = 5
    """Citations lately that make an old article worth a look."""
    similar: float = 0.75
    """Part of their words that two sentences share, figures aside, before different figures are a conflict."""


def check(
    articles: Sequence[Checked],
    duplicates: Sequence[tuple[ArticleId, ArticleId, float]],
    removed: Collection[str],
    now: datetime,
    terms: CheckTerms | None = None,
) -> list[Finding]:
    """Everything that is worth a look, the worst first.

    Args:
        articles: all there are.
        duplicates: pairs of articles with nearly the same passage, and its cosine.
        removed: addresses of articles that were removed.
        now: the time to compare with.
        terms: from when on something is worth a look.
    """
    terms = terms or CheckTerms()
    found = [
        *_dated(articles, now, terms),
        *_conflicting(articles, now, terms),
        *_doubled(articles, duplicates),
        *_leading_nowhere(articles, removed),
    ]
    return sorted(found, key=lambda one: (KINDS.index(one.kind), one.article.source, one.article.slug))


def _named(article: Checked) -> Named:
    return Named(article.id, article.source, article.slug, article.title)


def _dated(articles: Sequence[Checked], now: datetime, terms: CheckTerms) -> Iterator[Finding]:
    for article in articles:
        expires = article.expires_at
        if expires is not None and expires <= now:
            yield Finding("expired", _named(article), "nobody finds it any more", at=expires)
        elif expires is not None and expires <= now + terms.expiring:
            yield Finding("expiring", _named(article), "nobody will find it from then on", at=expires)
        if article.missing_since is not None:
            yield Finding("missing", _named(article), "its source has it no more", at=article.missing_since)
        if article.updated_at <= now - terms.stale and article.cited >= terms.cited:
            days = (now - article.updated_at).days
            detail = f"unchanged for {days:,} days, cited {article.cited:,} times lately"
            yield Finding("stale", _named(article), detail, at=article.updated_at)


def _conflicting(articles: Sequence[Checked], now: datetime, terms: CheckTerms) -> Iterator[Finding]:
    current = [article for article in articles if article.expires_at is None or article.expires_at > now]
    by_language: dict[Language, list[Checked]] = {}
    for article in current:
        by_language.setdefault(article.language, []).append(article)
    for group in by_language.values():
        for conflict in conflicting_sentences([article.body for article in group], similar=terms.similar):
            one, other = group[conflict.one], group[conflict.other]
            if _at_one_time(one, other):
                detail = f"“{conflict.sentence}” – “{conflict.other_sentence}”"  # noqa: RUF001 - a dash between two quotations
                yield Finding("conflict", _named(one), detail, other=_named(other))


def _at_one_time(one: Checked, other: Checked) -> bool:
    """Whether both hold on some day: a price until May and another one from June on are no conflict."""
    return not any(
        first.expires_at is not None and second.effective_at is not None and first.expires_at <= second.effective_at
        for first, second in ((one, other), (other, one))
    )


def _doubled(
    articles: Sequence[Checked], duplicates: Sequence[tuple[ArticleId, ArticleId, float]]
) -> Iterator[Finding]:
    known = {article.id: article for article in articles}
    for one, other, cosine in duplicates:
        if one in known and other in known and known[one].language == known[other].language:
            yield Finding("duplicate", _named(known[one]), f"similarity {cosine:.2f}", other=_named(known[other]))


def _leading_nowhere(articles: Sequence[Checked], removed: Collection[str]) -> Iterator[Finding]:
    files: dict[str, set[str]] = {}
    for article in articles:
        files.setdefault(article.source, set()).add(article.slug.partition("#")[0])
    gone = {url for url in removed if url} | {
        article.url for article in articles if article.url is not None and article.missing_since is not None
    }
    gone -= {article.url for article in articles if article.missing_since is None}
    for article in articles:
        for target in dict.fromkeys(_LINK.findall(article.body)):
            path = target.partition("#")[0]
            if _ABSOLUTE.match(target):
                if path in gone:
                    yield Finding("broken_link", _named(article), f"leads to {target}, which is gone")
                continue
            place = article.slug.partition("#")[0]
            file = posixpath.normpath(posixpath.join(posixpath.dirname(place), path))
            if (
                posixpath.splitext(file)[1].lower() in SUFFIXES
                and "://" not in place
                and file not in files[article.source]
            ):
                yield Finding("broken_link", _named(article), f"leads to {file}, which is not there")
