"""The token on a push of Pub/Sub: Google signed it, for us, on behalf of our own subscription, and it is still good.

Google signs tokens for everybody: that one is valid proves nothing. What counts is the audience, the issuer and the
service account that the operator gave the subscription. google-auth checks signature, time and audience, and takes any
issuer. A token that is seen twice is no forgery: Pub/Sub uses one for an hour, and a push changes nothing by itself.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
from google.auth.transport import Request
from google.oauth2 import id_token

from skills.errors import BadRequestError, ProviderUnavailableError

CERTS = "https://www.googleapis.com/oauth2/v3/certs"

_ISSUERS = frozenset({"accounts.google.com", "https://accounts.google.com"})
_KEPT = 3_600.0
"""Seconds for which keys are kept; Google changes them every few days."""
_AGAIN = 10.0
"""Seconds between looks for a key that is not known: a forger can name as many as they like."""
_MAX_TOKEN = 8_192


class ForgedPushError(BadRequestError):
    """That push is not from our subscription."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a true token says."""

    audience: str
    account: str
    """The mail address of the service account that the subscription signs with."""


class PushTokens:
    """Checks tokens.

    Args:
        expected: what a true one says.
        certs_url: where Google's public keys are.
        clock: seconds, for how long keys are kept.
    """

    def __init__(
        self, expected: Expected, *, certs_url: str = CERTS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._expected = expected
        self._certs_url = certs_url
        self._clock = clock
        self._lock = asyncio.Lock()
        self._certs: bytes | None = None
        self._fetched = 0.0

    async def check(self, token: str) -> None:
        """See that a token is true.

        Raises:
            ForgedPushError: it is not.
            ProviderUnavailableError: Google's keys can't be had at the moment.
        """
        if len(token) > _MAX_TOKEN:
            raise ForgedPushError
        if self._certs is None or self._clock() - self._fetched > _KEPT:
            await self._fetch(self._fetched)
        claims = self._claims(token)
        if claims is None and self._clock() - self._fetched > _AGAIN:
            await self._fetch(self._fetched)  # Google may have a new key
            claims = self._claims(token)
        if claims is None or not self._is_ours(claims):
            raise ForgedPushError

    def _is_ours(self, claims: dict[str, Any]) -> bool:
        return (
            claims.get("iss") in _ISSUERS
            and "exp" in claims
            and claims.get("email") == self._expected.account
            and claims.get("email_verified") is True
        )

    def _claims(self, token: str) -> dict[str, Any] | None:
        try:
            return dict(
                id_token.verify_token(token, _Kept(self._certs or b"{}"), self._expected.audience, self._certs_url)
            )
        except Exception:  # noqa: BLE001 - whatever the libraries raise over what a stranger sent, it is no token
            return None

    async def _fetch(self, seen: float) -> None:
        async with self._lock:
            if self._certs is not None and self._fetched != seen:
                return  # somebody else has just done it
            try:
                async with httpx.AsyncClient(timeout=5.0) as http:
                    answer = await http.get(self._certs_url)
                    answer.raise_for_status()
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise ProviderUnavailableError(
                    f"Google's public keys can't be had ({type(error).__name__})", hint="CSAGENT_GMAIL__CERTS_URL"
                ) from None
            self._certs, self._fetched = answer.content, self._clock()


class _Kept(Request):
    """google-auth's way to ask for the keys, which has them already."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.status = 200

    def __call__(self, *_: Any, **__: Any) -> _Kept:
        return self
