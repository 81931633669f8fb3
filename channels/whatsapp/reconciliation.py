"""Finds out what became of a text whose sending ended in ``Unknown``, by reading Twilio's own list of messages.

Twilio keeps no word of ours with a message: neither a key nor the status callback's URL comes back. So a message is
known by recipient, sender, time and body, less those that other outbox rows are known to have sent. The times are
compared here, because Twilio filters and sorts by the time of sending, which a message that still waits doesn't have.

A status webhook for the row settles the same question sooner (``StatusEvent.delivery_id``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any

import httpx
from twilio.base.exceptions import TwilioException

from channels.envelope import Absent, Arrived, ArrivedPartly, Delivery, Reconciled, Undecided
from channels.whatsapp import PREFIX
from channels.whatsapp.account import Account, TooManyRequestsError
from channels.whatsapp.sender import Sender, now
from channels.whatsapp.text import split

SETTLING = timedelta(minutes=2)
"""How long after a request a message may still turn up: longer than Twilio works on one."""
SKEW = timedelta(minutes=1)
"""By how much Twilio's clock may be behind ours; it counts whole seconds besides."""
MOST = 1_000
"""How many messages between us and a customer to look through at most: the largest page that Twilio gives."""


class Reconciliation:
    """Looks for messages at Twilio.

    Args:
        account: ours at Twilio.
        http: carries the requests; closed by whoever made it.
        sender: how we appear, as when the text was sent.
        clock: the time, in UTC.
        deadline: seconds for the whole search.
    """

    def __init__(
        self,
        account: Account,
        http: httpx.AsyncClient,
        sender: Sender,
        clock: Callable[[], datetime] = now,
        deadline: float = 30.0,
    ) -> None:
        self._messages = account.messages(http)
        self._sender = sender
        self._clock = clock
        self._deadline = deadline

    async def reconcile(
        self, delivery: Delivery, *, handed_over_at: datetime, known: Collection[str] = ()
    ) -> Reconciled:
        """What became of a delivery.

        Args:
            delivery: as it was sent.
            handed_over_at: when its request began.
            known: SIDs that belong to other rows, so that an equal text sent for another reason is not taken for it.
        """
        age = self._clock() - handed_over_at
        try:
            async with asyncio.timeout(self._deadline):
                listed = await self._messages.list_async(
                    to=PREFIX + delivery.address, from_=PREFIX + self._sender.number, limit=MOST, page_size=MOST
                )
            since = handed_over_at - SKEW
            messages = sorted(
                (one for one in listed if one.date_created >= since and one.sid not in known),
                key=lambda one: one.date_created,
            )
        except (
            httpx.HTTPError,
            httpx.InvalidURL,
            TimeoutError,
            TooManyRequestsError,
            TwilioException,
            ValueError,
            TypeError,
            AttributeError,
            KeyError,
        ) as error:
            return Undecided(f"Twilio's list can't be read: {type(error).__name__}", again=True)
        found = self._compare(delivery, messages, settled=age >= SETTLING)
        if len(listed) >= MOST and not isinstance(found, Arrived):
            return Undecided(f"more than {MOST} messages with this customer", again=False)
        return found

    def _compare(self, delivery: Delivery, messages: list[Any], *, settled: bool) -> Reconciled:
        parts = split(delivery.text)
        wanted = [(_bare(part), False) for part in parts] + [("", True) for _ in delivery.files]
        if not wanted:
            return Absent()
        sids: list[str] = []
        missing: list[str] = []
        unmatched = list(messages)
        for index, part in enumerate(wanted):
            match = next((one for one in unmatched if (_bare(one.body), _has_file(one)) == part), None)
            if match is None:
                missing.append(parts[index] if index < len(parts) else delivery.files[index - len(parts)].name)
            else:
                unmatched.remove(match)
                sids.append(match.sid)
        if not missing:
            return Arrived(tuple(sids))
        if not settled:
            return Undecided("it may still turn up", again=True)
        if unmatched and self._sender.template is not None:
            # A template's body is its own; any of these may be the text in it.
            return Undecided(f"{len(unmatched)} other messages may be it, as a template", again=False)
        return ArrivedPartly(tuple(sids), tuple(missing)) if sids else Absent()


def _has_file(message: Any) -> bool:
    return str(message.num_media or "0") != "0"


def _bare(text: str | None) -> str:
    return " ".join((text or "").split())
