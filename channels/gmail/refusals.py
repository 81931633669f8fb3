"""What went wrong with a call of Gmail's API, and what that means for a mail that was to be sent.

Known not to be taken is what never left us and what was answered with a 4xx. A 5xx, a connection that broke and an
answer that can't be read say nothing: the mail may be out, so it is ``Unknown`` and never sent again blindly.
"""

from __future__ import annotations

import json
import re
from typing import Literal

from channels.envelope import Deferred, Refused, Unknown
from skills.errors import ProviderUnavailableError

Fate = Literal["never left", "refused", "unknown"]
"""What became of a request: it did not reach Google, Google said no, or nobody knows."""

_TOO_MUCH = frozenset({
    "rateLimitExceeded", "userRateLimitExceeded", "dailyLimitExceeded", "quotaExceeded", "concurrentLimitExceeded",
})  # fmt: skip
_OURS = frozenset({
    "authError", "required", "forbidden", "insufficientPermissions", "accessNotConfigured", "domainPolicy",
    "failedPrecondition", "SERVICE_DISABLED", "PERMISSION_DENIED", "delegationDenied",
})  # fmt: skip
"""Reasons that say something about our access and nothing about the mail."""
_CODE = re.compile(r"[A-Za-z_]{1,60}")
_SERVER_ERROR, _TOO_MANY, _FORBIDDEN, _UNAUTHORIZED, _TIMEOUT, _NOT_FOUND = 500, 429, 403, 401, 408, 404
_PATIENCE = 60.0
"""Seconds between looks at an access that somebody has to mend."""


class CallError(ProviderUnavailableError):
    """Gmail did not do what it was asked.

    Args:
        reason: a code of Google's or ours; never a person's words.
        fate: what became of the request.
        status: of the answer; ``None`` without one.
    """

    def __init__(self, reason: str, *, fate: Fate, status: int | None = None, hint: str | None = None) -> None:
        super().__init__(f"Gmail: {reason}" if status is None else f"Gmail answered {status}: {reason}", hint=hint)
        self.reason = reason
        self.fate = fate
        self.status = status

    @property
    def missing(self) -> bool:
        """Whether there is no such mail, thread or cursor."""
        return self.status == _NOT_FOUND

    @property
    def access(self) -> bool:
        """Whether it is our access that is wrong, which a person has to mend."""
        return self.status == _UNAUTHORIZED or self.reason in _OURS or self.reason == NOT_SIGNED_IN

    @property
    def too_much(self) -> bool:
        """Whether we asked too much at once, and may ask again later."""
        return self.status == _TOO_MANY or (self.status == _FORBIDDEN and self.reason in _TOO_MUCH)

    @property
    def passing(self) -> bool:
        """Whether the same call may well succeed later, by itself."""
        return self.too_much or self.status is None or self.status >= _SERVER_ERROR or self.status == _TIMEOUT


NOT_SIGNED_IN = "not signed in"


def answered(status: int, body: bytes) -> CallError:
    """The error that an answer is."""
    sure = status < _SERVER_ERROR and status != _TIMEOUT
    return CallError(_reason(body), fate="refused" if sure else "unknown", status=status)


def verdict(error: CallError) -> Refused | Deferred | Unknown:
    """What the failure of a send means for its mail."""
    if error.fate == "unknown":
        return Unknown(str(error))
    if error.access:
        return Deferred(f"{error}; see `csagent gmail status`", _PATIENCE)
    return Refused(str(error), retry=error.fate == "never left" or error.too_much)


def _reason(body: bytes) -> str:
    """Google's word for it, as far as it is a code: its messages may repeat what was sent."""
    try:
        error = json.loads(body)["error"]
        found = (error.get("errors") or [{}])[0].get("reason") or error.get("status")
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        found = None
    return found if isinstance(found, str) and _CODE.fullmatch(found) else "no reason given"
