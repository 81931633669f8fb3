"""Whether a webhook comes from the gateway: an HMAC over its bytes, with a secret that both know."""

from __future__ import annotations

import hashlib
import hmac

HEADER = "X-Gateway-Signature"


def sign(secret: str, body: bytes) -> str:
    """What stands in the header of a genuine webhook."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def genuine(secret: str, body: bytes, signature: str | None) -> bool:
    """Whether whoever sent this knows the secret."""
    return signature is not None and hmac.compare_digest(
        sign(secret, body).encode(), signature.encode("utf-8", "replace")
    )
