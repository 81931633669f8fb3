"""Finds out what became of a mail whose sending ended in ``Unknown``, by looking for it among the sent ones.

Each of our mails has a Message-ID of its outbox row, which Gmail's search knows. Gmail has been seen to replace ids: so
before a mail is called absent, the mails that were sent since are asked one by one for the id that we put beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime, timedelta

from channels.envelope import Absent, Arrived, Delivery, Reconciled, Undecided
from channels.gmail.account import Account
from channels.gmail.compose import OWN_ID, message_id
from channels.gmail.inbound import named
from channels.gmail.letterhead import Letterhead, now
from channels.gmail.refusals import CallError

SETTLING = timedelta(minutes=5)
"""How long a mail that was sent may take to be found."""
SKEW = timedelta(minutes=1)
"""By how much Google's clock may be behind ours."""
MOST = 100
"""So many mails are asked one by one."""


class Reconciliation:
    """Looks for mails at Gmail.

    Args:
        account: our mailbox.
        letterhead: as when the mail was sent.
        clock: the time, in UTC.
    """

    def __init__(self, account: Account, letterhead: Letterhead, clock: Callable[[], datetime] = now) -> None:
        self._account = account
        self._domain = letterhead.address.rpartition("@")[2]
        self._clock = clock

    async def reconcile(
        self,
        delivery: Delivery,
        *,
        handed_over_at: datetime,
        known: Collection[str] = (),  # noqa: ARG002 - ids of ours need no telling apart
    ) -> Reconciled:
        """What became of a delivery.

        Args:
            delivery: as it was sent.
            handed_over_at: when its request began.
            known: names of other deliveries' mails.
        """
        ours = message_id(delivery.id, self._domain)
        try:
            found = await self._account.search(f"in:anywhere rfc822msgid:{ours.strip('<>')}")
            if found.entries:
                return Arrived((named(ours),))
            if self._clock() - handed_over_at < SETTLING:
                return Undecided("it may still turn up", again=True)
            return await self._one_by_one(delivery, ours, handed_over_at)
        except CallError as error:
            return Undecided(str(error), again=error.passing or error.access)

    async def _one_by_one(self, delivery: Delivery, ours: str, handed_over_at: datetime) -> Reconciled:
        since = int((handed_over_at - SKEW).timestamp())
        until = int((handed_over_at + SETTLING).timestamp())
        sent = await self._account.search(f"in:sent after:{since} before:{until}")
        for entry in sent.entries:
            if (await self._account.header(entry.id, OWN_ID)).get(OWN_ID.lower(), "").strip() == delivery.id.hex:
                return Arrived((named(ours),))
        if sent.following is not None:
            return Undecided(f"more than {MOST} mails were sent in those minutes", again=False)
        return Absent()
