"""The errors of Google's APIs as they stand on the wire."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from skills.errors import SupportError

_STATES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
}

_REASONS = {
    400: "invalidArgument",
    401: "authError",
    403: "forbidden",
    404: "notFound",
    429: "rateLimitExceeded",
    500: "backendError",
    503: "backendError",
}


_MESSAGES = {
    401: "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid "
    "authentication credential.",
    404: "Requested entity was not found.",
}


class Refusal(SupportError):  # noqa: N818 - it is an answer
    """Google said no.

    Args:
        status: of HTTP.
        message: for people.
        reason: the word that clients act by; the usual one of the status unless given.
    """

    def __init__(self, status: int, message: str | None = None, reason: str | None = None) -> None:
        super().__init__(message or _MESSAGES.get(status) or HTTPStatus(status).phrase)
        self.status = status
        self.reason = reason or _REASONS.get(status, "backendError")

    @property
    def body(self) -> dict[str, Any]:
        """The answer's JSON."""
        detail = {"message": str(self), "domain": "global", "reason": self.reason}
        if self.reason in {"rateLimitExceeded", "userRateLimitExceeded", "dailyLimitExceeded"}:
            detail["domain"] = "usageLimits"
        if self.status == HTTPStatus.UNAUTHORIZED:
            detail |= {"message": "Invalid Credentials", "location": "Authorization", "locationType": "header"}
        error = {"code": self.status, "message": str(self), "errors": [detail]}
        return {
            "error": error | {"status": "FAILED_PRECONDITION" if self.reason == "failedPrecondition" else self._state}
        }

    @property
    def _state(self) -> str:
        return _STATES.get(self.status, "UNKNOWN")


class TokenRefusal(SupportError):  # noqa: N818 - it is an answer
    """The token endpoint said no, in the words of RFC 6749, section 5.2.

    Args:
        error: the code, such as ``invalid_grant``.
        description: for people.
        status: of HTTP.
    """

    def __init__(self, error: str, description: str, *, status: int = 400) -> None:
        super().__init__(description)
        self.status = status
        self.body = {"error": error, "error_description": description}


def invalid_argument(message: str) -> Refusal:
    """What was asked makes no sense."""
    return Refusal(400, message)


def not_found() -> Refusal:
    """No such mail, thread or cursor."""
    return Refusal(404)


def unauthenticated() -> Refusal:
    """The access token is missing, unknown or expired."""
    return Refusal(401)
