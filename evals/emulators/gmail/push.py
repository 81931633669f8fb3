"""Pub/Sub: tells an endpoint that the mailbox changed, at least once, in no promised order, until it says 2xx.

Each delivery carries a token that Google signed for the subscription's service account (OpenID Connect). The endpoint's
own verification runs against ``/oauth2/v3/certs``, where the public keys are served.

What lies here is gone when the emulator ends, as what Pub/Sub holds is when a subscription is deleted.
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Condition
from typing import Any, Literal, assert_never

import httpx

from evals.emulators.gmail.signing import SigningKey, unsigned

_ACKNOWLEDGED = frozenset({102, 200, 201, 202, 204})
_ISSUER = "https://accounts.google.com"
_LIFETIME = 3_600

Bad = Literal[
    "wrong audience", "wrong issuer", "expired", "forged", "unsigned", "missing", "unverified", "another account"
]
"""What can be wrong with a delivery's token."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """Where the pushes go.

    Args:
        endpoint: the URL.
        audience: that the tokens are made for; the endpoint's URL unless given, as with Pub/Sub.
        account: whose tokens they are.
        name: of the subscription.
        backoff: the first and the longest pause before another try, in seconds (Pub/Sub: 10 and 600).
        deadline: how long one try may take, in seconds.
    """

    endpoint: str
    audience: str = ""
    account: str = "pushes@emulated.iam.gserviceaccount.com"
    name: str = "projects/emulated/subscriptions/gmail"
    backoff: tuple[float, float] = (0.05, 1.0)
    deadline: float = 10.0


@dataclass(frozen=True, slots=True)
class Deliver:
    """Deliver, so many times, after so many seconds."""

    times: int = 1
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Lose:
    """Never deliver it."""


@dataclass(frozen=True, slots=True)
class Overtake:
    """Keep it until the next one has been delivered."""


Way = Deliver | Lose | Overtake


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try. ``status`` is ``None`` when no answer came; ``bad`` what was wrong with the token, on purpose."""

    message_id: str
    history_id: int
    status: int | None
    at: float
    bad: Bad | None = None


@dataclass(frozen=True, slots=True)
class _Notice:
    id: str
    history_id: int
    body: Mapping[str, Any] = field(repr=False)


class PubSub:
    """One topic with at most one subscription. Its methods may be called from any thread, but for the coroutines.

    Args:
        address: the mailbox that is told of.
        news: told of every try.
    """

    def __init__(self, address: str, news: Condition) -> None:
        self.topic = "projects/emulated/topics/gmail"
        self.subscription: Subscription | None = None
        self.keys = [SigningKey()]
        """Google's keys: the last one signs, all are served."""
        self._address = address
        self._news = news
        self._ways: deque[Way] = deque()
        self._kept: list[_Notice] = []
        self._attempts: list[Attempt] = []
        self._count = 0
        self._forger: SigningKey | None = None

    @property
    def attempts(self) -> list[Attempt]:
        """Every try so far."""
        with self._news:
            return list(self._attempts)

    def next(self, *ways: Way) -> None:
        """How the next notices go, one each."""
        self._ways.extend(ways)

    def rotate_keys(self) -> None:
        """Google signs with a new key from now on, and serves the old one too."""
        self.keys.append(SigningKey())

    def certs(self) -> dict[str, Any]:
        """The JWKS."""
        return {"keys": [key.jwk for key in self.keys]}

    def publish(self, history_id: int, tasks: set[asyncio.Task[None]]) -> None:
        """Tell of a change. To be called in the loop; ``tasks`` holds what it begins."""
        if self.subscription is None:
            return
        way = self._ways.popleft() if self._ways else Deliver()
        notice = self._notice(history_id, self.subscription)
        match way:
            case Lose():
                return
            case Overtake():
                self._kept.append(notice)
                return
            case Deliver(times, seconds):
                overtaken, self._kept = self._kept, []
                task = asyncio.get_running_loop().create_task(
                    self._deliver([*[notice] * times, *overtaken], seconds, self.subscription)
                )
                tasks.add(task)
                task.add_done_callback(tasks.discard)
            case _:
                assert_never(way)

    async def forge(self, bad: Bad, history_id: int, subscription: Subscription) -> Attempt:
        """Deliver one notice with a token that must not be believed, once."""
        notice = self._notice(history_id, subscription)
        async with _client(subscription) as client:
            return await self._try(client, notice, subscription, bad)

    async def _deliver(self, notices: list[_Notice], seconds: float, subscription: Subscription) -> None:
        await asyncio.sleep(seconds)
        async with _client(subscription) as client:
            for notice in notices:
                pause, longest = subscription.backoff
                while (await self._try(client, notice, subscription, None)).status not in _ACKNOWLEDGED:
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, longest)

    async def _try(
        self, client: httpx.AsyncClient, notice: _Notice, subscription: Subscription, bad: Bad | None
    ) -> Attempt:
        token = self._token(subscription, bad)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            answer = await client.post(subscription.endpoint, json=notice.body, headers=headers)
            status: int | None = answer.status_code
        except httpx.TransportError:
            status = None
        attempt = Attempt(notice.id, notice.history_id, status, time.time(), bad)
        with self._news:
            self._attempts.append(attempt)
            self._news.notify_all()
        return attempt

    def _notice(self, history_id: int, subscription: Subscription) -> _Notice:
        self._count += 1
        number = str(9_000_000_000_000_000 + self._count)
        data = json.dumps({"emailAddress": self._address, "historyId": history_id}).encode()
        when = datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        message = {"data": base64.b64encode(data).decode(), "messageId": number, "message_id": number}
        message |= {"publishTime": when, "publish_time": when}
        return _Notice(number, history_id, {"message": message, "subscription": subscription.name})

    def _token(self, subscription: Subscription, bad: Bad | None) -> str | None:
        now = int(time.time())
        claims = {
            "aud": subscription.audience or subscription.endpoint,
            "azp": "100000000000000000001",
            "email": subscription.account,
            "email_verified": True,
            "exp": now + _LIFETIME,
            "iat": now,
            "iss": _ISSUER,
            "sub": "100000000000000000001",
        }
        match bad:
            case None:
                pass
            case "wrong audience":
                claims["aud"] = "https://elsewhere.example/push"
            case "wrong issuer":
                claims["iss"] = "https://accounts.example"
            case "expired":
                claims |= {"iat": now - 2 * _LIFETIME, "exp": now - _LIFETIME}
            case "unverified":
                claims["email_verified"] = False
            case "another account":
                claims["email"] = "somebody@elsewhere.iam.gserviceaccount.com"
            case "unsigned":
                return unsigned(claims)
            case "forged":
                self._forger = self._forger or SigningKey()
                return self._forger.sign(claims, kid=self.keys[-1].kid)
            case "missing":
                return None
            case _:
                assert_never(bad)
        return self.keys[-1].sign(claims)


def _client(subscription: Subscription) -> httpx.AsyncClient:
    return httpx.AsyncClient(timeout=subscription.deadline, trust_env=False)
