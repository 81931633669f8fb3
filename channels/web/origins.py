"""Which sites may embed the chat, and on which of them a request was made.

A browser says in ``Origin`` which site's script made a request, and a script can't change it. So a conversation belongs
to the origin that it was begun on: our own pages and clients that are no browser (API, app, curl) are one class,
``None``, for a browser leaves the header out when it reads from the page's own host; every other site is a class of its
own. The header protects customers from other sites' scripts, not from whoever has their token and no browser.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

_PORTS = {"http": 80, "https": 443}


def origin_of(text: str) -> str:
    """An origin as browsers write it: scheme and host, a port if it is not the scheme's own.

    Raises:
        ValueError: it is no origin: a pattern, a path, no scheme.
    """
    wrong = ValueError(f"{text!r} is no origin: write it like https://shop.example, without a path")
    try:
        parts = urlsplit(text.strip().removesuffix("/"))
        host, port = (parts.hostname or "").encode("idna").decode(), parts.port
    except ValueError:
        raise wrong from None
    plain = not (parts.path or parts.query or parts.fragment or parts.username or parts.password)
    if parts.scheme not in _PORTS or not host or not plain or set(host) & set("*% \\"):
        raise wrong
    name = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{name}" + ("" if port in {None, _PORTS[parts.scheme]} else f":{port}")


class Origins:
    """The origins that may embed the chat.

    Args:
        allowed: other sites' origins.
        public_url: our own address, when it can't be told from a request's ``Host``.
    """

    def __init__(self, allowed: Iterable[str] = (), public_url: str | None = None) -> None:
        self._allowed = frozenset(origin_of(origin) for origin in allowed)
        self._own = None
        if public_url is not None:
            parts = urlsplit(public_url)
            self._own = origin_of(f"{parts.scheme}://{parts.netloc}")

    def of(self, origin: str | None, host: str | None) -> str | None:
        """Where a request was made: ``None`` is here, on our own pages or outside a browser.

        Args:
            origin: its ``Origin``.
            host: its ``Host``.
        """
        if origin is None or origin == self._own:
            return None
        # Whoever ends TLS before us speaks plain HTTP to us: the scheme says nothing here.
        return None if host and origin.partition("://")[2] == host else origin

    def allows(self, origin: str | None) -> bool:
        """Whether the chat may be used there; ``origin`` is what ``of`` gave."""
        return origin is None or origin in self._allowed
