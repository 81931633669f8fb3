"""The staff's door: keys, sessions and the provider in one place, and what goes into a browser's cookies.

A request is somebody's by a staff key or by a session's cookie; ``api.routes.staff`` asks here and nowhere else.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from ipaddress import IPv6Address, IPv6Network, ip_address

from fastapi import Response
from pydantic import SecretStr

from infra.postgres.staff import StaffAccounts
from infra.postgres.staff_sessions import StaffSessions
from infra.staff.oidc import Flow, OpenIdProvider
from infra.staff.roles import Role

OIDC_BACK = "/sign-in/provider/back"
"""Where the provider sends browsers back to."""
FLOW_SECONDS = 600
"""How long somebody may take at the provider."""
_KEYS_ARE: Role = "lead"
"""What a staff key may do where nothing else is said: everything but manage accounts."""


@dataclass(frozen=True, slots=True)
class StaffDoor:
    """Who of the staff may come in, and how."""

    accounts: StaffAccounts
    sessions: StaffSessions
    keys: Mapping[str, SecretStr]
    key_roles: Mapping[str, Role]
    secret: bytes
    """Signs what is kept in cookies and forms."""
    provider: OpenIdProvider | None = None
    """The company's, if there is one."""
    provider_label: str = ""
    passwords: bool = True
    """Whether local accounts may sign in."""
    public_url: str | None = None
    """The address that browsers use, when it can't be told from a request."""

    def key_holder(self, presented: str) -> tuple[str, Role] | None:
        """Whose staff key this is, and what they may do. Every key is compared, in constant time."""
        given, found = presented.encode("utf-8", "replace"), None
        for name, key in self.keys.items():
            if hmac.compare_digest(key.get_secret_value().encode(), given):
                found = name
        return None if found is None else (found, self.key_roles.get(found, _KEYS_ARE))

    def secure(self, scheme: str) -> bool:
        """Whether browsers reach us by https, so that cookies can be kept from everything else."""
        return scheme == "https" or (self.public_url or "").startswith("https:")

    def form_token(self, cookie: str) -> str:
        """What a form carries that was made for this browser: another site's form can't know it."""
        return hmac.new(self.secret, b"form\x1f" + cookie.encode("utf-8", "replace"), hashlib.sha256).hexdigest()

    def kept_flow(self, flow: Flow, then: str) -> str:
        """A flow to the provider as this browser keeps it, and where it wants to go afterwards."""
        until = int(time.time()) + FLOW_SECONDS
        body = urlsafe_b64encode(json.dumps([asdict(flow), then, until]).encode()).decode()
        return f"{body}.{self._seal(body)}"

    def flow_of(self, kept: str) -> tuple[Flow, str] | None:
        """The same again, if it is ours and not too old."""
        body, _, seal = kept.rpartition(".")
        if not hmac.compare_digest(self._seal(body).encode(), seal.encode("utf-8", "replace")):
            return None
        flow, then, until = json.loads(urlsafe_b64decode(body))
        return (Flow(**flow), str(then)) if time.time() < until else None

    def _seal(self, body: str) -> str:
        return hmac.new(self.secret, b"flow\x1f" + body.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class Cookie:
    """A cookie of ours: under https it is bound to this very host (``__Host-``) and never goes out in the clear."""

    name: str
    secure: bool

    def put(self, response: Response, value: str, *, seconds: int | None = None) -> None:
        """Have the browser keep it for so long, or until it is closed."""
        response.set_cookie(
            self.name, value, max_age=seconds, path="/", httponly=True, samesite="lax", secure=self.secure
        )

    def clear(self, response: Response) -> None:
        """Have the browser forget it."""
        response.delete_cookie(self.name, path="/", httponly=True, samesite="lax", secure=self.secure)


def session_cookie(*, secure: bool) -> Cookie:
    """Holds the session's token; before somebody has signed in a random value, for the form to be bound to."""
    return Cookie("__Host-csagent" if secure else "csagent_staff", secure)


def flow_cookie(*, secure: bool) -> Cookie:
    """Holds a flow to the provider while its browser is away."""
    return Cookie("__Host-csagent-flow" if secure else "csagent_flow", secure)


def network_of(host: str) -> str:
    """What tries to sign in are counted by: an IPv4 address, or of an IPv6 one the /64, which is one subscriber's."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if not isinstance(address, IPv6Address):
        return str(address)
    return str(address.ipv4_mapped or IPv6Network((int(address), 64), strict=False))


def unsigned() -> str:
    """A value for the session's cookie of somebody who has not signed in."""
    return secrets.token_urlsafe(24)
