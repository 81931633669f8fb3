"""How the staff sign in. A group of ``infra.settings``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, SecretStr, TypeAdapter, ValidationError, field_validator, model_validator
from pydantic_settings import NoDecode

from infra.staff.roles import ROLES, Role
from skills.errors import ConfigurationError

_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


def roles_behind_commas(value: object) -> object:
    """``name:role, other:role`` as pairs. The role stands behind the last colon, for a group may be an address.

    Raises:
        ValueError: a pair is none, its name is empty, or its role is none of ours.
    """
    if not isinstance(value, str):
        return value
    pairs = [pair.strip().rpartition(":") for pair in value.split(",") if pair.strip()]
    wrong = f"write name:role, several behind commas; a role is one of {', '.join(ROLES)}"
    if not all(name.strip() for name, _, _ in pairs):
        raise ValueError(wrong)
    try:
        return {name.strip(): TypeAdapter(Role).validate_python(role.strip()) for name, _, role in pairs}
    except ValidationError:
        raise ValueError(wrong) from None


def refuse_unknown_keys(key_roles: Mapping[str, Role], keys: Iterable[str]) -> None:
    """Raise ConfigurationError for a role of a key that there is not: the key that was meant would be a lead's."""
    unknown = sorted(set(key_roles) - set(keys))
    if unknown:
        raise ConfigurationError(
            f"CSAGENT_STAFF__KEY_ROLES names {', '.join(unknown)}, and no staff key is called so",
            hint=f"the keys are {', '.join(keys)}",
        )


Roles = Annotated[dict[str, Role], NoDecode]
"""``name:role,other:role``."""


class OidcSettings(BaseModel):
    """The company's OpenID provider. Without an issuer nobody signs in through one."""

    issuer: str | None = None
    """Its address, as it names itself: ``https://login.example/realms/support``."""
    client_id: str | None = None
    client_secret: SecretStr | None = None
    label: str = Field("your company account", max_length=60)
    """On the sign-in page: "Sign in with …"."""
    scopes: str = Field("openid profile email", pattern=r"^openid( [!-~]+)*$")
    name_claim: str = "preferred_username"
    """Which claim is somebody's name here. It has to be one that its bearer can't change at the provider."""
    roles_claim: str = "groups"
    """Which claim lists groups or roles; ``realm_access.roles`` is one within another."""
    roles: Roles = Field(default_factory=dict)
    """``group:role,other:role``. Of several the one that may do most counts; whoever has none may not come in."""

    @field_validator("issuer")
    @classmethod
    def _safe(cls, issuer: str | None) -> str | None:
        """What comes from there is believed, so nobody on the way may change it."""
        address = urlsplit(issuer or "https:")
        if address.scheme != "https" and not (address.scheme == "http" and address.hostname in _LOCAL):
            raise ValueError("the issuer's address begins with https://")
        return issuer

    @field_validator("roles", mode="before")
    @classmethod
    def _roles(cls, value: object) -> object:
        return roles_behind_commas(value)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        """A provider that is set up half lets nobody in, and nobody would know why."""
        if self.issuer is None:
            return self
        if self.client_id is None or self.client_secret is None:
            raise ValueError("with an issuer go a client_id and a client_secret")
        if not self.roles:
            raise ValueError("with an issuer goes roles=group:role, or nobody could come in")
        return self


class StaffSettings(BaseModel):
    """Sessions and sign-in of the staff's pages."""

    idle_minutes: int = Field(60, ge=1, le=24 * 60)
    """A session in which nobody does anything for so long is over. An open page that refreshes itself does nothing."""
    session_hours: int = Field(12, ge=1, le=24 * 30)
    """A session is over after so long, whatever is done in it."""
    passwords: bool = True
    """Whether local accounts may sign in; off where everybody comes through the provider."""
    password_memory_kib: int = Field(65_536, ge=8 * 4, le=4 * 1_048_576)
    """Memory that hashing a password takes; Argon2id's other parameters are those of RFC 9106."""
    tries: int = Field(10, ge=1, le=1000)
    """Wrong passwords for one name in a quarter of an hour; then nobody can try that name for a while."""
    tries_from_address: int = Field(50, ge=1)
    """The same from one network address, for whichever names."""
    key_roles: Roles = Field(default_factory=dict)
    """``name:role`` of the keys in ``CSAGENT_STAFF_KEYS``; a key that is not named is a lead's."""
    oidc: OidcSettings = Field(default_factory=OidcSettings)

    @field_validator("key_roles", mode="before")
    @classmethod
    def _key_roles(cls, value: object) -> object:
        return roles_behind_commas(value)
