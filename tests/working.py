"""A worker in a test: hints by hand, short leases, and waiting for what it brings about."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from api.worker import Worker, WorkerLimits
from infra.postgres.leases import Leases
from infra.signals import CaseHint
from skills.turn import CaseId, ConversationId
from tests.core import Core, make_core
from tests.trivial import Gate, trivial_graph


@dataclass
class Hints:
    """Hints that a test gives by hand, and the ones that the worker gives to the sender."""

    queue: asyncio.Queue[CaseHint] = field(default_factory=asyncio.Queue)
    for_sender: asyncio.Event = field(default_factory=asyncio.Event)

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def case_waits(self, case_id: CaseId, *, after: float = 0.0) -> None:
        await self.queue.put(CaseHint(case_id, after))

    async def outbox_waits(self) -> None:
        self.for_sender.set()

    async def conversation_changed(self, *conversation_ids: ConversationId) -> None: ...

    async def cases(self) -> AsyncIterator[CaseHint]:
        while True:
            yield await self.queue.get()

    async def outbox(self) -> AsyncIterator[None]:
        while True:
            await self.for_sender.wait()
            yield None

    @asynccontextmanager
    async def watch(self, conversation_id: ConversationId) -> AsyncIterator[asyncio.Event]:  # noqa: ARG002 - the protocol's
        yield asyncio.Event()

    async def ping(self) -> bool:
        return True


def short(core: Core, seconds: float) -> Leases:
    return Leases(core.database, holder="short", duration=timedelta(seconds=seconds))


@asynccontextmanager
async def working(worker: Worker) -> AsyncIterator[asyncio.Event]:
    """A worker that runs during the block, and is told to stop at its end or by the event."""
    stop = asyncio.Event()
    running = asyncio.create_task(worker.run(stop))
    try:
        yield stop
    finally:
        stop.set()
        await asyncio.wait_for(running, 20)


async def until(core: Core, statement: str, *values: Any) -> list[dict[str, Any]]:
    """Wait for a row."""
    async with asyncio.timeout(15):
        while not (rows := await core.rows(statement, *values)):  # noqa: ASYNC110 - the database has no event
            await asyncio.sleep(0.02)
        return rows


async def work_row(core: Core, case_id: CaseId) -> dict[str, Any]:
    (row,) = await core.rows(
        "select attempts, due_at is not null as due, due_at <= now() as ripe, leased_until is not null as leased,"
        " extract(epoch from due_at - now())::float8 as wait from case_work where case_id = %s",
        case_id,
    )
    return row


async def answered(core: Core, case_id: CaseId, count: int = 1) -> None:
    await until(
        core, "select 1 from turns where case_id = %s and status = 'done' having count(*) >= %s", case_id, count
    )


SWEEPING = WorkerLimits(sweep=0.05, drain=5.0)
HINTED_ONLY = WorkerLimits(sweep=60.0, drain=5.0)


def gated(core: Core) -> tuple[Core, Gate]:
    gate = Gate()
    return make_core(core.database, core.keyring, trivial_graph(gate)), gate


async def fail_times(core: Core, case_id: CaseId, times: int) -> list[float]:
    """Let a worker try so often; how long each failure made it wait."""
    waits = []
    worker = core.worker(limits=HINTED_ONLY)
    for _ in range(times):
        await core.rows(
            "update case_work set due_at = now() where case_id = %s and due_at is not null returning 1", case_id
        )
        lease = await core.leases.claim(case_id)
        assert lease is not None
        await worker._slots.acquire()
        await worker._occupy(lease)
        waits.append((await work_row(core, case_id))["wait"])
    return waits
