"""Reads articles from an address: one page or file, or every page that a sitemap lists.

Only what the operator named is asked: the page itself, or the sitemap and pages on the sitemap's own host. What a
server says of a page (ETag, Last-Modified) is told it again the next time, so that what has not changed is not sent
again.
"""

from __future__ import annotations

import codecs
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from infra.knowledge.fetching import Fetched, Fetcher, FetchError, Validators, checked_url
from infra.knowledge.formats import MEDIA_TYPES, SUFFIXES, read_file
from infra.knowledge.mapping import EntryMapping
from infra.knowledge.origin import Found, Origin, UnreadableFileError
from infra.knowledge.passages import SPLITTING
from infra.knowledge.reading import Reading, sorted_out
from infra.knowledge.sitemap import is_sitemap, parse_sitemap
from skills.errors import KnowledgeFileError
from skills.turn import Audience, Language

_MOST_SITEMAPS = 100
"""Sitemaps that an index may lead to, itself included."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class CrawlTerms:
    """Which pages are taken, and what holds of articles that do not say so themselves."""

    language: Language | None = None
    audience: Audience = "public"
    effective: datetime | None = None
    expires: datetime | None = None
    mapping: EntryMapping | None = None
    include: tuple[str, ...] = ()
    """Patterns of addresses (``*/help/*``); of a sitemap's pages only those that fit one are taken."""
    exclude: tuple[str, ...] = ()
    """Those that fit one of these are not."""
    most: int = 1_000
    """Pages of a sitemap."""

    @property
    def hash(self) -> bytes:
        """SHA-256 of everything that makes other articles of the same page."""
        dates = [None if at is None else at.isoformat() for at in (self.effective, self.expires)]
        parts = [SPLITTING, self.language, self.audience, *dates, repr(self.mapping)]
        return hashlib.sha256(json.dumps(parts).encode()).digest()


@dataclass(frozen=True, slots=True)
class Crawled:
    """The articles of an address, and what its server said of each page."""

    reading: Reading
    validators: Mapping[str, Validators]
    """By page; of those that were read or have not changed."""
    left_out: int
    """Pages of the sitemap beyond the most that are taken."""


@dataclass(slots=True)
class Crawler:
    """Reads one address.

    Args:
        fetcher: what fetches.
        terms: which pages are taken, and how.
        known: what servers said of pages that are stored under the same terms.
        progress: told the pages that are done and all there are.
    """

    fetcher: Fetcher
    terms: CrawlTerms = field(default_factory=CrawlTerms)
    known: Mapping[str, Validators] = field(default_factory=dict)
    progress: Progress | None = None

    def read(self, url: str, source: str | None = None) -> Crawled:
        """Every article at an address.

        Raises:
            KnowledgeFileError: the address itself can't be fetched, or is a sitemap that can't be read.
        """
        url = checked_url(url)
        name = source or url
        first = self.fetcher.fetch(url, self.known.get(url))
        if first.data is not None and is_sitemap(first.data):
            pages, unread = self._pages_of_sitemap(url, first, name)
            found: list[Found] = list(unread)
        else:
            pages, found = [url], []
        taken = pages[: self.terms.most]
        unchanged: list[str] = []
        validators: dict[str, Validators] = {}
        for number, page in enumerate(taken, start=1):
            origin = self._origin(name, page)
            try:
                fetched = first if page == url else self.fetcher.fetch(page, self.known.get(page), same_host=True)
                if fetched.data is None:
                    unchanged.append(page)
                    validators[page] = self.known[page]
                else:
                    found.extend(self._articles(fetched, fetched.data, origin))
                    validators[page] = fetched.validators
            except FetchError as error:
                if page == url:
                    raise
                if not error.gone:  # what is gone is missing, not broken
                    found.append(origin.problem(error))
            except UnreadableFileError as problem:
                found.append(problem)
            except KnowledgeFileError as error:
                found.append(origin.problem(error))
            if self.progress is not None:
                self.progress(number, len(taken))
        articles, problems = sorted_out(found)
        broken = {problem.file for problem in problems}
        return Crawled(
            Reading(name, articles, problems, (), location=url, unchanged=(*unchanged, *pages[len(taken) :])),
            {page: told for page, told in validators.items() if page not in broken},
            len(pages) - len(taken),
        )

    def _articles(self, fetched: Fetched, data: bytes, origin: Origin) -> Iterator[Found]:
        by_name = PurePosixPath(urlsplit(fetched.url).path).suffix.lower()
        suffix = MEDIA_TYPES.get(fetched.media_type)
        if by_name in SUFFIXES and (suffix is None or suffix in {".txt", ".json"}) and fetched.media_type in _VAGUE:
            suffix = by_name  # servers call Markdown and CSV plain text, and everything a stream of bytes
        if suffix is None:
            raise origin.problem(
                f"is of the type {fetched.media_type or 'nothing'!r}",
                hint=f"readable are {', '.join(sorted(SUFFIXES))}",
            )
        yield from read_file(_as_utf8(data, fetched.charset), suffix, origin, self.terms.mapping)

    def _pages_of_sitemap(self, url: str, first: Fetched, source: str) -> tuple[list[str], list[UnreadableFileError]]:
        """The pages that a sitemap and those it lists lead to, on its own host."""
        if urlsplit(first.url).netloc != urlsplit(url).netloc:
            raise FetchError("redirects to a sitemap on another host", hint=f"name {first.url}")
        pages: dict[str, None] = {}
        problems: list[UnreadableFileError] = []
        waiting = [parse_sitemap(first.data or b"")]
        seen = {url}
        while waiting:
            sitemap = waiting.pop(0)
            for address in _same_host(url, sitemap.addresses):
                if sitemap.kind == "pages":
                    if self._wanted(address):
                        pages[address] = None
                elif address not in seen and len(seen) < _MOST_SITEMAPS:
                    seen.add(address)
                    try:
                        waiting.append(parse_sitemap(self.fetcher.fetch(address, same_host=True).data or b""))
                    except KnowledgeFileError as error:
                        problems.append(self._origin(source, address).problem(error))
        return list(pages), problems

    def _wanted(self, address: str) -> bool:
        include, exclude = self.terms.include, self.terms.exclude
        return (not include or _fits(address, include)) and not _fits(address, exclude)

    def _origin(self, source: str, page: str) -> Origin:
        terms = self.terms
        return Origin(source, page, terms.language, terms.audience, terms.effective, terms.expires, url=page)


_CHARSETS = frozenset({
    "iso8859-1", "iso8859-2", "iso8859-15", "cp1250", "cp1251", "cp1252", "koi8-r", "shift_jis", "euc_jp", "gb2312",
    "gbk", "gb18030", "big5", "euc_kr",
})  # fmt: skip
"""Encodings of pages that are not UTF-8, as Python calls them."""

_VAGUE = frozenset({"", "text/plain", "application/octet-stream", "binary/octet-stream"})


def _as_utf8(data: bytes, charset: str) -> bytes:
    """A page in another encoding as UTF-8; as it is when its server names none of those that are known."""
    try:
        name = codecs.lookup(charset).name if charset else ""
        # What is called Latin-1 on the web is Windows' form of it.
        return data.decode("cp1252" if name == "iso8859-1" else name).encode() if name in _CHARSETS else data
    except (LookupError, ValueError):
        return data


def _fits(address: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(address, pattern) for pattern in patterns)


def _same_host(url: str, addresses: Sequence[str]) -> Iterator[str]:
    host = urlsplit(url).netloc
    for address in addresses:
        try:
            checked = checked_url(address)
        except FetchError:
            continue
        if urlsplit(checked).netloc == host:
            yield checked
