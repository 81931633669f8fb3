"""The name of a survey in a public address: signed, so that it can't be guessed, and of no use for anything else."""

from __future__ import annotations

import base64
import binascii
import hmac
from uuid import UUID

from skills.errors import NotFoundError

_ID = 16
_MAC = 16


class SurveyLinks:
    """Signs and checks.

    Args:
        secret: 32 bytes, the same in every process.
        base: the address of the service, without a slash at its end.
    """

    def __init__(self, secret: bytes, base: str) -> None:
        self._secret = secret
        self._base = base.rstrip("/")

    def link(self, survey_id: UUID) -> str:
        """The address at which a survey is answered."""
        return f"{self._base}/feedback/{self.sign(survey_id)}"

    def sign(self, survey_id: UUID) -> str:
        """A survey's token."""
        return base64.urlsafe_b64encode(survey_id.bytes + self._mac(survey_id.bytes)).decode().rstrip("=")

    def check(self, token: str) -> UUID:
        """The survey of a token.

        Raises:
            NotFoundError: it is none of ours.
        """
        try:
            raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except (binascii.Error, ValueError):
            raise NotFoundError("there is no such survey") from None
        identity = raw[:_ID]
        expected = base64.urlsafe_b64encode(identity + self._mac(identity)).decode().rstrip("=")
        if len(raw) != _ID + _MAC or not hmac.compare_digest(expected.encode(), token.encode("utf-8", "replace")):
            raise NotFoundError("there is no such survey")
        return UUID(bytes=identity)

    def _mac(self, data: bytes) -> bytes:
        return hmac.digest(self._secret, data, "sha256")[:_MAC]
