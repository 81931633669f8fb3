"""What an operator sets up for each channel. Groups of ``infra.settings``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode

from channels.web.origins import origin_of


class ChatSettings(BaseModel):
    """The chat that sites embed."""

    origins: Annotated[tuple[str, ...], NoDecode] = ()
    """``https://shop.example,https://www.shop.example``: whose pages may embed it, besides our own."""

    @field_validator("origins", mode="before")
    @classmethod
    def _origins(cls, value: object) -> object:
        """Origins behind commas, as browsers write them."""
        listed = value.split(",") if isinstance(value, str) else value
        if not isinstance(listed, (list, tuple)):
            return value
        return tuple(origin_of(str(origin)) for origin in listed if str(origin).strip())


class WhatsAppSettings(BaseModel):
    """Our account at Twilio. Without its SID there is no WhatsApp."""

    account_sid: str | None = Field(None, pattern=r"^AC[0-9a-zA-Z]{32}$")
    auth_token: SecretStr | None = None
    """Checks webhooks; several behind commas while it is rotated, the one that is used first."""
    api_key_sid: str | None = Field(None, pattern=r"^SK[0-9a-zA-Z]{32}$")
    api_key_secret: SecretStr | None = None
    """Sends instead of the auth token, which can do everything."""
    number: str | None = Field(None, pattern=r"^\+[1-9]\d{5,17}$")
    """Ours on WhatsApp, such as +14155238886."""
    messaging_service_sid: str | None = Field(None, pattern=r"^MG[0-9a-zA-Z]{32}$")
    template_sid: str | None = Field(None, pattern=r"^HX[0-9a-zA-Z]{32}$")
    """The approved template that is sent once the 24-hour window is closed."""
    template_text_variable: str | None = Field(None, pattern=r"^\w{1,30}$")
    """Its variable that takes our text; without one it only asks the customer to write again."""
    code_template_sid: str | None = Field(None, pattern=r"^HX[0-9a-zA-Z]{32}$")
    code_template_variable: str = Field("1", pattern=r"^\w{1,30}$")
    public_url: str | None = None
    """The address under which Twilio reaches us, where it is not the customers' ``CSAGENT_PUBLIC_URL``."""
    base_url: str | None = None
    """Where Twilio's API is instead of https://api.twilio.com."""
    messages_per_second: float = Field(20.0, gt=0, le=1000)
    """For each sender process; Twilio's own limit for a WhatsApp sender is 80."""

    @property
    def tokens(self) -> list[str]:
        """The auth tokens that hold now."""
        text = "" if self.auth_token is None else self.auth_token.get_secret_value()
        return [token.strip() for token in text.split(",") if token.strip()]

    @model_validator(mode="after")
    def _whole(self) -> Self:
        """Half a set-up would take messages and answer none."""
        if self.account_sid is not None and not (self.tokens and self.number):
            raise ValueError("account_sid needs auth_token and number beside it")
        if (self.api_key_sid is None) != (self.api_key_secret is None):
            raise ValueError("api_key_sid and api_key_secret go together")
        return self


class GmailSettings(BaseModel):
    """The mailbox that customers write to. Without ``mailbox`` there is no email channel."""

    mailbox: str | None = None
    """Its address: what customers write to, and what answers come from."""
    credentials: Path | None = None
    """The file that `csagent gmail connect` writes; ``gmail.json`` in ``folder`` otherwise."""
    subject: str | None = None
    """The user of the domain for whom a service account acts, when the mailbox is another address of theirs."""
    api_url: str = "https://gmail.googleapis.com"
    topic: str | None = None
    """The Pub/Sub topic that Gmail tells of changes: ``projects/…/topics/…``. Without it mail is found by looking."""
    push_audience: str | None = None
    """What the push subscription's tokens are for, as it is set there."""
    push_account: str | None = None
    """The service account that the push subscription signs with."""
    certs_url: str = "https://www.googleapis.com/oauth2/v3/certs"
    """Where Google's public keys are."""
    lists: Annotated[frozenset[str], NoDecode] = frozenset()
    """List-Ids, behind commas, through which customers write (a Google group): their mail is a person's."""
    poll_seconds: float = Field(30.0, ge=1)
    """How often new mail is looked for without being told."""

    @field_validator("mailbox", "subject", "push_account", mode="after")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[^\s@<>,;:\"]{1,64}@[^\s@<>,;:\"]{1,255}", value):
            raise ValueError("write one mail address, without a name")
        return None if value is None else value.lower()

    @field_validator("lists", mode="before")
    @classmethod
    def _list_ids(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return frozenset(name.strip(" <>").lower() for name in value.split(",") if name.strip(" <>"))

    @property
    def pushes(self) -> bool:
        """Whether pushes can be told from forgeries."""
        return self.push_audience is not None and self.push_account is not None
