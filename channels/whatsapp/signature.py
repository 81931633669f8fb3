"""Whether a webhook comes from Twilio: ``X-Twilio-Signature`` over the public address and every parameter.

The address is the one that Twilio was told, so it comes from our settings: behind a proxy the request itself knows
another host and scheme. Several secrets hold at once while an auth token is rotated.

A signature has no date, so a recorded webhook stays valid. A replay does no harm: ``MessageSid`` is unique in the
inbox, the second arrival is the same message, and a status never goes back (``statuses``).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from urllib.parse import parse_qs, urlsplit

from twilio.request_validator import (
    HMAC_SHA1,
    HMAC_SHA256,
    RequestValidator,
    add_port,
    get_signature_algorithm,
    remove_port,
)

from channels.whatsapp.form import Form
from skills.errors import ConfigurationError, InvalidMessageError

HEADER = "X-Twilio-Signature"
SETTINGS_HEADER = "X-Twilio-Webhooks-Signature-Settings"
"""Names the algorithm where a webhook is signed with a shared key rather than the account's auth token."""

_ALGORITHMS = frozenset({HMAC_SHA1, HMAC_SHA256})


class WebhookSignature:
    """Checks webhooks.

    Args:
        public_url: scheme, host and, if any, port and path prefix under which Twilio reaches us.
        secrets: the auth tokens (or shared keys) that hold now; more than one while they are rotated.

    Raises:
        ConfigurationError: the address is none, or there is no secret.
    """

    def __init__(self, *, public_url: str, secrets: Sequence[str]) -> None:
        if not _is_base(public_url):
            raise ConfigurationError(
                "the public URL for Twilio's webhooks can't be used", hint="such as https://support.example.com"
            )
        if not secrets or not all(secrets):
            raise ConfigurationError(
                "there is no auth token to check Twilio's webhooks with", hint="it stands in Twilio's console"
            )
        self._public_url = public_url.rstrip("/")
        self._validators = [RequestValidator(secret) for secret in secrets]

    def genuine(
        self, target: str, body: bytes, signature: str | None, *, content_type: str = "", settings: str | None = None
    ) -> bool:
        """Whether Twilio sent this.

        Args:
            target: the request's path and query string exactly as they came.
            body: the raw bytes, before anybody decoded them.
            signature: the header ``X-Twilio-Signature``.
            content_type: a JSON body is signed by its hash, which stands in the query as ``bodySHA256``.
            settings: the header ``X-Twilio-Webhooks-Signature-Settings``.
        """
        algorithm = get_signature_algorithm(settings).upper()
        if not signature or algorithm not in _ALGORITHMS or not target.startswith("/"):
            return False
        url = urlsplit(self._public_url + target)
        if content_type.partition(";")[0].strip().casefold() == "application/json":
            if not _hash_fits(url.query, body):
                return False
            form = Form([])
        else:
            try:
                form = Form.parse(body)
            except InvalidMessageError:
                return False
        given = signature.encode("utf-8", "replace")
        genuine = False
        for validator in self._validators:
            # Twilio is not consistent about the port, so both spellings hold; none ends the comparison early.
            for address in (remove_port(url), add_port(url)):
                expected = validator.compute_signature(address, form, algorithm)
                genuine |= hmac.compare_digest(expected.encode(), given)
        return genuine


def _is_base(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    whole = parts.scheme in {"http", "https"} and bool(parts.hostname) and port != 0
    return whole and not parts.query and not parts.fragment


def _hash_fits(query: str, body: bytes) -> bool:
    claimed = parse_qs(query).get("bodySHA256", [""])[0]
    return hmac.compare_digest(hashlib.sha256(body).hexdigest().encode(), claimed.casefold().encode("utf-8", "replace"))
