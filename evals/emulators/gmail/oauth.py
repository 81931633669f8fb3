"""Google's token endpoint: who may act for the mailbox, with which scopes, and until when.

Three grants: a refresh token, the code of a consent (with PKCE), and a service account that acts for a person of its
domain (RFC 7523). The pages on which a person consents are not emulated: ``consent`` is what comes of them.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

import jwt

from evals.emulators.gmail.refusals import TokenRefusal, unauthenticated
from evals.emulators.gmail.signing import SigningKey

JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
GOOGLES_TOKEN_ENDPOINT = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
"""Whom a service account's assertion is for: google-auth writes this whatever address it is told to send it to."""

LIFETIME = 3_599
"""Seconds that an access token is usually good for, as Google tells it."""
_LONGEST_ASSERTION = 3_600
_SKEW = 300


@dataclass(frozen=True, slots=True)
class Client:
    """An installed application, as Google's console gives it out."""

    id: str
    secret: str


@dataclass(frozen=True, slots=True)
class Access:
    """What an access token allows. ``subject`` is whose mailbox, ``until`` in seconds since the epoch."""

    subject: str
    scopes: frozenset[str]
    until: float


@dataclass(frozen=True, slots=True)
class _Consent:
    scopes: frozenset[str]
    redirect_uri: str
    challenge: str | None
    method: str


class TokenEndpoint:
    """Gives out access tokens, and knows them again.

    Args:
        address: of the mailbox: who consents, and for whom the service account may act.
        delegated: the scopes that the domain's administrator gave the service account.
    """

    def __init__(self, address: str, delegated: Iterable[str]) -> None:
        self.client = Client(f"{secrets.token_hex(8)}.apps.googleusercontent.com", secrets.token_urlsafe(16))
        self.account = "support@emulated.iam.gserviceaccount.com"
        self.account_key = SigningKey()
        self.delegated = frozenset(delegated)
        self.url = ""
        self._address = address
        self.lifetime = LIFETIME
        """Seconds that the tokens are good for that are given out from now on."""
        self._codes: dict[str, _Consent] = {}
        self._refresh: dict[str, frozenset[str]] = {}
        self._access: dict[str, Access] = {}

    def consent(
        self, scopes: Iterable[str], redirect_uri: str, *, challenge: str | None = None, method: str = "S256"
    ) -> str:
        """The owner of the mailbox said yes. Returns the code that the browser would carry back."""
        code = "4/0A" + secrets.token_urlsafe(32)
        self._codes[code] = _Consent(frozenset(scopes), redirect_uri, challenge, method)
        return code

    def refresh_token(self, scopes: Iterable[str]) -> str:
        """A refresh token, as if somebody had consented earlier."""
        token = "1//0" + secrets.token_urlsafe(32)
        self._refresh[token] = frozenset(scopes)
        return token

    def revoke(self) -> None:
        """The owner took the consent back: refresh and access tokens are worth nothing any more."""
        self._refresh.clear()
        self._access.clear()
        self.delegated = frozenset()

    def expire(self) -> None:
        """Every access token that was given out is expired."""
        self._access.clear()

    def client_secrets(self) -> dict[str, dict[str, Any]]:
        """What stands in the file that Google's console gives out for an installed application."""
        return {
            "installed": {
                "client_id": self.client.id,
                "client_secret": self.client.secret,
                "project_id": "emulated",
                "auth_uri": "https://accounts.google.com/o/oauth2/auth",
                "token_uri": self.url,
                "redirect_uris": ["http://localhost"],
            }
        }

    def service_account_info(self) -> dict[str, str]:
        """What stands in the service account's key file."""
        return {
            "type": "service_account",
            "project_id": "emulated",
            "private_key_id": self.account_key.kid,
            "private_key": self.account_key.private_pem,
            "client_email": self.account,
            "client_id": "100000000000000000000",
            "token_uri": self.url,
        }

    def grant(self, form: Mapping[str, str]) -> dict[str, Any]:
        """Answer a request for a token.

        Raises:
            TokenRefusal: there is none for it.
        """
        match form.get("grant_type"):
            case "refresh_token":
                return self._by_refresh_token(form)
            case "authorization_code":
                return self._by_code(form)
            case kind if kind == JWT_GRANT:
                return self._by_assertion(form.get("assertion", ""))
            case None | "":
                raise TokenRefusal("invalid_request", "Missing required parameter: grant_type")
            case kind:
                raise TokenRefusal("unsupported_grant_type", f"Invalid grant_type: {kind}")

    def authorize(self, header: str | None) -> Access:
        """What the bearer of an ``Authorization`` header may do.

        Raises:
            Refusal: nothing.
        """
        kind, _, token = (header or "").partition(" ")
        access = self._access.get(token.strip())
        if kind.lower() != "bearer" or access is None or access.until <= time.time():
            raise unauthenticated()
        return access

    def _by_refresh_token(self, form: Mapping[str, str]) -> dict[str, Any]:
        self._check_client(form)
        consented = self._refresh.get(form.get("refresh_token", ""))
        if consented is None:
            raise TokenRefusal("invalid_grant", "Token has been expired or revoked.")
        asked = frozenset(form.get("scope", "").split()) or consented
        if not asked <= consented:
            raise TokenRefusal("invalid_scope", "Some requested scopes were not consented to.")
        return self._give(self._address, asked)

    def _by_code(self, form: Mapping[str, str]) -> dict[str, Any]:
        self._check_client(form)
        consent = self._codes.pop(form.get("code", ""), None)  # a code is good for one attempt
        if consent is None:
            raise TokenRefusal("invalid_grant", "Malformed auth code.")
        if form.get("redirect_uri") != consent.redirect_uri:
            raise TokenRefusal("redirect_uri_mismatch", "Bad Request")
        verifier = form.get("code_verifier", "")
        if consent.challenge is not None and _challenge(verifier, consent.method) != consent.challenge:
            raise TokenRefusal("invalid_grant", "Invalid code verifier." if verifier else "Missing code verifier.")
        return self._give(self._address, consent.scopes) | {"refresh_token": self.refresh_token(consent.scopes)}

    def _by_assertion(self, assertion: str) -> dict[str, Any]:
        claims = self._read(assertion)
        asked = frozenset(str(claims.get("scope", "")).split())
        if not asked:
            raise TokenRefusal("invalid_scope", "Invalid OAuth scope or ID token audience provided.")
        subject = str(claims.get("sub") or self.account).lower()
        if subject == self.account:
            return self._give(subject, asked)  # a token for an account without a mailbox
        if not asked <= self.delegated:
            raise TokenRefusal(
                "unauthorized_client",
                "Client is unauthorized to retrieve access tokens using this method, or client not authorized for any "
                "of the scopes requested.",
                status=401,
            )
        if subject != self._address:
            raise TokenRefusal("invalid_grant", "Invalid email or User ID")
        return self._give(subject, asked)

    def _read(self, assertion: str) -> dict[str, Any]:
        try:
            claims = jwt.decode(
                assertion,
                self.account_key.public,
                algorithms=["RS256"],
                # Times are judged below, in Google's words.
                options={
                    "require": ["iss", "aud", "iat", "exp"],
                    "verify_aud": False,
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
        except jwt.InvalidSignatureError as error:
            raise TokenRefusal("invalid_grant", "Invalid JWT Signature.") from error
        except jwt.InvalidTokenError as error:
            raise TokenRefusal("invalid_grant", f"Invalid JWT: {error}") from error
        if claims["iss"] != self.account:
            raise TokenRefusal("invalid_grant", "Invalid grant: account not found")
        if claims["aud"] not in {self.url, GOOGLES_TOKEN_ENDPOINT}:
            raise TokenRefusal("invalid_grant", "Invalid JWT: Failed audience check.")
        if not self._is_timely(claims["iat"], claims["exp"]):
            raise TokenRefusal(
                "invalid_grant",
                "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your "
                "iat and exp values in the JWT claim.",
            )
        return claims

    def _is_timely(self, issued: Any, expires: Any) -> bool:
        if not isinstance(issued, int | float) or not isinstance(expires, int | float):
            return False
        now = time.time()
        return issued - _SKEW <= now < expires + _SKEW and expires - issued <= _LONGEST_ASSERTION

    def _check_client(self, form: Mapping[str, str]) -> None:
        if form.get("client_id") != self.client.id:
            raise TokenRefusal("invalid_client", "The OAuth client was not found.", status=401)
        if form.get("client_secret") != self.client.secret:
            raise TokenRefusal("invalid_client", "Unauthorized", status=401)

    def _give(self, subject: str, scopes: frozenset[str]) -> dict[str, Any]:
        token = "ya29." + secrets.token_urlsafe(48)
        self._access[token] = Access(subject, scopes, time.time() + self.lifetime)
        answer = {"access_token": token, "expires_in": self.lifetime, "token_type": "Bearer"}
        return answer | {"scope": " ".join(sorted(scopes))}


def basic_client(header: str) -> dict[str, str]:
    """The client that an ``Authorization`` header of the kind Basic names, as a form would; nothing for any other."""
    kind, _, value = header.partition(" ")
    try:
        name, colon, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except ValueError:
        return {}
    found = {"client_id": unquote_plus(name), "client_secret": unquote_plus(secret)}
    return found if kind.lower() == "basic" and colon else {}


def _challenge(verifier: str, method: str) -> str:
    if method == "plain":
        return verifier
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
