"""The core with trivial skills, put together for a test: write as a customer, work as a worker, read what happened."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

from api.metrics import Metrics
from api.sender import Sender
from api.terms import is_courtesy
from api.worker import Worker, WorkerLimits
from channels.envelope import Envelope
from channels.protocol import OutboundChannel
from channels.web import CHAT
from channels.web.outbound import WebOutbound
from graph.build import Graph
from graph.handling import TurnHandler
from graph.ports import Lease
from infra.crypto.keyring import Keyring
from infra.postgres.aftermath import Judges
from infra.postgres.cases import Cases
from infra.postgres.conversations import Conversations, SeenMessage
from infra.postgres.database import Database
from infra.postgres.dead_letters import DeadLetters
from infra.postgres.inbox import Inbox, Receipt
from infra.postgres.leases import Leases
from infra.postgres.life import ENDLESS, Life
from infra.postgres.lives import Lives
from infra.postgres.outbox import Outbox
from infra.postgres.reviews import Reviews
from infra.postgres.signals import PostgresSignals
from infra.postgres.surveys import Surveys
from infra.postgres.turns import PostgresLedger
from skills.conclude import rating_in
from skills.turn import CaseId, ChannelName
from tests.trivial import trivial_graph

NOW = timedelta(0)


@dataclass
class Core:
    """Every repository on one database, and the two workers' loops taken apart."""

    database: Database
    keyring: Keyring
    graph: Graph
    channel: OutboundChannel
    life: Life = ENDLESS

    def __post_init__(self) -> None:
        judges = Judges(is_courtesy, rating_in)
        self.inbox = Inbox(self.database, self.keyring, life=self.life, judges=judges)
        self.conversations = Conversations(self.database, self.keyring)
        self.cases = Cases(self.database, self.keyring, check_text=lambda _channel, _text: None, life=self.life)
        self.lives = Lives(self.database, self.keyring, self.life)
        self.surveys = Surveys(self.database, self.keyring, self.lives, link="https://help.example/{}".format)
        self.reviews = Reviews(self.database, self.keyring, self.cases)
        self.ledger = PostgresLedger(self.database, self.keyring, life=self.life)
        self.leases = Leases(self.database, holder="test", duration=timedelta(seconds=10))
        self.handler = TurnHandler(self.graph, self.ledger)
        self.dead_letters = DeadLetters(self.database, self.keyring, notice=lambda _language: "It went wrong.")
        self.outbox = Outbox(self.database, self.keyring, holder="test", hold=timedelta(seconds=30))
        self.signals = PostgresSignals(self.database)
        self.metrics = Metrics()
        self.sender = Sender(
            outbox=self.outbox,
            channels={self.channel.name: self.channel},
            signals=self.signals,
            metrics=self.metrics,
        )

    def worker(self, *, leases: Leases | None = None, limits: WorkerLimits | None = None) -> Worker:
        return Worker(
            leases=leases or self.leases,
            ledger=self.ledger,
            handler=self.handler,
            dead_letters=self.dead_letters,
            signals=self.signals,
            limits=limits or WorkerLimits(sweep=0.05, drain=5.0),
            metrics=self.metrics,
        )

    async def write(
        self, thread: str, text: str, *, key: str | None = None, channel: ChannelName = CHAT, settle: timedelta = NOW
    ) -> Receipt:
        """A customer's message."""
        return await self.inbox.receive(
            Envelope(
                channel=channel,
                provider_message_id=key or uuid4().hex,
                thread=thread,
                address=thread,
                verified=channel != CHAT,
                text=text,
            ),
            settle=settle,
        )

    async def claim(self, case_id: CaseId) -> Lease:
        lease = await self.leases.claim(case_id)
        assert lease is not None, "the case is not due or held"
        return lease

    async def work(self, case_id: CaseId) -> None:
        """One turn of one case, by hand."""
        lease = await self.claim(case_id)
        work = await self.ledger.load(lease)
        if work is None:
            await self.ledger.release(lease)
        else:
            await self.handler.handle(work)

    async def deliver(self) -> int:
        """Everything that is due in the outbox."""
        count = 0
        while tried := await self.sender.deliver_due():
            count += tried
        return count

    async def seen(self, thread: str, *, after: int = 0) -> list[SeenMessage]:
        return list((await self.conversations.view(CHAT, thread, after=after)).messages)

    async def said(self, thread: str) -> list[str]:
        """The visible conversation as ``author: text`` lines."""
        return [f"{message.author}: {message.text}" for message in await self.seen(thread)]

    async def rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        async with self.database.connection() as connection:
            return await (await connection.execute(statement, values)).fetchall()


def make_core(database: Database, keyring: Keyring, graph: Graph | None = None, *, life: Life = ENDLESS) -> Core:
    return Core(database, keyring, graph or trivial_graph(), WebOutbound(), life)
