"""What goes wrong, and when: for one method or for all, so many times or until further notice.

    emulator.faults.on(TOO_MANY, times=3)                                   # whatever is called next
    emulator.faults.on(Drop(taken=True), "gmail.users.messages.send", times=1)  # the mail goes out, the answer doesn't
    emulator.faults.mend()

Methods are named by the discovery document's ids; beside them stand ``oauth2.token`` and ``oauth2.certs``.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

EVERY = "*"
"""Every method."""


@dataclass(frozen=True, slots=True)
class Work:
    """Do what was asked, after so many seconds."""

    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Fail:
    """Answer with an error. ``taken``: do what was asked first, as a server does that fails late."""

    status: int
    reason: str | None = None
    message: str | None = None
    taken: bool = False


@dataclass(frozen=True, slots=True)
class Hang:
    """Never answer."""

    taken: bool = False


@dataclass(frozen=True, slots=True)
class Drop:
    """Cut the connection without a word."""

    taken: bool = False


@dataclass(frozen=True, slots=True)
class Truncate:
    """Do what was asked, and answer with the first half of the JSON."""


Manner = Work | Fail | Hang | Drop | Truncate

EXPIRED_TOKEN = Fail(401)
RATE_LIMIT = Fail(403, "rateLimitExceeded", "Rate Limit Exceeded")
USER_RATE_LIMIT = Fail(403, "userRateLimitExceeded", "User Rate Limit Exceeded")
TOO_MANY = Fail(429, "rateLimitExceeded", "Too many concurrent requests for user")
BACKEND = Fail(500, "backendError", "Internal error encountered.")
UNAVAILABLE = Fail(503, "backendError", "The service is currently unavailable.")
NOT_FOUND_YET = Fail(404)


class Faults:
    """Says of each call what becomes of it. May be changed from any thread."""

    def __init__(self) -> None:
        self._next: dict[str, deque[Manner]] = {}
        self._usual: dict[str, Manner] = {}

    def on(self, manner: Manner, method: str = EVERY, *, times: int | None = None) -> None:
        """Behave so from now on, or so many times before the usual manner goes on."""
        if times is None:
            self._usual[method] = manner
        else:
            self._next.setdefault(method, deque()).extend([manner] * times)

    def mend(self) -> None:
        """Be good again."""
        self._next.clear()
        self._usual.clear()

    def take(self, method: str) -> Manner:
        """What becomes of this call: what was said of its method goes before what was said of all."""
        for name in (method, EVERY):
            if waiting := self._next.get(name):
                return waiting.popleft()
            if name in self._usual:
                return self._usual[name]
        return Work()
