"""Notices of the status page by mail: what they say, and how they are handed over."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never
from uuid import UUID

from channels.envelope import Accepted, Deferred, Refused, SendResult, Unknown
from infra.crypto.subscription_links import SubscriptionLinks
from infra.postgres.subscribers import Notice, Subscribers

ONCE = 40
"""Mails in one round."""


@dataclass(frozen=True, slots=True)
class Mailing:
    """A mail. ``ending`` is the address that ends the subscription with one POST; ``None`` before it has begun."""

    id: UUID
    address: str
    subject: str
    text: str
    ending: str | None = None


Post = Callable[[Mailing], Awaitable[SendResult]]
"""Hands a mail over, once."""


async def send_notices(subscribers: Subscribers, links: SubscriptionLinks, company: str, post: Post) -> dict[str, int]:
    """Hand over what is due, forty mails at most; how many were taken and how many were not."""
    taken = 0
    notices = await subscribers.claim(ONCE)
    for notice in notices:
        result = await post(mailing(notice, links, company))
        match result:
            case Accepted():
                taken += 1
                await subscribers.sent(notice)
            case Unknown():
                await subscribers.unknown(notice, "unknown")
            case Refused():
                await subscribers.refused(notice, "refused", retry=result.retry)
            case Deferred():
                await subscribers.refused(notice, "deferred", retry=True)
            case _:
                assert_never(result)
    return {"taken": taken, "others": len(notices) - taken}


def mailing(notice: Notice, links: SubscriptionLinks, company: str) -> Mailing:
    """What a notice says."""
    link = links.link(notice.subscriber_id)
    if notice.kind == "confirm":
        text = (
            f"Somebody, probably you, asked {company} to send notices of outages and planned work to this address.\n\n"
            f"To get them, open this page and confirm:\n{link}\n\n"
            "If it was not you, do nothing: you will hear no more of it, and the address is deleted in two days."
        )
        return Mailing(notice.id, notice.address, f"Confirm: notices from {company}", text)
    when = "" if notice.starts_at is None or notice.ends_at is None else _when(notice.starts_at, notice.ends_at)
    text = f"{notice.title}\n\n{when}{notice.body}\n\n--\nYou asked for these notices. To end them:\n{link}"
    subject = f"{company}: {notice.title} ({notice.phase})"
    return Mailing(notice.id, notice.address, subject, text, links.ending(notice.subscriber_id))


def _when(starts: datetime, ends: datetime) -> str:
    return f"{starts:%Y-%m-%d %H:%M} to {ends:%Y-%m-%d %H:%M} UTC\n\n"


def with_ending(raw: bytes, ending: str | None) -> bytes:
    """The mail with the header lines by which programs offer "unsubscribe" (RFC 2369, RFC 8058)."""
    if ending is None:
        return raw
    lines = f"List-Unsubscribe: <{ending}>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    return lines.encode("ascii") + raw
