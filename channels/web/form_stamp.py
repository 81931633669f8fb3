"""What a form carries hidden: the key of its message, when it was opened, and whether its sender was asked once more.

Signed, so that nobody backdates it, and good for one message: the key is the message's. It is no secret.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid4

_BODY = 16 + 5 + 1
_MAC = 16


@dataclass(frozen=True, slots=True)
class Stamp:
    """A form that was handed out."""

    key: UUID
    opened_at: datetime
    asked: bool = False
    """Whether its sender was asked to send again, because something about the first time was odd."""


class FormStamps:
    """Writes and reads stamps.

    Args:
        secret: 32 bytes, the same in every process.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def new(self, *, key: UUID | None = None, asked: bool = False, opened_at: datetime | None = None) -> str:
        """A stamp of now, or of when the form was opened; a ``key`` keeps the message that it is for."""
        opened = int((opened_at or datetime.now(UTC)).timestamp())
        body = (key or uuid4()).bytes + opened.to_bytes(5) + bytes((asked,))
        return base64.urlsafe_b64encode(body + self._mac(body)).decode().rstrip("=")

    def read(self, text: str) -> Stamp | None:
        """The stamp that this text is; ``None`` when it is none of ours."""
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        body = raw[:_BODY]
        if len(raw) != _BODY + _MAC or not hmac.compare_digest(raw[_BODY:], self._mac(body)):
            return None
        opened_at = datetime.fromtimestamp(int.from_bytes(body[16:21]), UTC)
        return Stamp(UUID(bytes=body[:16]), opened_at, asked=bool(body[21]))

    def _mac(self, body: bytes) -> bytes:
        return hmac.digest(self._secret, body, "sha256")[:_MAC]
