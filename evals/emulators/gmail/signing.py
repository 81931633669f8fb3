"""RSA keys: Google's, whose public halves are served as a JWKS, a service account's, and a forger's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key
from jwt.algorithms import RSAAlgorithm

_BITS = 2_048


class SigningKey:
    """A pair of keys, made when it is first used. ``kid`` names it in the tokens that it signs."""

    def __init__(self, kid: str | None = None) -> None:
        self.kid = kid or uuid4().hex

    @cached_property
    def _private(self) -> RSAPrivateKey:
        return generate_private_key(public_exponent=65_537, key_size=_BITS)

    def sign(self, claims: Mapping[str, Any], *, kid: str | None = None) -> str:
        """A token with these claims (RS256). Another ``kid`` than its own is a forger's."""
        return jwt.encode(dict(claims), self._private, algorithm="RS256", headers={"kid": kid or self.kid})

    @property
    def public(self) -> RSAPublicKey:
        """The half that checks."""
        return self._private.public_key()

    @property
    def jwk(self) -> dict[str, Any]:
        """The public half as a member of a JWKS."""
        key: dict[str, Any] = json.loads(RSAAlgorithm.to_jwk(self.public))
        return {"kty": key["kty"], "n": key["n"], "e": key["e"], "kid": self.kid, "use": "sig", "alg": "RS256"}

    @property
    def private_pem(self) -> str:
        """The half that signs, as it stands in the key file of a service account."""
        return self._private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()


def unsigned(claims: Mapping[str, Any]) -> str:
    """A token whose header says that it needs no signature (``alg: none``)."""
    return jwt.encode(dict(claims), "", algorithm="none")
