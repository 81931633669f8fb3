"""Customers who prove who they are, on the core: codes, proofs, merges and what is seen of earlier talks."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

from channels.addresses import EMAIL, WHATSAPP
from channels.envelope import Accepted, ClaimedAddress, Delivery, Envelope, SendResult
from channels.web import CHAT
from infra.postgres.customers import Customers
from infra.postgres.earlier import EarlierTalks
from infra.postgres.inbox import Receipt
from infra.postgres.proofs import Proof, Proofs
from infra.postgres.verification import CodeLimits, Verifications
from skills.turn import ChannelName, CustomerId, Turn
from tests.core import NOW, Core

MONTH = timedelta(days=30)


@dataclass
class Mailbox:
    """An e-mail channel that keeps what it is given."""

    name: ChannelName = EMAIL
    repeatable: bool = False
    results: list[SendResult] = field(default_factory=list)
    taken: list[Delivery] = field(default_factory=list)

    async def send(self, delivery: Delivery) -> SendResult:
        self.taken.append(delivery)
        return self.results.pop(0) if self.results else Accepted()

    def code(self) -> str:
        """The code of the newest mail."""
        return str(re.findall(r"\b\d{6}\b", self.taken[-1].text)[0])


@dataclass
class Identities:
    """The repositories of identity on a core, and what tests do with them."""

    core: Core
    limits: CodeLimits = field(default_factory=CodeLimits)
    undoable: timedelta = MONTH
    life: timedelta = MONTH

    def __post_init__(self) -> None:
        database, keyring = self.core.database, self.core.keyring
        self.mailbox = Mailbox()
        self.verifications = Verifications(
            database,
            keyring,
            text=lambda _language, code: f"code {code}",
            limits=self.limits,
            holder="test",
            hold=timedelta(seconds=30),
        )
        self.proofs = Proofs(database, keyring, life=self.life)
        self.earlier = EarlierTalks(database, keyring)
        self.customers = Customers(database, keyring, undoable=self.undoable)

    async def chat(self, thread: str, text: str, *, email: str | None = None, name: str | None = None) -> Receipt:
        """A visitor's message, who proves nothing by it."""
        return await self.core.inbox.receive(
            Envelope(
                channel=CHAT,
                provider_message_id=uuid4().hex,
                thread=thread,
                address=thread,
                verified=False,
                text=text,
                name=name,
                claims=() if email is None else (ClaimedAddress(EMAIL, email),),
            ),
            settle=NOW,
        )

    async def mail(self, address: str, text: str, *, thread: str | None = None, name: str | None = None) -> Receipt:
        """A mail whose sender the channel has proven."""
        return await self._proven(EMAIL, address, text, thread or uuid4().hex, name)

    async def whatsapp(self, number: str, text: str) -> Receipt:
        return await self._proven(WHATSAPP, number, text, f"+10000000000/{number}", None)

    async def code(self, thread: str, address: str, channel: ChannelName = EMAIL) -> str:
        """The code that was sent to an address for this talk."""
        await self.verifications.ask(thread, channel=channel, address=address)
        (delivery,) = await self.verifications.claim(10, [channel])
        await self.verifications.sent(delivery)
        return delivery.text.removeprefix("code ")

    async def prove(self, thread: str, address: str, channel: ChannelName = EMAIL) -> Proof:
        code = await self.code(thread, address, channel)
        return await self.proofs.prove(await self.verifications.try_code(thread, code))

    async def customer_of(self, receipt: Receipt) -> CustomerId:
        rows = await self.core.rows("select customer_id from conversations where id = %s", receipt.conversation_id)
        return CustomerId(rows[0]["customer_id"])

    async def turn(self, receipt: Receipt) -> Turn:
        """What the agent would be given to work on, without keeping it."""
        lease = await self.core.claim(receipt.case_id)
        work = await self.core.ledger.load(lease)
        await self.core.ledger.release(lease)
        await self.core.rows("update case_work set due_at = now() where case_id = %s returning 1", receipt.case_id)
        assert work is not None
        assert work.turn is not None
        return work.turn

    async def answer(self, receipt: Receipt) -> None:
        """One turn of the agent, delivered on whichever channel."""
        await self.core.work(receipt.case_id)
        for delivery in await self.core.outbox.claim(50):
            await self.core.outbox.sent([(delivery, None)])

    async def events(self, kind: str) -> list[dict[str, Any]]:
        return await self.core.rows("select actor, data from events where kind = %s order by at", kind)

    async def _proven(self, channel: ChannelName, address: str, text: str, thread: str, name: str | None) -> Receipt:
        return await self.core.inbox.receive(
            Envelope(
                channel=channel,
                provider_message_id=uuid4().hex,
                thread=thread,
                address=address,
                verified=True,
                text=text,
                name=name,
            ),
            settle=NOW,
        )
