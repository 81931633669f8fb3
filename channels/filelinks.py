"""Links to files of messages: signed names of (message, ordinal) that expire. Who holds one may read that one file.

A link is checked without a look-up. It says nothing about who may have it: it is handed out only to whoever may read
the conversation, and to a provider that fetches a file which we send.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from skills.errors import NotFoundError
from skills.turn import MessageId

_NAMED = 16 + 2 + 5
_MAC = 16


@dataclass(frozen=True, slots=True)
class NamedFile:
    """The file that a link names."""

    message_id: MessageId
    ordinal: int


class FileLinks:
    """Signs and checks links.

    Args:
        secret: 32 bytes, the same in every process.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def sign(self, message_id: MessageId, ordinal: int, expires: datetime) -> str:
        """The token of a link that works until ``expires``, to the second."""
        named = message_id.bytes + ordinal.to_bytes(2) + int(expires.timestamp()).to_bytes(5)
        return base64.urlsafe_b64encode(named + self._mac(named)).decode().rstrip("=")

    def check(self, token: str, *, now: datetime | None = None) -> NamedFile:
        """The file that a token names.

        Raises:
            NotFoundError: it is none of ours, or it has expired. The same answer for both.
        """
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        named = raw[:_NAMED]
        if not hmac.compare_digest(raw[_NAMED:], self._mac(named)) or len(raw) != _NAMED + _MAC:
            raise _gone()
        if (now or datetime.now(UTC)).timestamp() > int.from_bytes(named[18:]):
            raise _gone()
        return NamedFile(MessageId(UUID(bytes=named[:16])), int.from_bytes(named[16:18]))

    def _mac(self, named: bytes) -> bytes:
        return hmac.digest(self._secret, named, "sha256")[:_MAC]


def _gone() -> NotFoundError:
    return NotFoundError("there is no such file, or its link has expired", hint="open the conversation again")
