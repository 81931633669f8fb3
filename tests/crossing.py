"""Two processes of the product on one database, brought to the same place at the same time.

A deferred trigger stops every commit of the connections called ``first`` on an advisory lock that the test holds. So
the first has written everything and shown nothing when the second begins; what the second then does, waits or goes
ahead, is PostgreSQL's own doing and no timing's.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from graph.ports import Lease, Outcome, Work
from graph.review import make_decision
from infra.crypto.keyring import Keyring
from infra.postgres.database import Database
from infra.postgres.escalations import ReadEscalation
from infra.postgres.inbox import Receipt
from skills.errors import ConflictError, LeaseLostError
from skills.turn import CaseId
from tests.core import Core, make_core

GATE = 20260101
WATCHED = ("cases", "case_work", "conversations", "messages", "outbox", "escalations", "decisions", "turns")
STOP = f"""
create function stop_at_commit() returns trigger language plpgsql as $$
begin
    if current_setting('application_name') = 'first' then
        perform pg_advisory_xact_lock_shared({GATE});
    end if;
    return null;
end $$;
"""
TRIGGER = """
create constraint trigger stop after insert or update on {table}
deferrable initially deferred for each row execute function stop_at_commit();
"""
WAITS = "select 1 from pg_stat_activity where application_name = %s and wait_event_type = 'Lock'"


@dataclass
class Pair:
    """Two processes of the product on one database."""

    gatekeeper: Database
    first: Core
    second: Core

    async def cross(self, first: Coroutine[Any, Any, Any], second: Coroutine[Any, Any, Any]) -> tuple[Any, Any]:
        """What each of them came to, its error included; the second begins when the first is about to commit."""
        async with self.gatekeeper.connection() as gate:
            await gate.execute("select pg_advisory_lock(%s)", (GATE,))
            one = asyncio.create_task(_ended(first))
            await self._until(one, "first")
            two = asyncio.create_task(_ended(second))
            await self._until(two, "second")
            await gate.execute("select pg_advisory_unlock(%s)", (GATE,))
        return await one, await two

    async def _until(self, task: asyncio.Task[Any], name: str) -> None:
        """Until it waits for a lock, or has come to its end without one."""
        async with asyncio.timeout(10), self.gatekeeper.connection() as connection:
            while not task.done():
                if await (await connection.execute(WAITS, (name,))).fetchone():
                    return
                await asyncio.sleep(0.005)


async def _ended(work: Coroutine[Any, Any, Any]) -> Any:
    try:
        return await work
    except (ConflictError, LeaseLostError) as error:
        return type(error)


@asynccontextmanager
async def crossing(database_url: str, keyring: Keyring) -> AsyncIterator[Pair]:
    """Both, on a fresh database."""
    databases = [Database(database_url, application=name, size=3) for name in ("gatekeeper", "first", "second")]
    for database in databases:
        await database.open()
    async with databases[0].connection() as connection:
        await connection.execute(STOP)
        for table in WATCHED:
            await connection.execute(TRIGGER.format(table=table).encode())
    yield Pair(databases[0], make_core(databases[1], keyring), make_core(databases[2], keyring))
    for database in databases:
        await database.close()


@dataclass
class Begun:
    """A turn that ran and is not committed."""

    receipt: Receipt
    lease: Lease
    work: Work
    outcome: Outcome


async def begun(core: Core, text: str = "hello") -> Begun:
    receipt = await core.write("talk", text)
    return await run(core, receipt)


async def run(core: Core, receipt: Receipt) -> Begun:
    lease = await core.claim(receipt.case_id)
    work = await core.ledger.load(lease)
    assert work is not None
    return Begun(receipt, lease, work, await core.handler.run(work))


def commit(core: Core, turn: Begun) -> Coroutine[Any, Any, str]:
    return core.ledger.commit(turn.work, turn.outcome, may_supersede=turn.work.resumption is None)


async def paused(core: Core, text: str = "a person please") -> tuple[Receipt, ReadEscalation]:
    receipt = await core.write("talk", text)
    await core.work(receipt.case_id)
    (queued,) = await core.reviews.queue()
    return receipt, await core.reviews.read(queued.id, reader="kim")


def decide(
    core: Core, read: ReadEscalation, action: str = "approve", *, by: str = "kim"
) -> Coroutine[Any, Any, CaseId]:
    words = "a person's words" if action in {"edit", "answer"} else None
    return core.reviews.decide(read.id, make_decision(action=action, reviewer=by, text=words), seen=read.version)


async def settled(core: Core, case_id: CaseId) -> list[str]:
    """Everything that is still to be done, done: then what the customer sees."""
    for _ in range(5):
        if (lease := await core.leases.claim(case_id)) is None:
            break
        if (work := await core.ledger.load(lease)) is None:
            await core.ledger.release(lease)
        else:
            await core.handler.handle(work)
    await core.deliver()
    return await core.said("talk")


async def states(core: Core) -> list[str]:
    rows = await core.rows("select state from messages where direction = 'in' order by received_at, sequence")
    return [row["state"] for row in rows]
