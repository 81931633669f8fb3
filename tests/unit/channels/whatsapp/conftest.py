"""A way to Twilio's emulator, and what is sent on it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import pytest

from channels.envelope import (
    Delivery,
    Reconciled,
    SendResult,
)
from channels.whatsapp import WHATSAPP
from channels.whatsapp.account import Account
from channels.whatsapp.outbound import WhatsAppOutbound
from channels.whatsapp.pace import Pace
from channels.whatsapp.reconciliation import Reconciliation
from channels.whatsapp.sender import Link, Sender, no_link
from channels.whatsapp.window import Template
from evals.emulators.twilio.faults import (
    LOST,
)
from evals.emulators.twilio.server import ACCOUNT_SID, AUTH_TOKEN, NUMBER, TwilioServer
from skills.turn import ConversationId, MessageId

ADA = "+491701234567"
TEMPLATES = {
    "HX" + "1" * 32: "News from us: {{1}}",
    "HX" + "2" * 32: "We have an answer for you. Write to us to get it.",
}
CARRYING, INVITING = (Template(sid) for sid in TEMPLATES)
CARRYING = replace(CARRYING, text_variable="1")


def delivery(text: str = "It is on its way.", address: str = ADA) -> Delivery:
    return Delivery(
        id=UUID(int=5),
        message_id=MessageId(UUID(int=6)),
        conversation_id=ConversationId(UUID(int=7)),
        channel=WHATSAPP,
        text=text,
        address=address,
        attempt=1,
    )


@dataclass
class Memory:
    """When the customer last wrote."""

    moment: datetime | None = field(default_factory=lambda: datetime.now(UTC))

    stopped: bool = False

    async def last_heard(self, _conversation_id: ConversationId) -> datetime | None:
        return self.moment

    async def opted_out(self, _address: str) -> bool:
        return self.stopped


@pytest.fixture
def twilio() -> Iterator[TwilioServer]:
    with TwilioServer(templates=TEMPLATES) as server:
        server.lives(otherwise=LOST)
        server.ledger.receive(f"whatsapp:{ADA}", "Where is my order?", ())
        yield server


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False) as client:
        yield client


class Line:
    """A way to the emulator: sends, and looks for what was sent."""

    def __init__(self, twilio: TwilioServer, http: httpx.AsyncClient) -> None:
        self.http = http
        self.account = Account(ACCOUNT_SID, AUTH_TOKEN, base_url=twilio.url)
        self.sender = Sender(NUMBER)
        self.pace: Pace | None = None
        self.link: Link = no_link
        self.deadline = 20.0

    def outbound(self, heard: Memory | None = None) -> WhatsAppOutbound:
        known = heard or Memory()
        return WhatsAppOutbound(
            self.account, self.http, self.sender, known, self._pace(), self.link, deadline=self.deadline
        )

    def _pace(self) -> Pace:
        self.pace = self.pace or Pace(1_000)
        return self.pace

    async def send(self, delivery: Delivery, heard: Memory | None = None) -> SendResult:
        return await self.outbound(heard).send(delivery)

    async def look(
        self, delivery: Delivery, since: datetime, known: tuple[str, ...] = (), *, minutes: int = 5
    ) -> Reconciled:
        reconciliation = Reconciliation(
            self.account, self.http, self.sender, lambda: datetime.now(UTC) + timedelta(minutes=minutes)
        )
        return await reconciliation.reconcile(delivery, handed_over_at=since, known=known)


@pytest.fixture
def line(twilio: TwilioServer, http: httpx.AsyncClient) -> Line:
    return Line(twilio, http)
