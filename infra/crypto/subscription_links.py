"""The address by which a subscriber of the status page confirms and ends: signed, so that nobody ends another's."""

from __future__ import annotations

from uuid import UUID

from infra.crypto.survey_links import SurveyLinks
from skills.errors import NotFoundError


class SubscriptionLinks:
    """Signs and checks.

    Args:
        secret: 32 bytes, the same in every process, for this purpose alone.
        base: the address of the service, without a slash at its end.
    """

    def __init__(self, secret: bytes, base: str) -> None:
        self._signed = SurveyLinks(secret, base)
        self._base = base.rstrip("/")

    def link(self, subscriber_id: UUID) -> str:
        """The page of a subscription."""
        return f"{self._base}/status/subscription/{self._signed.sign(subscriber_id)}"

    def ending(self, subscriber_id: UUID) -> str:
        """Where a mail program ends it with one request (RFC 8058)."""
        return f"{self.link(subscriber_id)}/end"

    def check(self, token: str) -> UUID:
        """Whose token this is.

        Raises:
            NotFoundError: it is none of ours.
        """
        try:
            return self._signed.check(token)
        except NotFoundError:
            raise NotFoundError("there is no such subscription", hint="ask again on the status page") from None
