"""A file as whoever may read its message sees it: what it is, and a link to it that works for a while."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pydantic import BaseModel, Field

from api.wiring import Services
from infra.postgres.files import FileEntry


class MessageFile(BaseModel):
    """A file of a message."""

    name: str
    media_type: str = Field(description="What its bytes say")
    size: int = Field(description="Bytes, also of one that was not kept")
    refusal: str | None = Field(None, description="Why it was not kept")
    url: str | None = Field(None, description="Where it can be read for a while; the path of this service")


def shown_file(use: Services, entry: FileEntry) -> MessageFile:
    """A file as whoever may read its message sees it, with a link of its own."""
    url = None if entry.refusal else f"/v1/files/{link_to(use, entry)}"
    return MessageFile(name=entry.name, media_type=entry.media_type, size=entry.size, refusal=entry.refusal, url=url)


def link_to(use: Services, entry: FileEntry) -> str:
    """A token that works for as long as the settings say, at least, and is the same all day: a browser may keep it."""
    hours = timedelta(hours=use.settings.files.link_hours)
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return use.file_links.sign(entry.message_id, entry.ordinal, midnight + timedelta(days=1) + hours)
