"""Signed requests to programs that want to be told, in the format of Standard Webhooks (standardwebhooks.com, v1).

The secret of an endpoint is derived, so none lies in the database. While it is changed two sign, and the receiver takes
either. An address is called only where it leads to a public network, or to one that the operator named; redirects are
not followed; what is answered is not read.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import ssl
import time
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from uuid import UUID

import httpcore

from infra.alerts.sending import Attempt, Never, NotYet, Told
from infra.knowledge.addresses import ForbiddenAddressError, GuardedNetwork, Network
from infra.knowledge.fetching import FetchError, checked_url
from skills.errors import BadRequestError

SECONDS = 10.0
"""All the time that a receiver has, from the connection to the status."""
PREFIX = "whsec_"
_GONE, _SLOW_DOWN, _TOO_EARLY, _TIMEOUT = 410, 429, 425, 408
_LONGEST_WAIT = 3600.0


def secret_of(key: bytes, endpoint: UUID, generation: int) -> bytes:
    """The secret that an endpoint's requests of this generation are signed with: 32 bytes."""
    return hmac.digest(key, f"{endpoint}:{generation}".encode(), "sha256")


def shown(secret: bytes) -> str:
    """A secret as libraries that check it take it."""
    return PREFIX + base64.b64encode(secret).decode()


def signed(secrets: Sequence[bytes], message_id: str, moment: int, body: bytes) -> Mapping[str, str]:
    """The headers that show who sends it, and when.

    Args:
        secrets: of the endpoint; each signs.
        message_id: the same for every attempt, so that the receiver takes it once.
        moment: of this attempt, in seconds since 1970.
        body: of the request.
    """
    text = f"{message_id}.{moment}.".encode() + body
    signatures = (base64.b64encode(hmac.digest(secret, text, hashlib.sha256)).decode() for secret in secrets)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(moment),
        "webhook-signature": " ".join(f"v1,{one}" for one in signatures),
    }


def address_of(url: str, *, insecure: bool) -> str:
    """The address as it is called.

    Args:
        url: as somebody typed it.
        insecure: whether ``http`` will do, for networks that the operator named.

    Raises:
        BadRequestError: it is none, has a password in it, or is not ``https``.
    """
    try:
        checked = checked_url(url)
    except FetchError as error:
        raise BadRequestError(str(error), hint="write it like https://hooks.example/csagent") from None
    if not checked.startswith("https://") and not insecure:
        raise BadRequestError(
            "a webhook's address begins with https://",
            hint="http:// only inside of networks that CSAGENT_ALERTS__PRIVATE_NETWORKS names",
        )
    return checked


class Webhooks:
    """Calls endpoints.

    Args:
        networks: private ones that may be called.
        seconds: that a receiver has.
        context: what its certificate is checked against; the world's authorities otherwise.
    """

    def __init__(
        self, networks: Sequence[Network] = (), *, seconds: float = SECONDS, context: ssl.SSLContext | None = None
    ) -> None:
        self._networks = networks
        self._seconds = seconds
        self._context = context

    async def post(self, url: str, message_id: str, content: object, secrets: Sequence[bytes]) -> Attempt:
        """Tell one endpoint one thing."""
        body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
        headers = {
            "content-type": "application/json",
            "user-agent": "csagent",
            **signed(secrets, message_id, int(time.time()), body),
        }
        try:
            async with asyncio.timeout(self._seconds * 2):  # a resolver that hangs has no deadline of ours
                return await asyncio.to_thread(self._post, url, headers, body)
        except TimeoutError:
            return NotYet("timeout")

    def _post(self, url: str, headers: Mapping[str, str], body: bytes) -> Attempt:
        if self._context is None:
            self._context = httpcore.default_ssl_context()
        network = GuardedNetwork(self._networks)
        network.deadline = time.monotonic() + self._seconds
        times = dict.fromkeys(("connect", "read", "write", "pool"), self._seconds)
        try:
            with (
                httpcore.ConnectionPool(network_backend=network, ssl_context=self._context) as pool,
                pool.stream(
                    "POST", url, headers=[*headers.items()], content=body, extensions={"timeout": times}
                ) as answer,
            ):
                told = {name.lower(): value for name, value in answer.headers}
                return judged(answer.status, told.get(b"retry-after", b"").decode("latin-1"))
        except ForbiddenAddressError:
            return NotYet("not_a_public_address")
        except httpcore.TimeoutException:
            return NotYet("timeout")
        except (httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError, OSError):
            return NotYet("unreachable")


def judged(status: int, retry_after: str = "") -> Attempt:
    """What an answer means: 2xx is told, 410 asks never to be told again, everything else may do another time."""
    if 200 <= status < 300:  # noqa: PLR2004 - HTTP's numbers
        return Told()
    if status == _GONE:
        return Never("gone", gone=True)
    busy = status >= 500 or status in {_SLOW_DOWN, _TIMEOUT, _TOO_EARLY}  # noqa: PLR2004 - as above
    return NotYet(f"http_{status}", _wait(retry_after) if busy else 0.0, down=busy)


def _wait(retry_after: str) -> float:
    """Seconds that the header asks for, an hour at most."""
    try:
        seconds = float(retry_after) if retry_after.strip().isdigit() else _until(retry_after)
    except (ValueError, TypeError, OverflowError):
        return 0.0
    return min(max(seconds, 0.0), _LONGEST_WAIT)


def _until(text: str) -> float:
    return parsedate_to_datetime(text).timestamp() - time.time()
