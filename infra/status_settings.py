"""The public status page. A group of ``infra.settings``."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, field_validator


class StatusSettings(BaseModel):
    """What is checked, how soon a draft is opened, and how long staff have."""

    file: Path | None = None
    """Where the scheduler writes what the public reads, for `csagent status serve` on the same machine."""
    origin: str | None = None
    """The API's address as the scheduler, and the status page's own server, reach it: ``http://api:8000``. Without it
    the scheduler goes by the API's signs of life alone."""
    check_seconds: float = Field(30.0, ge=1, le=600)
    draft_minutes: float = Field(5.0, gt=0)
    """A component in trouble for so long opens a draft of an incident, for staff to publish."""
    notice_minutes: float = Field(30.0, gt=0)
    """How long after its start a P1 or P2 may be without a public notice."""
    report_hours: float = Field(24.0, gt=0)
    """How long after its end it may be without a report."""

    @field_validator("origin")
    @classmethod
    def _address(cls, origin: str | None) -> str | None:
        """An address over HTTP, without a slash at its end."""
        if origin is not None and urlsplit(origin).scheme not in {"http", "https"}:
            raise ValueError("an address that begins with http:// or https://")
        return origin and origin.rstrip("/")
