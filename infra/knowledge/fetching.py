"""Fetches pages that an operator named: slowly, within limits, and never from where it must not.

Every hop of a redirect is checked like the first address: its scheme, its robots.txt, and where its name leads
(``infra.knowledge.addresses``). Bodies are unpacked here, bit by bit, so that a small answer can't become a huge one.
Proxies of the environment are not used: behind one, nobody could say which address is asked.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from urllib.parse import urljoin, urlsplit, urlunsplit

import httpcore

from infra.knowledge.addresses import GuardedNetwork
from infra.knowledge.formats import LARGEST_FILE
from infra.knowledge.robots import Robots, parse_robots
from skills.errors import KnowledgeFileError

AGENT = "csagent"
"""How robots.txt may call us."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_NOT_MODIFIED = 304
_CHUNK = 64 * 1024
_LONGEST_URL = 2_000
_LARGEST_ROBOTS = 512 * 1024
"""Bytes that are read of one (RFC 9309 asks for 500 KiB at least); what follows them is left."""
_LONGEST_PAUSE = 10.0
"""Seconds between two requests, whatever a robots.txt asks for."""


class FetchError(KnowledgeFileError):
    """That page can't be fetched."""

    def __init__(self, message: str, *, hint: str | None = None, gone: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.gone = gone
        """The server says that there is no such page."""


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """What one page may take."""

    seconds: float = 30.0
    """In all, redirects included."""
    read_seconds: float = 10.0
    """Between two pieces of the answer."""
    size: int = LARGEST_FILE
    """Bytes, unpacked."""
    redirects: int = 5
    pause: float = 0.5
    """Seconds between two requests to one host."""


@dataclass(frozen=True, slots=True)
class Validators:
    """What a server said of a page, to be told again the next time: the values of ETag and Last-Modified."""

    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """A page. ``data`` is ``None`` when it has not changed since the validators were given."""

    url: str
    """Where it was found in the end."""
    data: bytes | None
    media_type: str
    charset: str
    """The encoding that the server names, in lower case; empty when it names none."""
    validators: Validators


@dataclass(slots=True)
class Fetcher:
    """Fetches one page at a time. Not for several threads.

    Args:
        network: what opens the connections.
        limits: what a page may take.
        sleep: waits between two requests to a host.
        clock: seconds that never go back.
    """

    network: GuardedNetwork
    limits: FetchLimits = field(default_factory=FetchLimits)
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    _pool: httpcore.ConnectionPool = field(init=False)
    _robots: dict[str, Robots] = field(init=False, default_factory=dict)
    _asked: dict[str, float] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._pool = httpcore.ConnectionPool(network_backend=self.network, max_connections=4, keepalive_expiry=30.0)

    def close(self) -> None:
        """Hang up everywhere."""
        self._pool.close()

    def fetch(self, url: str, known: Validators | None = None, *, same_host: bool = False) -> Fetched:
        """Fetch a page, following redirects.

        Args:
            url: ``http`` or ``https``.
            known: what the server said of it the last time.
            same_host: a redirect to another host is an error, and that host is not asked.

        Raises:
            FetchError: it is not there, too large, too slow, forbidden by robots.txt, or the server fails.
            ForbiddenAddressError: it leads to an address that is not public.
        """
        deadline = time.monotonic() + self.limits.seconds
        url = checked_url(url)
        first_host = urlsplit(url).netloc
        for _ in range(self.limits.redirects + 1):
            host = urlsplit(url).netloc
            if same_host and host != first_host:
                raise FetchError(f"redirects to another host, {host}", hint="name the address where it ends by itself")
            if not self._robots_of(url).allows(url):
                raise FetchError(
                    "its robots.txt asks us not to fetch it, or can't be read", hint="ask whoever runs the site"
                )
            self.network.deadline = deadline
            with self._asking(url, known) as (status, headers, chunks):
                if status in _REDIRECTS and "location" in headers:
                    url = _redirected(url, headers["location"])
                    continue
                if status == _NOT_MODIFIED and (known is None or known == Validators()):
                    raise FetchError("the server says that it is unchanged, unasked", hint="try again later")
                return self._answer(url, status, headers, chunks)
        raise FetchError(f"redirects more than {self.limits.redirects} times", hint="name the address where it ends")

    def _answer(self, url: str, status: int, headers: Mapping[str, str], chunks: Iterator[bytes]) -> Fetched:
        validators = Validators(headers.get("etag"), headers.get("last-modified"))
        media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        charset = _charset(headers.get("content-type", ""))
        if status == _NOT_MODIFIED:
            return Fetched(url, None, media_type, charset, validators)
        if status != 200:  # noqa: PLR2004 - HTTP's number
            gone = status in {404, 410}
            raise FetchError(
                f"the server answers {status}", hint="check the address" if gone else "try again later", gone=gone
            )
        data = b"".join(unpacked(chunks, headers.get("content-encoding", ""), self.limits.size))
        return Fetched(url, data, media_type, charset, validators)

    @contextmanager
    def _asking(
        self, url: str, known: Validators | None = None
    ) -> Iterator[tuple[int, dict[str, str], Iterator[bytes]]]:
        self._wait_for_turn(url)
        headers = [
            (b"User-Agent", b"csagent (help articles for customer support)"),
            (b"Host", urlsplit(url).netloc.encode()),
            (b"Accept", b"text/html, text/plain;q=0.9, */*;q=0.5"),
            (b"Accept-Encoding", b"gzip"),
        ]
        if known is not None and known.etag:
            headers.append((b"If-None-Match", known.etag.encode("latin-1", "ignore")))
        if known is not None and known.last_modified:
            headers.append((b"If-Modified-Since", known.last_modified.encode("latin-1", "ignore")))
        times = dict.fromkeys(("connect", "read", "write", "pool"), self.limits.read_seconds)
        try:
            with self._pool.stream("GET", url.encode(), headers=headers, extensions={"timeout": times}) as response:
                told = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
                yield response.status, told, response.iter_stream()
        except httpcore.TimeoutException:
            raise FetchError(f"did not answer within {self.limits.seconds:g} s", hint="try again later") from None
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol) as error:
            raise FetchError(
                f"can't be fetched: {str(error) or type(error).__name__}", hint="check the address"
            ) from None
        finally:
            self._asked[urlsplit(url).netloc] = self.clock()

    def _wait_for_turn(self, url: str) -> None:
        host = urlsplit(url).netloc
        robots = self._robots.get(_origin(url))
        pause = max(self.limits.pause, min(robots.delay if robots else 0.0, _LONGEST_PAUSE))
        left = self._asked.get(host, float("-inf")) + pause - self.clock()
        if left > 0:
            self.sleep(left)

    def _robots_of(self, url: str) -> Robots:
        origin = _origin(url)
        if origin not in self._robots:
            self._robots[origin] = Robots.everything()  # what stays if the request fails; it is not asked about itself
            self._robots[origin] = self._fetch_robots(origin)
        return self._robots[origin]

    def _fetch_robots(self, origin: str) -> Robots:
        """A site's rules (RFC 9309): where there are none all is allowed; while the server fails, nothing is."""
        url = f"{origin}/robots.txt"
        self.network.deadline = time.monotonic() + self.limits.seconds
        for _ in range(self.limits.redirects + 1):
            with self._asking(url) as (status, headers, chunks):
                if status in _REDIRECTS and "location" in headers:
                    url = _redirected(url, headers["location"])
                    continue
                if status == 200:  # noqa: PLR2004 - HTTP's number
                    return parse_robots(_beginning(chunks, headers.get("content-encoding", "")), AGENT)
                return Robots.nothing() if 400 <= status < 500 else Robots.everything()  # noqa: PLR2004 - as above
        return Robots.nothing()


def checked_url(url: str) -> str:
    """The address without its fragment, its letters as a request writes them.

    Raises:
        FetchError: it is not ``http`` or ``https``, has a password in it, or is no address at all.
    """
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        raise FetchError(f"{url[:200]!r} is not a web address", hint="begin it with https://") from None
    if parts.scheme not in {"http", "https"} or not host or len(url) > _LONGEST_URL:
        raise FetchError(f"{url[:200]!r} is not a web address", hint="begin it with https://")
    if parts.username is not None or parts.password is not None:
        raise FetchError("the address has a name or password in it", hint="pages behind a login can't be fetched")
    try:
        name = host if ":" in host else host.encode("idna").decode()
    except UnicodeError:
        raise FetchError(f"{host!r} is not a host", hint="check the address") from None
    place = f"[{name}]" if ":" in name else name
    netloc = place if port is None else f"{place}:{port}"
    return urlunsplit((parts.scheme, netloc, _escaped(parts.path) or "/", _escaped(parts.query), ""))


def _charset(content_type: str) -> str:
    told = Message()
    told["Content-Type"] = content_type
    try:
        return str(told.get_param("charset") or "").lower()
    except ValueError:  # a part of it is numbered beyond what can be read
        return ""


def _redirected(url: str, location: str) -> str:
    """Where a redirect leads, as ``checked_url`` has it."""
    try:
        return checked_url(urljoin(url, location))
    except ValueError:
        raise FetchError(f"redirects to {location[:200]!r}, which is not a web address") from None


def _beginning(chunks: Iterator[bytes], encoding: str) -> str:
    """A robots.txt as far as it is read, without a line that was cut: half of a rule would be another rule."""
    data = bytearray()
    for piece in _inflated(chunks, encoding.strip().lower(), _LARGEST_ROBOTS):
        data += piece
        if len(data) > _LARGEST_ROBOTS:
            lines = data[:_LARGEST_ROBOTS].decode("utf-8", "replace").splitlines()
            return "\n".join(lines[:-1])
    return data.decode("utf-8", "replace")


def unpacked(chunks: Iterator[bytes], encoding: str, most: int) -> Iterator[bytes]:
    """An answer's bytes, unpacked as they come; never more than ``most``.

    Raises:
        FetchError: there are more, or they are packed in a way that we did not ask for.
    """
    size = 0
    for piece in _inflated(chunks, encoding.strip().lower(), most):
        size += len(piece)
        if size > most:
            raise FetchError(f"is larger than {most / 1_048_576:g} MB", hint="leave it out, or split it")
        yield piece


def _inflated(chunks: Iterator[bytes], encoding: str, most: int) -> Iterator[bytes]:
    if encoding in {"", "identity"}:
        yield from chunks
        return
    if encoding not in {"gzip", "x-gzip"}:
        raise FetchError(f"is packed as {encoding[:40]!r}", hint="let the server send it unpacked")
    inflate = zlib.decompressobj(wbits=31)
    began = False
    try:
        for chunk in chunks:
            if inflate.eof:
                break  # what follows the end is not ours to keep
            began, waiting = True, chunk
            # Asked until nothing comes: all may be taken in while some still waits to be given out.
            while piece := inflate.decompress(waiting, min(_CHUNK, most + 1)):
                yield piece
                waiting = inflate.unconsumed_tail
    except zlib.error:
        raise FetchError("is packed wrongly", hint="the server has to mend that") from None
    if began and not inflate.eof:
        raise FetchError("is packed, and was cut off", hint="try again later")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _escaped(text: str) -> str:
    """A path or query with everything written as a request has to, and what was so left as it is."""
    return "".join(
        letter
        if " " < letter < "\x7f" and letter not in '"<>\\^`{|}'
        else "".join(f"%{byte:02X}" for byte in letter.encode("utf-8", "replace"))
        for letter in text
    )
