"""Sending by mail: one request a mail, and an honest word about what came of it.

Gmail has no idempotency key, so a request that may have been taken is never repeated here: the result is ``Unknown``,
and ``reconciliation`` looks for the mail by its id. An answer joins the customer's thread on both sides: at ours by
Gmail's thread id, at theirs by In-Reply-To and References, at both only with the subject kept.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Protocol

from channels.envelope import Accepted, Delivery, Reconciled, Refused, SendResult
from channels.gmail import EMAIL
from channels.gmail.account import Account
from channels.gmail.compose import Reply, compose, message_id
from channels.gmail.inbound import named
from channels.gmail.letterhead import Letterhead, now
from channels.gmail.reconciliation import Reconciliation
from channels.gmail.refusals import CallError, verdict
from skills.errors import InvalidMessageError
from skills.turn import ChannelName, ConversationId

MAX_BYTES = 35 * 1_048_576
"""What Gmail takes as one mail, written as it is sent."""
CODE_SUBJECT = "Your code"
NEW_SUBJECT = "Your request"
"""Of a mail that answers none: the customer wrote on another channel, say."""


class Correspondence(Protocol):
    """Knows what was last heard in a conversation."""

    async def detail(self, conversation_id: ConversationId) -> Mapping[str, str]:
        """What ``inbound`` remembered of the customer's newest mail; empty without one."""
        ...


class GmailOutbound:
    """The email channel's sending half.

    Args:
        account: our mailbox.
        letterhead: how we appear.
        correspondence: knows what is answered.
        clock: the time, in UTC.
    """

    def __init__(
        self,
        account: Account,
        letterhead: Letterhead,
        correspondence: Correspondence,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._account = account
        self._letterhead = letterhead
        self._correspondence = correspondence
        self._clock = clock
        self._reconciliation = Reconciliation(account, letterhead, clock)

    @property
    def name(self) -> ChannelName:
        """The channel's name, as it stands in every row."""
        return EMAIL

    @property
    def repeatable(self) -> bool:
        """Never: Gmail would send a second mail for a second request."""
        return False

    async def send(self, delivery: Delivery) -> SendResult:
        """Hand the text to Gmail, once.

        Raises:
            UnavailableError: ``correspondence`` could not be asked. Nothing was sent.
        """
        code = delivery.kind == "code"
        answered: Mapping[str, str] = {} if code else await self._correspondence.detail(delivery.conversation_id)
        try:
            raw = compose(self._reply(delivery, answered))
        except InvalidMessageError as error:
            return Refused(str(error), retry=False)
        if len(raw) > MAX_BYTES:
            return Refused(f"the mail is larger than {MAX_BYTES // 1_048_576} MB", retry=False)
        try:
            try:
                await self._account.send(raw, answered.get("thread_id"))
            except CallError as error:
                if not (error.missing and "thread_id" in answered):
                    raise
                # Somebody deleted the thread. This request was refused; at the customer's side References still hold.
                await self._account.send(raw, None)
        except CallError as error:
            return verdict(error)
        return Accepted(named(message_id(delivery.id, self._letterhead.address.rpartition("@")[2])))

    async def reconcile(
        self, delivery: Delivery, *, handed_over_at: datetime, known: Collection[str] = ()
    ) -> Reconciled:
        """What became of a mail whose sending ended in ``Unknown``."""
        return await self._reconciliation.reconcile(delivery, handed_over_at=handed_over_at, known=known)

    def _reply(self, delivery: Delivery, answered: Mapping[str, str]) -> Reply:
        code, letterhead = delivery.kind == "code", self._letterhead
        answers = not code and "message_id" in answered
        subject = CODE_SUBJECT if code else answered.get("subject", "" if answers else NEW_SUBJECT)
        return Reply(
            outbox_id=delivery.id,
            text=delivery.text,
            subject=subject,
            to_address=answered.get("reply_to", delivery.address),
            to_name=answered.get("name", ""),
            from_address=letterhead.address,
            from_name=letterhead.company,
            written_at=self._clock(),
            by_agent=delivery.author != "human",
            in_reply_to=answered.get("message_id"),
            references=tuple(answered.get("references", "").split()),
            signature="" if code else letterhead.signature,
            files=delivery.files,
            answers=answers or (not code and "subject" in answered),
        )
