"""Messages whose webhook never reached us: Twilio tries each a few times at most, and keeps the message all the same.

They are looked for in Twilio's own list, and made into what their webhook would have said.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import Any

import httpx
from twilio.base.exceptions import TwilioException

from channels.envelope import Envelope
from channels.whatsapp import PREFIX
from channels.whatsapp.account import Account
from channels.whatsapp.form import Form
from channels.whatsapp.inbound import received
from skills.errors import UnavailableError

_PAGE = 1_000
_UNREADABLE = (ValueError, TypeError, AttributeError, KeyError, TwilioException)


class Missed:
    """Looks for customers' messages at Twilio.

    Args:
        account: ours at Twilio.
        http: carries the requests; closed by whoever made it.
        number: ours on WhatsApp, in E.164.
    """

    def __init__(self, account: Account, http: httpx.AsyncClient, number: str) -> None:
        self._messages = account.messages(http)
        self._account = account
        self._number = number

    async def listed(self, since: datetime, until: datetime) -> dict[str, Any]:
        """What customers wrote between two moments, by SID; as Twilio's client shows it.

        Raises:
            UnavailableError: Twilio's list can't be read.
        """
        try:
            found = await self._messages.list_async(
                to=PREFIX + self._number, date_sent_after=since, date_sent_before=until, page_size=_PAGE
            )
            return {one.sid: one for one in found if one.direction == "inbound" and since <= one.date_sent <= until}
        except (httpx.HTTPError, *_UNREADABLE) as error:
            raise UnavailableError(f"Twilio's list can't be read: {type(error).__name__}") from error

    async def envelope(self, message: Any) -> Envelope:
        """The message as its webhook would have brought it.

        Raises:
            UnavailableError: its files can't be listed.
            InvalidMessageError: it names no sender.
        """
        try:
            files = await message.media.list_async() if int(message.num_media or 0) else []
            pairs = [
                ("MessageSid", str(message.sid)),
                ("From", str(message.from_)),
                ("To", str(message.to)),
                ("Body", str(message.body or "")),
                ("NumMedia", str(len(files))),
                *_pairs(self._account.api_url, files),
            ]
        except (httpx.HTTPError, *_UNREADABLE) as error:
            raise UnavailableError(f"a message's files can't be listed: {type(error).__name__}") from error
        return replace(received(Form(pairs)).envelope, written_at=message.date_sent)


def _pairs(api_url: str, files: Collection[Any]) -> list[tuple[str, str]]:
    pairs = []
    for number, file in enumerate(files):
        address = f"{api_url}{str(file.uri).removesuffix('.json')}"
        pairs += [(f"MediaUrl{number}", address), (f"MediaContentType{number}", str(file.content_type))]
    return pairs
