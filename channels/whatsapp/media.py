"""Fetches what customers send beside their words.

Twilio answers a media address with a redirect to a store. Our credentials go to Twilio's own host and nowhere else: the
store refuses them, and any other host must not learn them.
"""

from __future__ import annotations

import asyncio

import httpx

from channels.whatsapp.account import Account
from channels.whatsapp.inbound import MediaReference
from skills.errors import InvalidMessageError, NotFoundError, ProviderUnavailableError

MAX_BYTES = 16 * 1024 * 1024
"""WhatsApp's largest file."""
_MOST_REDIRECTS = 3


class TooLargeError(InvalidMessageError):
    """A file is larger than what is taken."""

    reason = "too_large"


class StrangeAddressError(InvalidMessageError):
    """A file is not where Twilio's files are, and nothing was fetched from there."""

    reason = "strange_address"


class MediaFetch:
    """Fetches files.

    Args:
        account: ours at Twilio.
        http: carries the requests; closed by whoever made it.
        max_bytes: what is larger is refused, whatever its headers say.
        deadline: seconds for one file.
    """

    def __init__(
        self, account: Account, http: httpx.AsyncClient, *, max_bytes: int = MAX_BYTES, deadline: float = 60.0
    ) -> None:
        self._api = httpx.URL(account.api_url)
        self._auth = httpx.BasicAuth(account.username or account.sid, account.secret)
        self._http = http
        self._max_bytes = max_bytes
        self._deadline = deadline

    async def fetch(self, reference: MediaReference) -> bytes:
        """The file, as ``fetch_from`` gets it. What it is, is for its content to say."""
        return await self.fetch_from(reference.url)

    async def fetch_from(self, address: str) -> bytes:
        """The file at one of Twilio's addresses for media.

        Raises:
            TooLargeError: it is larger than what is taken.
            StrangeAddressError: its address is not Twilio's, or leads to one without TLS.
            NotFoundError: Twilio has it no more.
            ProviderUnavailableError: it can't be had now; trying again may help.
        """
        try:
            async with asyncio.timeout(self._deadline):
                return await self._follow(httpx.URL(address))
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise ProviderUnavailableError(f"a file at Twilio can't be had: {type(error).__name__}") from error

    async def _follow(self, url: httpx.URL) -> bytes:
        if _origin(url) != _origin(self._api):
            raise StrangeAddressError("a file's address is not Twilio's", hint="nothing was fetched from it")
        for _ in range(_MOST_REDIRECTS + 1):
            auth = self._auth if _origin(url) == _origin(self._api) and "/Media/" in url.path else None
            async with self._http.stream("GET", url, auth=auth, follow_redirects=False) as answer:
                if not answer.has_redirect_location:
                    return await self._content(answer)
                url = url.join(answer.headers["Location"])
            if url.scheme not in {"https", self._api.scheme}:
                raise StrangeAddressError("a file at Twilio leads to an address without TLS", hint="it was not fetched")
        raise ProviderUnavailableError("a file at Twilio leads from address to address")

    async def _content(self, answer: httpx.Response) -> bytes:
        if answer.status_code in {httpx.codes.NOT_FOUND, httpx.codes.GONE}:
            raise NotFoundError("Twilio has that file no more")
        if answer.status_code != httpx.codes.OK:
            raise ProviderUnavailableError(f"a file at Twilio can't be had: it answered {answer.status_code}")
        content = bytearray()
        async for chunk in answer.aiter_bytes():
            content += chunk
            if len(content) > self._max_bytes:
                raise TooLargeError(
                    "a file is too large", hint=f"up to {self._max_bytes // (1024 * 1024)} MB are taken"
                )
        return bytes(content)


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port
