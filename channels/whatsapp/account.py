"""Our account at Twilio, and the SDK's client for it over our own HTTP.

The SDK takes any HTTP client but no base URL, and its own ones don't serve here: the asynchronous one opens a session
when it is made and forgets its timeout, both write customers' numbers to the log, and their errors don't tell whether a
request had left. So requests go through httpx, whose errors do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
from twilio.http import AsyncHttpClient
from twilio.http.response import Response
from twilio.rest import Client

TIMEOUT = httpx.Timeout(10, connect=4, pool=4)
"""Seconds for each step of a request."""

NEVER_LEFT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)
"""No connection, no name, no TLS, no room in the pool, no address: nobody at Twilio saw the request."""

SHORTEST_REST, LONGEST_REST = 1.0, 300.0
"""Seconds that we keep quiet after "too many requests", whatever the answer asks for."""
_TOO_MANY = 429

_NO_ENVIRONMENT = {"TWILIO_EDGE": ""}
"""The SDK reads the process's environment unless it gets another, and takes an empty one for none."""


class TooManyRequestsError(Exception):
    """Twilio took nothing, for we ask too much: ``seconds`` says for how long, ``code`` in Twilio's own words."""

    def __init__(self, code: object, seconds: float) -> None:
        super().__init__("too many requests")
        self.code = code
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Account:
    """Who we are at Twilio."""

    sid: str
    secret: str = field(repr=False)
    username: str | None = None
    """An API key's SID; the account's own if ``None``, then the secret is its auth token."""
    base_url: str | None = None
    """Where Twilio is instead of ``https://api.twilio.com``: the emulator, or a gateway."""

    @property
    def api_url(self) -> str:
        """Scheme and host of the API."""
        return (self.base_url or "https://api.twilio.com").rstrip("/")

    def messages(self, http: httpx.AsyncClient) -> Any:
        """The SDK's list of messages, for its asynchronous methods only. Whoever made ``http`` closes it.

        The first call imports a large part of the SDK, which takes a second: make it before the first message waits.
        """
        client = Client(
            self.username or self.sid,
            self.secret,
            self.sid,
            http_client=_Transport(http, self.api_url),
            environment=_NO_ENVIRONMENT,
        )
        return client.messages


class _Transport(AsyncHttpClient):  # type: ignore[misc]  # untyped, see above
    """The SDK's port for HTTP, on httpx."""

    def __init__(self, http: httpx.AsyncClient, api_url: str) -> None:
        self.is_async = True
        self._http = http
        self._api_url = api_url

    async def request(
        self,
        method: str,
        uri: str,
        params: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the SDK's signature
        allow_redirects: bool = False,
    ) -> Response:
        answer = await self._http.request(
            method,
            self._placed(uri),
            params=params or None,
            data=data or None,
            headers=headers,
            auth=auth,
            timeout=TIMEOUT if timeout is None else timeout,
            follow_redirects=allow_redirects,
        )
        if answer.status_code == _TOO_MANY:
            raise TooManyRequestsError(_code(answer), _rest(answer.headers.get("Retry-After", "")))
        return Response(answer.status_code, answer.text, answer.headers)

    def _placed(self, uri: str) -> str:
        _, _, path, query, _ = urlsplit(uri)
        return self._api_url + urlunsplit(("", "", path, query, ""))


def _code(answer: httpx.Response) -> object:
    try:
        said = answer.json()
    except ValueError:
        return None
    return said.get("code") if isinstance(said, dict) else None


def _rest(asked: str) -> float:
    """What ``Retry-After`` asks for, within reason; Twilio gives seconds, where it gives any."""
    seconds = float(asked) if asked.isascii() and asked.isdigit() else SHORTEST_REST
    return min(max(seconds, SHORTEST_REST), LONGEST_REST)
