"""The ledger of turns: loads the work of a leased case in one statement, and commits its outcome in one transaction.

The commit's first statement, for most turns its only one, finds the case only as it was loaded and the lease only with
its token (``turns.sql``, ``finish``). Something came in between: the case is locked, looked at again, and the turn is
superseded, withheld, or committed over what is there now. Crash before: nothing happened, the next holder runs the turn
again. Crash after: everything has. Locks are taken in one order everywhere: case, conversation, work.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, cast

from psycopg.errors import NotNullViolation

from graph.ports import Committed, Lease, Outcome, Resumption, Work
from infra.crypto.keyring import KeyDestroyedError, Keyring
from infra.postgres.checkpoints import TurnCheckpointer
from infra.postgres.database import Connection, Database
from infra.postgres.endings import Ending, Endings
from infra.postgres.life import ENDLESS, Life
from infra.postgres.pace import UNPACED, Pace
from infra.postgres.queries import load
from infra.postgres.seals import Keys
from skills.errors import LeaseLostError
from skills.turn import (
    Author,
    ChannelName,
    Customer,
    CustomerId,
    Decision,
    EscalationId,
    ForPerson,
    Language,
    Message,
    MessageId,
    Turn,
)

MOST_MESSAGES = 50
"""A turn takes so many waiting messages at most; the rest make the next, so that a flood is worked off in pieces."""


@dataclass(frozen=True, slots=True)
class LoadedWork(Work):
    """Work, and the case's numbers as they were then."""

    owner: str
    owner_version: int
    next_sequence: int
    newest_waiting: int
    """The newest message that waited, of the turn's own or beyond them; 0 when none did."""
    covered: int
    """The newest message that the decision's answer covers beyond the turn's own; 0 without one."""


class PostgresLedger:
    """``graph.ports.Ledger`` on PostgreSQL."""

    def __init__(self, database: Database, keyring: Keyring, pace: Pace = UNPACED, *, life: Life = ENDLESS) -> None:
        self._database = database
        self._keyring = keyring
        self._pace = pace
        self._life = life
        self._sql = load("turns")
        self._resolve = load("lives")["resolve"]
        self._release = load("leases")["release"]

    async def load(self, lease: Lease) -> LoadedWork | None:
        """What there is to do in the case; ``None`` when nothing waits or a person owns it.

        Raises:
            DatabaseUnavailableError: nothing was read.
            KeyDestroyedError: the customer was erased meanwhile.
        """
        async with self._database.connection() as connection:
            cursor = await connection.execute(
                self._sql["load_case"], {"case_id": lease.case_id, "most": MOST_MESSAGES}, binary=True
            )
            head = await cursor.fetchone()
        assert head is not None  # a lease is only given on a case that is there
        keys = Keys(self._keyring, head)
        key = keys[head["key_id"]]
        resumption = None if head["decision_id"] is None else _resumption(head, keys)
        if resumption is None and (head["owner"] == "human" or head["newest_waiting"] is None):
            return None
        return LoadedWork(
            lease,
            turn=_turn(head, keys, lease) if resumption is None else None,
            resumption=resumption,
            # A paused turn goes on under the key that it was sealed with, whoever its customer is joined with by now.
            checkpointer=TurnCheckpointer(None, key, lease.case_id)
            if resumption is None
            else TurnCheckpointer(self._database, keys[head["escalation_key_id"]], lease.case_id),
            owner=head["owner"],
            owner_version=head["owner_version"],
            next_sequence=head["next_sequence"],
            newest_waiting=head["newest_waiting"] or 0,
            covered=head["seen_sequence"] if head["covers_later"] else 0,
        )

    async def commit(self, work: Work, outcome: Outcome, *, may_supersede: bool) -> Committed:
        """Write everything that the turn led to, or nothing.

        Raises:
            LeaseLostError: the case was claimed with a higher token since.
            DatabaseUnavailableError: nothing was written, or the answer to the commit was lost: the next holder of
                the lease finds out from the messages which.
        """
        if not isinstance(work, LoadedWork) or not isinstance(work.checkpointer, TurnCheckpointer):
            raise TypeError("the work was loaded by another ledger")
        endings = Endings(work.lease, outcome, work.resumption, work.checkpointer, work.covered, self._life)
        ending = endings.of(owner=work.owner)
        async with self._database.connection() as connection:
            if not ending.further:  # most turns: one statement, which is its own transaction
                if await self._finish(connection, ending, work):
                    return "committed"
            else:
                async with connection.transaction():
                    if await self._finish(connection, ending, work):
                        return "committed"
            async with connection.transaction():
                now = await self._look_again(connection, work)
                last = outcome.state["turn"].messages[-1].sequence
                # A turn that did not take all that waited is never superseded, or a flood would keep it from its end.
                took_all = work.newest_waiting <= last
                if may_supersede and now.owner == "agent" and now.newest_waiting > last and took_all:
                    return "superseded"
                if not await self._finish(connection, endings.of(owner=now.owner), now):
                    raise AssertionError("a locked case has changed")
        return "committed"

    async def _finish(self, connection: Connection, ending: Ending, work: LoadedWork) -> bool:
        """Write the ending over the case as ``work`` has it; false, and nothing written, if that has changed."""
        try:
            cursor = await connection.execute(
                self._sql["finish"],
                {
                    **ending.values,
                    "next_sequence": work.next_sequence,
                    "owner_version": work.owner_version,
                    "again": ending.leaves(work.newest_waiting),
                    "pace": self._pace.every,
                    "ahead": self._pace.ahead,
                },
            )
        except NotNullViolation as error:
            if error.diag.column_name == "lease_token":
                raise LeaseLostError from None
            raise
        if await cursor.fetchone() is None:
            return False
        async with connection.pipeline() if ending.further else nullcontext():
            for statement, values in ending.further:
                await connection.execute(self._resolve if statement == "resolve" else self._sql[statement], values)
        return True

    async def _look_again(self, connection: Connection, work: LoadedWork) -> LoadedWork:
        """The work with the case's numbers of now; nobody else changes them until the transaction ends."""
        async with connection.pipeline():
            cases = await connection.execute(self._sql["lock_case"], {"case_id": work.lease.case_id})
            works = await connection.execute(
                self._sql["lock_work"], {"case_id": work.lease.case_id, "token": work.lease.token}
            )
            case, held = await cases.fetchone(), await works.fetchone()
        if case is None or held is None:
            raise LeaseLostError
        return replace(
            work,
            owner=case["owner"],
            owner_version=case["owner_version"],
            next_sequence=case["next_sequence"],
            newest_waiting=held["newest_waiting"] or 0,
        )

    async def release(self, lease: Lease) -> None:
        """Give the case back: it is due again only if a message came in meanwhile."""
        async with self._database.connection() as connection:
            await connection.execute(self._release, {"case_id": lease.case_id, "token": lease.token})


def _turn(head: Mapping[str, Any], keys: Keys, lease: Lease) -> Turn:
    return Turn(
        id=lease.turn_id,
        case_id=lease.case_id,
        channel=ChannelName(head["channel"]),
        customer=_customer(head, keys),
        messages=_messages(head, "waiting", keys),
        history=_messages(head, "history", keys),
        earlier_polarity=tuple(head["polarities"][::-1]),
        started_at=datetime.now(UTC),
        answered_within_hour=head["answered_within_hour"],
        elsewhere=_elsewhere(head, keys),
        asked_helped=head["asked_helped"],
    )


_COLUMNS = ("ids", "sequences", "authors", "bodies", "times", "for_person", "keys")


def _messages(head: Mapping[str, Any], which: str, keys: Keys) -> tuple[Message, ...]:
    if head[f"{which}_ids"] is None:
        return ()
    columns = (head[f"{which}_{column}"] for column in _COLUMNS)
    return tuple(
        Message(
            id=MessageId(id_),
            sequence=sequence,
            author=cast("Author", author),
            text=keys[key_id].open(body, place="messages.body_sealed", row=id_),
            received_at=at,
            for_person=cast("ForPerson | None", for_person),
        )
        for id_, sequence, author, body, at, for_person, key_id in zip(*columns, strict=True)
    )


def _elsewhere(head: Mapping[str, Any], keys: Keys) -> tuple[Message, ...]:
    try:
        said = _messages(head, "elsewhere", keys)
    except KeyDestroyedError:  # a part of the customer was erased: then nothing is brought along
        return ()
    return tuple(
        replace(message, channel=ChannelName(channel))
        for message, channel in zip(said, head["elsewhere_channels"] or (), strict=True)
    )


def _customer(head: Mapping[str, Any], keys: Keys) -> Customer:
    name, key = head["name_sealed"], keys[head["key_id"]]
    customer_id = CustomerId(head["customer_id"])
    return Customer(
        id=customer_id,
        name=None if name is None else key.open(bytes(name), place="customers.name_sealed", row=customer_id),
        verified=head["verified"],
        language=None if head["language"] is None else Language(head["language"]),
        segment=head["segment"],
        earlier_cases=head["earlier_cases"],
    )


def _resumption(head: Mapping[str, Any], keys: Keys) -> Resumption:
    key = keys[head["decision_key_id"]]

    def opened(column: str) -> str | None:
        sealed = head[column]
        return None if sealed is None else key.open(bytes(sealed), place=f"decisions.{column}", row=head["decision_id"])

    decision = Decision(
        action=head["action"], reviewer=head["reviewer"], text=opened("text_sealed"), reason=opened("reason_sealed")
    )
    return Resumption(EscalationId(head["escalation_id"]), head["interrupt_id"], decision)
