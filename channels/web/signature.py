"""Conversation tokens: who holds one may read and write one conversation, and nobody else may.

A token names its conversation (16 random bytes) and is signed, so it can be checked without a look-up and given out
without a write. A client that begins a talk with an Idempotency-Key gets the same token for the same key, so that a
retry after a lost answer finds its conversation again. That is why such a key has to be an unguessable UUID.

The signature covers the origin of the site that the talk was begun on, which the token does not name: presented from
any other it is none of ours. ``None`` is our own pages and clients outside a browser, whose tokens are signed as all
were before there were origins.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
from dataclasses import dataclass
from uuid import UUID

from skills.errors import NotFoundError

_PREFIX = "ct_"
_ID = 16
_MAC = 16


@dataclass(frozen=True, slots=True)
class ConversationToken:
    """A verified token. ``thread`` is what the core knows the conversation by; it is as secret as the token."""

    thread: str
    text: str


class TokenSigner:
    """Issues and checks conversation tokens.

    Args:
        secret: 32 bytes, the same in every process.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def issue(self, first_key: UUID | None = None, *, origin: str | None = None) -> ConversationToken:
        """A token for a new conversation; the same ``first_key`` on the same origin gives the same token."""
        identity = os.urandom(_ID) if first_key is None else self._mac(b"first\x1f" + first_key.bytes, origin)
        return self._token(identity, origin)

    def check(self, text: str, *, origin: str | None = None) -> ConversationToken:
        """The token that this text is, for whoever presents it from this origin.

        Raises:
            NotFoundError: it is none of ours, or of another origin. The same answer as for a conversation that does not
                exist.
        """
        try:
            raw = base64.urlsafe_b64decode(text.removeprefix(_PREFIX) + "=" * (-len(text.removeprefix(_PREFIX)) % 4))
        except (binascii.Error, ValueError):
            raise NotFoundError("there is no such conversation") from None
        token = self._token(raw[:_ID], origin)
        if not hmac.compare_digest(token.text.encode(), text.encode("utf-8", "replace")):
            raise NotFoundError("there is no such conversation")
        return token

    def _token(self, identity: bytes, origin: str | None) -> ConversationToken:
        signed = identity + self._mac(b"token\x1f" + identity, origin)
        text = _PREFIX + base64.urlsafe_b64encode(signed).decode().rstrip("=")
        return ConversationToken(thread=identity.hex(), text=text)

    def _mac(self, data: bytes, origin: str | None) -> bytes:
        # What stands before the origin has one length for each of its two beginnings: no two inputs run together.
        where = b"" if origin is None else b"\x1f" + origin.encode("utf-8", "replace")
        return hmac.digest(self._secret, data + where, "sha256")[:_MAC]
