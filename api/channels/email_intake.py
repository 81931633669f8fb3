"""What came into the mailbox, on its way into the product: the inbox, a person's reply, a delivery report."""

from __future__ import annotations

from uuid import UUID

import structlog

from api.wiring import Services
from channels.gmail import EMAIL
from channels.gmail.bounce import Bounce
from channels.gmail.inbound import Received, WrittenByPerson, named
from infra.postgres.replies_elsewhere import RepliesElsewhere

_BOUNCED, _DELAYED = 90, 20
"""How much a delivery report outweighs others: a failure is final, a delay is not."""

_log = structlog.get_logger(__name__)


class EmailIntake:
    """``channels.gmail.sync.Intake`` on the product's services.

    Args:
        services: of this process.
        elsewhere: records what people write in the mailbox.
    """

    def __init__(self, services: Services, elsewhere: RepliesElsewhere) -> None:
        self._services = services
        self._elsewhere = elsewhere

    async def received(self, received: Received) -> bool:
        """Store a mail and let a worker look; whether it is new."""
        services, envelope = self._services, received.envelope
        settle = services.settings.settle.of(EMAIL)
        receipt = await services.inbox.receive(envelope, settle=settle)
        services.metrics.received.labels(channel=EMAIL, duplicate=str(receipt.duplicate).lower()).inc()
        if received.bounce is not None:
            # Of one that is here already too: we may have been killed in between, and a report counts once.
            await self._report(received.bounce, received.reported)
        if receipt.waits:
            await services.signals.case_waits(receipt.case_id, after=settle.total_seconds())
        elif envelope.automatic and not receipt.duplicate:
            _log.info("gmail.machine", case=str(receipt.case_id), kind=received.judgement.kind.value)
        return not receipt.duplicate

    async def written(self, written: WrittenByPerson) -> bool:
        """Record a person's reply and give them the case; whether it is new and in a talk of ours."""
        case_id = await self._elsewhere.record(written.envelope, talks=written.talks, recipients=written.recipients)
        if case_id is not None:
            _log.info("gmail.answered_by_person", case=str(case_id))
        return case_id is not None

    async def _report(self, bounce: Bounce, outbox_id: UUID | None) -> None:
        codes = ", ".join(sorted({one.status for one in bounce.recipients if one.status})) or "no code"
        _log.warning("gmail.bounced", outbox=None if outbox_id is None else str(outbox_id), codes=codes)
        if outbox_id is None or bounce.original_message_id is None:
            return
        await self._services.reports.record(
            EMAIL,
            outbox_id=outbox_id,
            provider_message_id=named(bounce.original_message_id),
            status="bounced" if bounce.permanent else "delayed",
            rank=_BOUNCED if bounce.permanent else _DELAYED,
            failure=f"bounced: {codes}" if bounce.permanent else None,
            same_name=True,
        )
