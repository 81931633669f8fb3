"""Signing in through the company's OpenID provider: the authorization code flow with PKCE.

``begin`` gives the address to send a browser to and the flow that has to come back with it; ``finish`` trades the code
for an ID token and believes it only when everything fits: signature by a key of the provider's, issuer, audience,
times, nonce. PyJWT checks the token; what is left is two requests.

The provider is asked behind a breaker. While it can't be reached nobody new comes in through it; open sessions go on.
"""

from __future__ import annotations

import hmac
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, cast
from urllib.parse import quote, urlencode

import httpx
import jwt

from infra.breakers import Breaker, Limits
from infra.staff.roles import ROLES, WHO_MAY, Role
from skills.errors import SupportError, UnavailableError

LIMITS = Limits(failures=5, window=60.0, cooldown=15.0)
_SECONDS = 10.0
"""For one request to the provider."""
_KEPT = 3600.0
"""How long what the provider says of itself, and its keys, are believed."""
_AGAIN = 30.0
"""A key that is not known makes us ask for the keys again, but not more often than this."""
_LARGEST = 1_048_576
_LONGEST_SUBJECT = 255
"""OpenID Connect Core, section 2."""
_LEEWAY = 60
"""Seconds that its clock may be off."""
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures by a key pair. Never a shared secret, and never none."""


class ProviderSilentError(UnavailableError):
    """The OpenID provider can't be reached, or makes no sense."""


class ProviderRefusedError(SupportError):
    """The OpenID provider did not vouch for anybody. ``reason`` is a code for the records."""

    def __init__(self, reason: str, *, hint: str | None = None) -> None:
        super().__init__("the provider's word could not be accepted", hint=hint or "sign in again from the start")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Flow:
    """What a browser that was sent away has to bring back, kept where only that browser has it."""

    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Vouched:
    """Whom the provider vouches for."""

    issuer: str
    subject: str
    name: str
    role: Role


@dataclass(frozen=True, slots=True)
class Client:
    """Who we are at the provider, and how we read its claims."""

    issuer: str
    client_id: str
    secret: str
    redirect_uri: str
    scopes: str
    name_claim: str
    roles_claim: str
    roles: Mapping[str, Role]


@dataclass(slots=True)
class _Known:
    """What the provider says of itself, and when it said so (``time.monotonic``)."""

    metadata: dict[str, Any] = field(default_factory=dict)
    metadata_at: float = float("-inf")
    keys: jwt.PyJWKSet | None = None
    keys_at: float = float("-inf")


class OpenIdProvider:
    """The company's provider.

    Args:
        client: who we are there.
        breaker: leaves it alone while it is down.
    """

    def __init__(self, client: Client, breaker: Breaker) -> None:
        self._client = client
        self._breaker = breaker
        self._known = _Known()

    async def begin(self) -> tuple[str, Flow]:
        """Where to send the browser, and what it has to bring back.

        Raises:
            UnavailableError: the provider can't be reached.
        """
        metadata = await self._metadata()
        flow = Flow(secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48))
        challenge = urlsafe_b64encode(sha256(flow.verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code",
            "client_id": self._client.client_id,
            "redirect_uri": self._client.redirect_uri,
            "scope": self._client.scopes,
            "state": flow.state,
            "nonce": flow.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        endpoint = str(metadata["authorization_endpoint"])
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}", flow

    async def finish(self, flow: Flow, *, state: str, code: str) -> Vouched:
        """Whom the provider vouches for.

        Args:
            flow: as this browser was sent away with it.
            state: as it came back.
            code: as it came back.

        Raises:
            ProviderRefusedError: something does not fit, or whoever it is has no role here.
            UnavailableError: the provider can't be reached.
        """
        if not hmac.compare_digest(flow.state.encode(), state.encode("utf-8", "replace")):
            raise ProviderRefusedError("state")
        metadata = await self._metadata()
        given = await self._redeem(metadata, flow, code)
        token = given.get("id_token")
        if not isinstance(token, str):
            raise ProviderRefusedError("no_id_token")
        claims = await self._checked(metadata, token)
        if not hmac.compare_digest(str(claims.get("nonce", "")).encode("utf-8", "replace"), flow.nonce.encode()):
            raise ProviderRefusedError("nonce")
        return self._vouched(claims)

    def _vouched(self, claims: Mapping[str, Any]) -> Vouched:
        subject = claims["sub"]
        if not isinstance(subject, str) or not subject or len(subject) > _LONGEST_SUBJECT or not subject.isprintable():
            raise ProviderRefusedError("subject")
        name = _claim(claims, self._client.name_claim)
        if not isinstance(name, str) or not name:
            raise ProviderRefusedError("no_name", hint="an admin looks at CSAGENT_STAFF__OIDC__NAME_CLAIM")
        listed = _claim(claims, self._client.roles_claim)
        groups = [listed] if isinstance(listed, str) else listed if isinstance(listed, list) else []
        role = most(self._client.roles[group] for group in map(str, groups) if group in self._client.roles)
        if role is None:
            raise ProviderRefusedError("no_role", hint="you are in no group that may come in here; ask your admin")
        return Vouched(self._client.issuer, subject, name, role)

    async def _redeem(self, metadata: Mapping[str, Any], flow: Flow, code: str) -> dict[str, Any]:
        body = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._client.redirect_uri,
            "code_verifier": flow.verifier,
        }
        supported = metadata.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        auth: httpx.BasicAuth | None = None
        if "client_secret_basic" in supported:
            # RFC 6749, 2.3.1: both are form-encoded before they are put together.
            auth = httpx.BasicAuth(quote(self._client.client_id, safe=""), quote(self._client.secret, safe=""))
        else:
            body |= {"client_id": self._client.client_id, "client_secret": self._client.secret}
        status, given = await self._ask("POST", str(metadata["token_endpoint"]), data=body, auth=auth)
        if status != httpx.codes.OK:
            raise ProviderRefusedError("code")
        return given

    async def _checked(self, metadata: Mapping[str, Any], token: str) -> dict[str, Any]:
        """The claims of an ID token that is sound (OpenID Connect Core, 3.1.3.7)."""
        try:
            head = jwt.get_unverified_header(token)
            algorithm, key = head.get("alg"), await self._key(metadata, head.get("kid"))
            if algorithm not in _ALGORITHMS or key is None:
                raise ProviderRefusedError("signature")
            claims = jwt.decode(
                token,
                key.key,
                algorithms=[algorithm],
                audience=self._client.client_id,
                issuer=self._client.issuer,
                leeway=_LEEWAY,
                options={"require": ["exp", "iat", "iss", "aud", "sub"]},
            )
        # A key of another kind than the head says is a TypeError or ValueError, by which key it is.
        except (jwt.PyJWTError, TypeError, ValueError) as error:
            raise ProviderRefusedError(_code(error)) from None
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if (several or "azp" in claims) and claims.get("azp") != self._client.client_id:
            raise ProviderRefusedError("azp")
        return claims

    async def _key(self, metadata: Mapping[str, Any], kid: object) -> jwt.PyJWK | None:
        """The provider's key of this name; its only one where none is named. Asked for again when it is not known."""
        now = time.monotonic()
        if now - self._known.keys_at > _KEPT:
            await self._read_keys(metadata)
        found = self._of(kid)
        if found is None and now - self._known.keys_at > _AGAIN:
            await self._read_keys(metadata)
            found = self._of(kid)
        return found

    def _of(self, kid: object) -> jwt.PyJWK | None:
        keys = [] if self._known.keys is None else self._known.keys.keys
        fitting = [key for key in keys if kid is None or key.key_id == kid]
        return fitting[0] if len(fitting) == 1 else None

    async def _read_keys(self, metadata: Mapping[str, Any]) -> None:
        status, given = await self._ask("GET", str(metadata["jwks_uri"]))
        try:
            if status == httpx.codes.OK:
                self._known.keys, self._known.keys_at = jwt.PyJWKSet.from_dict(given), time.monotonic()
                return
        except jwt.PyJWTError as error:
            raise ProviderSilentError(hint="its keys can't be read") from error
        raise ProviderSilentError(hint="it did not give its keys")

    async def _metadata(self) -> dict[str, Any]:
        """What the provider says of itself (OpenID Connect Discovery 1.0)."""
        if time.monotonic() - self._known.metadata_at < _KEPT:
            return self._known.metadata
        status, given = await self._ask("GET", f"{self._client.issuer.rstrip('/')}/.well-known/openid-configuration")
        needed = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        # Compared to the letter: a provider that calls itself otherwise may be somebody else's (Discovery, 4.3).
        if status != httpx.codes.OK or given.get("issuer") != self._client.issuer:
            raise ProviderSilentError(hint="it does not know itself by CSAGENT_STAFF__OIDC__ISSUER")
        scheme = self._client.issuer.partition("://")[0]
        if not all(str(given.get(name, "")).startswith(("https://", f"{scheme}://")) for name in needed):
            raise ProviderSilentError(hint="it does not say where it can be asked")
        self._known = _Known(metadata=given, metadata_at=time.monotonic())
        return given

    async def _ask(self, method: str, url: str, **options: Any) -> tuple[int, dict[str, Any]]:
        async def asked() -> httpx.Response:
            async with httpx.AsyncClient(timeout=_SECONDS, follow_redirects=False) as client:
                answer = await client.request(method, url, headers={"Accept": "application/json"}, **options)
            if len(answer.content) > _LARGEST:
                raise httpx.DecodingError("too large")
            return answer

        try:
            answer = await self._breaker.call(asked, fault=_fault)
        except httpx.HTTPError as error:
            raise ProviderSilentError(hint="try again in a moment; local accounts can sign in all the same") from error
        if answer.is_server_error:
            raise ProviderSilentError(hint="it answered with an error; try again in a moment")
        try:
            given = answer.json()
        except ValueError:
            given = None
        return answer.status_code, given if isinstance(given, dict) else {}


def most(roles: Iterable[Role]) -> Role | None:
    """Of several roles the one that may do most; of two that may do as much, the first in ``ROLES``."""
    listed = sorted(set(roles), key=ROLES.index)
    return max(listed, key=lambda role: sum(role in who for who in WHO_MAY.values()), default=None)


def _claim(claims: Mapping[str, Any], path: str) -> object:
    """A claim, or one within another behind a dot. A claim that has the whole name comes first."""
    if path in claims:
        return cast("object", claims[path])
    first, _, rest = path.partition(".")
    inner = claims.get(first)
    return _claim(inner, rest) if rest and isinstance(inner, dict) else None


def _fault(result: httpx.Response | Exception) -> str | None:
    if isinstance(result, httpx.Response):
        return "server_error" if result.is_server_error else None
    return "timeout" if isinstance(result, httpx.TimeoutException) else "unreachable"


_CODES: tuple[tuple[type[jwt.InvalidTokenError], str], ...] = (
    (jwt.ExpiredSignatureError, "expired"),
    (jwt.ImmatureSignatureError, "too_early"),
    (jwt.InvalidAudienceError, "audience"),
    (jwt.InvalidIssuerError, "issuer"),
    (jwt.MissingRequiredClaimError, "claim"),
    (jwt.InvalidSignatureError, "signature"),
)


def _code(error: Exception) -> str:
    return next((code for kind, code in _CODES if isinstance(error, kind)), "token")
