"""The JSON of Twilio's API, as its published OpenAPI document describes it."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlencode

VERSION = "2010-04-01"


def new_sid(prefix: str) -> str:
    """An identifier such as Twilio gives: two letters and 32 hexadecimal digits."""
    return prefix + secrets.token_hex(16)


@dataclass(frozen=True, slots=True)
class Media:
    """A file of a message."""

    content: bytes
    content_type: str
    sid: str = field(default_factory=lambda: new_sid("ME"))


@dataclass(slots=True)
class Message:
    """A message at Twilio; its status changes."""

    account_sid: str
    direction: str
    from_: str
    to: str
    body: str
    created: datetime
    status: str
    sid: str = field(default_factory=lambda: new_sid("SM"))
    messaging_service_sid: str | None = None
    content_sid: str | None = None
    status_callback: str | None = None
    media: tuple[Media, ...] = ()
    media_urls: tuple[str, ...] = ()
    sent: datetime | None = None
    updated: datetime | None = None
    error_code: int | None = None

    @property
    def uri(self) -> str:
        """Its path without the ending."""
        return f"/{VERSION}/Accounts/{self.account_sid}/Messages/{self.sid}"


def message_json(message: Message) -> dict[str, Any]:
    """A message, with every property of ``api.v2010.account.message``."""
    return {
        "account_sid": message.account_sid,
        "api_version": VERSION,
        "body": message.body,
        "date_created": _date(message.created),
        "date_sent": _date(message.sent),
        "date_updated": _date(message.updated or message.created),
        "direction": message.direction,
        "error_code": message.error_code,
        "error_message": None if message.error_code is None else f"Error {message.error_code}",
        "from": message.from_,
        "messaging_service_sid": message.messaging_service_sid,
        "num_media": str(len(message.media) + len(message.media_urls)),
        "num_segments": "1",
        "price": None,
        "price_unit": None,
        "sid": message.sid,
        "status": message.status,
        "subresource_uris": {"media": f"{message.uri}/Media.json"},
        "to": message.to,
        "uri": f"{message.uri}.json",
    }


def media_json(message: Message, media: Media) -> dict[str, Any]:
    """A file, with every property of ``api.v2010.account.message.media``."""
    return {
        "account_sid": message.account_sid,
        "content_type": media.content_type,
        "date_created": _date(message.created),
        "date_updated": _date(message.created),
        "parent_sid": message.sid,
        "sid": media.sid,
        "uri": f"{message.uri}/Media/{media.sid}.json",
    }


def page_json(
    path: str, name: str, rows: Sequence[dict[str, Any]], *, page: int, size: int, asked: dict[str, str]
) -> dict[str, Any]:
    """One page of a list; ``rows`` are all of them."""
    shown = rows[page * size : (page + 1) * size]

    def uri(number: int) -> str:
        return f"{path}?{urlencode({**asked, 'PageSize': size, 'Page': number})}"

    return {
        "end": page * size + max(len(shown) - 1, 0),
        "first_page_uri": uri(0),
        "next_page_uri": uri(page + 1) if (page + 1) * size < len(rows) else None,
        "page": page,
        "page_size": size,
        "previous_page_uri": uri(page - 1) if page > 0 else None,
        "start": page * size,
        "uri": uri(page),
        name: list(shown),
    }


def error_json(status: int, code: int, message: str) -> dict[str, Any]:
    """An error."""
    return {
        "code": code,
        "message": message,
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }


def _date(moment: datetime | None) -> str | None:
    return None if moment is None else format_datetime(moment.astimezone(UTC))
