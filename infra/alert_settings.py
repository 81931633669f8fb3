"""Telling the staff that something waits. A group of ``infra.settings``."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode

from infra.alerts.mail import ADDRESS, server_of


class SeverityMinutes(BaseModel):
    """Minutes until a person has to have looked. Never longer than what customers are told in the handoff note."""

    p1: float = Field(15.0, gt=0, le=15)
    p2: float = Field(60.0, gt=0, le=60)
    p3: float = Field(24 * 60.0, gt=0, le=24 * 60)


class AlertSettings(BaseModel):
    """When the staff are told, and through which mail server. Webhooks are kept in the database."""

    smtp_url: SecretStr | None = None
    """``smtp://user:password@mail.example:587`` (STARTTLS), ``smtps://`` or ``smtp+plain://``; without it no mail."""
    mail_from: str | None = None
    """The address that alerts come from."""
    minutes: SeverityMinutes = Field(default_factory=SeverityMinutes)
    warn_share: float = Field(0.7, gt=0, lt=1)
    """How much of that time is over when a case counts as near its deadline."""
    at_once: Annotated[tuple[Literal["P1", "P2", "P3"], ...], NoDecode] = ("P1", "P2")
    """``P1,P2``: severities that are told of as soon as they wait; the others when their deadline is near."""
    idle_claim_minutes: float = Field(5.0, ge=1, le=15)
    """A claim on a late case that nobody touches for so long is let go, so that the next reviewer takes it."""
    owned_minutes: float = Field(60.0, ge=1)
    """How long a customer may wait for whoever has taken their case over."""
    give_up_hours: float = Field(24.0, gt=0, le=24 * 7)
    """For how long an alert is tried; then it is shown as failed."""
    keep_days: int = Field(90, ge=7)
    """How long old alerts are kept."""
    private_networks: list[str] = Field(default_factory=list)
    """Networks that are not public and may be called by webhooks all the same, such as 10.1.0.0/16."""

    @field_validator("at_once", mode="before")
    @classmethod
    def _severities(cls, value: object) -> object:
        return tuple(one.strip() for one in value.split(",") if one.strip()) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _whole(self) -> Self:
        """Half a set-up would tell nobody."""
        if self.smtp_url is None:
            return self
        server_of(self.smtp_url.get_secret_value())
        if self.mail_from is None or not ADDRESS.fullmatch(self.mail_from):
            raise ValueError("with smtp_url goes mail_from: one mail address, without a name")
        return self
