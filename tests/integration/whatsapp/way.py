"""The way out over WhatsApp: the core, its sender and its reconciler, and Twilio's emulator at the other end."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from api.guarded import guarded
from api.reconciler import Reconciler
from api.sender import Sender as SenderProcess
from channels.envelope import Envelope
from channels.whatsapp import WHATSAPP
from channels.whatsapp.outbound import WhatsAppOutbound
from evals.emulators.twilio.server import NUMBER, TwilioServer
from infra.breakers import Breakers, Limits
from infra.postgres.reconciliations import Reconciliations
from infra.postgres.reports import DeliveryReports
from tests.core import NOW, Core

ADA, BEN = "+491701234567", "+491707654321"


@dataclass
class Way:
    """The core, its sender and its reconciler, and Twilio at the other end."""

    core: Core
    twilio: TwilioServer
    channel: WhatsAppOutbound
    sent: int = field(default=0)

    def __post_init__(self) -> None:
        # A breaker that never opens: what is shown here is what happens when Twilio is asked.
        breaker = Breakers().add("twilio", Limits(failures=1_000, window=60.0, cooldown=1.0))
        opened = {WHATSAPP: guarded(self.channel, breaker)}
        unknown = Reconciliations(self.core.database, self.core.keyring)
        self.reconciler = Reconciler(unknown, opened, self.core.metrics)
        self.sender = SenderProcess(
            outbox=self.core.outbox,
            channels=opened,
            signals=self.core.signals,
            metrics=self.core.metrics,
            reconciler=self.reconciler,
        )
        self.reports = DeliveryReports(self.core.database)

    async def reply(self, customer: str, text: str) -> None:
        """The customer writes, the agent answers into the outbox."""
        receipt = await self.core.inbox.receive(
            Envelope(WHATSAPP, f"SM{self.sent:032d}", f"{NUMBER}/{customer}", customer, text, verified=True),
            settle=NOW,
        )
        self.sent += 1
        self.twilio.ledger.receive(f"whatsapp:{customer}", text, ())
        await self.core.work(receipt.case_id)

    async def deliver(self) -> None:
        """Everything that is or becomes due, however long it has to wait."""
        for _ in range(40):
            await self.core.rows("update outbox set due_at = now() where state = 'pending' returning 1")
            if not await self.sender.deliver_due():
                return

    async def minutes_pass(self, minutes: int = 5) -> None:
        await self.core.rows(
            "update outbox set reconcile_at = now(), handed_over_at = handed_over_at - %s"
            " where state = 'unknown' and reconcile_at is not null returning 1",
            timedelta(minutes=minutes),
        )
        with self.twilio.ledger.lock:
            for message in self.twilio.sent:
                message.created -= timedelta(minutes=minutes)

    async def states(self) -> list[tuple[str, str | None]]:
        rows = await self.core.rows("select state, error from outbox order by position")
        return [(row["state"], row["error"]) for row in rows]

    @property
    def bodies(self) -> list[str]:
        return [message.body for message in self.twilio.sent]
