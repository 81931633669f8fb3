"""Asking a server that speaks OpenAI's protocol: one deadline over all attempts, and its errors in our words.

The SDK could retry by itself, but it sleeps through a ``Retry-After`` that lies beyond the deadline and then calls that
a timeout. Here such a wait is given up at once, under its own name. The error that leaves carries no vendor error
behind it: those quote prompts and answers, and a traceback in a log would too.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Literal, TypeVar, get_args

import openai
from langchain_core.exceptions import LangChainException

from skills.errors import ModelUnavailableError

Result = TypeVar("Result")

Reason = Literal[
    "timeout", "rate limited", "quota used up", "server error", "unreachable",
    "bad answer", "refused key", "unknown model", "refused request",
]  # fmt: skip
"""Why a model could not be asked, as a reviewer reads it."""

ANSWERED: frozenset[Reason] = frozenset({"bad answer", "refused request"})
"""The reasons that speak of one question: the server is there, and answers."""

API = "https://api.openai.com/v1"

_VENDOR_ERRORS = (
    openai.OpenAIError,
    LangChainException,
    # What the vendors' parsers trip over when an answer has the wrong form; ValueError covers JSON and pydantic.
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long and how often to ask: ``deadline`` and ``pause`` (the first, doubled each time) in seconds."""

    deadline: float = 20.0
    attempts: int = 3
    pause: float = 0.5

    def timeout(self) -> openai.Timeout:
        """The transport's own limits: a server that does not even accept a connection is given up sooner."""
        return openai.Timeout(self.deadline, connect=min(5.0, self.deadline))


USUAL = Patience()


@dataclass(frozen=True, slots=True)
class _Failure:
    reason: Reason
    hint: str | None = None
    passing: bool = False
    """Whether the same question may succeed a moment later."""
    wait: float | None = None
    """The seconds that the server asked us to stay away."""


_REFUSALS: dict[int, _Failure] = {
    HTTPStatus.UNAUTHORIZED: _Failure("refused key", "Check OPENAI_API_KEY."),
    HTTPStatus.FORBIDDEN: _Failure("refused key", "Check what OPENAI_API_KEY may be used for."),
    HTTPStatus.NOT_FOUND: _Failure("unknown model", "The server at OPENAI_BASE_URL does not have that model."),
    HTTPStatus.REQUEST_TIMEOUT: _Failure("timeout", passing=True),
    HTTPStatus.TOO_MANY_REQUESTS: _Failure("quota used up", "The account behind OPENAI_API_KEY has no credit left."),
}


async def ask(
    call: Callable[[], Awaitable[Result]], patience: Patience, *, jitter: Callable[[], float] = random.random
) -> Result:
    """What ``call`` returns, asked again while the failure is a passing one.

    Pauses are half fixed, half ``jitter`` (in [0, 1)), so that workers refused together do not return together.

    Raises:
        ModelUnavailableError: with a ``Reason`` as its message.
    """
    failure = _Failure("timeout")
    clock = asyncio.get_running_loop()
    ends = clock.time() + patience.deadline
    try:
        async with asyncio.timeout_at(ends):
            for attempt in range(patience.attempts):
                try:
                    return await call()
                except _VENDOR_ERRORS as error:
                    failure = _understood(error)
                pause = patience.pause * 2**attempt * (1 + jitter()) / 2
                if failure.wait is not None:
                    pause = max(pause, failure.wait)
                last = attempt + 1 == patience.attempts
                if last or not failure.passing or clock.time() + pause >= ends:
                    break
                await asyncio.sleep(pause)
    except TimeoutError:
        failure = _Failure("timeout")
    raise ModelUnavailableError(failure.reason, hint=failure.hint)


def fault(outcome: object) -> Reason | None:
    """What an outcome says against the server, for a circuit breaker: every ``Reason`` but those in ``ANSWERED``.

    A refused key, an unknown model and a used-up quota count: they turn every question away until somebody mends them.
    """
    if not isinstance(outcome, ModelUnavailableError):
        return None
    reason = str(outcome)
    return next((known for known in get_args(Reason) if known == reason and known not in ANSWERED), None)


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """The seconds to stay away that a response asks for, as a number or as a date (RFC 9110 10.2.3); never negative."""
    value = headers.get("retry-after", "").strip()
    try:
        seconds = float(value)
    except ValueError:
        try:
            date = parsedate_to_datetime(value)
            seconds = (date.replace(tzinfo=date.tzinfo or UTC) - now).total_seconds()
        except (ValueError, TypeError, OverflowError):
            return None
    return max(seconds, 0.0) if seconds == seconds else None  # noqa: PLR0124 - NaN is not equal to itself


def _understood(error: Exception) -> _Failure:
    match error:
        case openai.APITimeoutError():
            return _Failure("timeout", passing=True)
        case openai.APIConnectionError():
            return _Failure("unreachable", "Is OPENAI_BASE_URL right, and the server up?", passing=True)
        case openai.APIStatusError():
            return _refused(error)
        case _:
            return _Failure("bad answer")


def _refused(error: openai.APIStatusError) -> _Failure:
    status = error.status_code
    wait = retry_after(error.response.headers, datetime.now(UTC))
    if status == HTTPStatus.TOO_MANY_REQUESTS and error.code != "insufficient_quota":
        return _Failure("rate limited", passing=True, wait=wait)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _Failure("server error", f"The server answered {status}.", passing=True, wait=wait)
    return _REFUSALS.get(status, _Failure("refused request", f"The server answered {status}."))
