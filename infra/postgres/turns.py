"""The ledger of turns: loads the work of a leased case, and commits its outcome in one transaction.

The commit locks the case, then its work row, checks the fencing token, and only then writes; everything it writes, the
checkpoint too, is in that one transaction. Crash in it: nothing happened, and the next holder runs the turn again.
Locks are taken in one order everywhere: case, conversation, work.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

from graph.ports import Committed, Lease, Outcome, Resumption, Work
from infra.crypto.keyring import CustomerKey, Keyring
from infra.postgres.checkpoints import TurnCheckpointer
from infra.postgres.database import Connection, Database
from infra.postgres.queries import load
from infra.postgres.seals import key_of
from infra.postgres.turn_writer import TurnWriter
from skills.errors import LeaseLostError
from skills.turn import (
    Author,
    ChannelName,
    Customer,
    CustomerId,
    Decision,
    EscalationId,
    Language,
    Message,
    MessageId,
    Turn,
)

MOST_MESSAGES = 50
"""A turn takes so many waiting messages at most; the rest make the next, so that a flood is worked off in pieces."""


class PostgresLedger:
    """``graph.ports.Ledger`` on PostgreSQL."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring
        self._sql = load("turns")
        self._release = load("leases")["release"]

    async def load(self, lease: Lease) -> Work | None:
        """What there is to do in the case; ``None`` when nothing waits or a person owns it.

        Raises:
            DatabaseUnavailableError: nothing was read.
            KeyDestroyedError: the customer was erased meanwhile.
        """
        case = {"case_id": lease.case_id}
        async with self._database.connection() as connection, connection.pipeline():
            heads = await connection.execute(self._sql["load_case"], case)
            waiting = await connection.execute(self._sql["load_waiting"], {**case, "limit": MOST_MESSAGES})
            history = await connection.execute(self._sql["load_history"], case)
            polarity = await connection.execute(self._sql["load_polarity"], case)
            head = await heads.fetchone()
            waiting_rows = await waiting.fetchall()
            history_rows = await history.fetchall()
            polarity_rows = await polarity.fetchall()
        assert head is not None  # a lease is only given on a case that is there
        key = key_of(self._keyring, head)
        if head["decision_id"] is not None:
            checkpointer = TurnCheckpointer(self._database, key, lease.case_id)
            return Work(lease, None, _resumption(head, key), checkpointer)
        if head["owner"] == "human" or not waiting_rows:
            return None
        turn = Turn(
            id=lease.turn_id,
            case_id=lease.case_id,
            channel=ChannelName(head["channel"]),
            customer=_customer(head, key),
            messages=_messages(waiting_rows, key),
            history=_messages(history_rows[::-1], key),
            earlier_polarity=tuple(row["polarity"] for row in polarity_rows[::-1]),
            started_at=datetime.now(UTC),
        )
        return Work(lease, turn, None, TurnCheckpointer(None, key, lease.case_id))

    async def commit(self, work: Work, outcome: Outcome, *, may_supersede: bool) -> Committed:
        """Write everything that the turn led to, or nothing.

        Raises:
            LeaseLostError: the case was claimed with a higher token since.
            DatabaseUnavailableError: nothing was written, or the answer to the commit was lost: the next holder of
                the lease finds out from the messages which.
        """
        turn = outcome.state["turn"]
        async with self._database.transaction() as connection:
            case = await self._lock(connection, work.lease, turn)
            if may_supersede and case["newer"] and len(turn.messages) < MOST_MESSAGES:
                return "superseded"
            writer = TurnWriter(connection, self._sql, work, outcome, case["next_sequence"])
            decision = outcome.state.get("decision")
            async with connection.pipeline():
                if case["owner"] == "human" and work.resumption is None:
                    await writer.withhold()
                elif outcome.pause is not None:
                    await writer.pause(outcome.pause)
                elif decision is not None and decision.action == "take_over":
                    await writer.hand_over()
                else:
                    await writer.reply()
        return "committed"

    async def release(self, lease: Lease) -> None:
        """Give the case back: it is due again only if a message came in meanwhile."""
        async with self._database.connection() as connection:
            await connection.execute(self._release, {"case_id": lease.case_id, "token": lease.token})

    async def _lock(self, connection: Connection, lease: Lease, turn: Turn) -> Mapping[str, Any]:
        last = turn.messages[-1].sequence
        async with connection.pipeline():
            cases = await connection.execute(self._sql["lock_case"], {"case_id": lease.case_id})
            works = await connection.execute(
                self._sql["lock_work"], {"case_id": lease.case_id, "token": lease.token, "last_sequence": last}
            )
            case, work = await cases.fetchone(), await works.fetchone()
        if case is None or work is None:
            raise LeaseLostError
        return {**case, **work}


def _messages(rows: Sequence[Mapping[str, Any]], key: CustomerKey) -> tuple[Message, ...]:
    return tuple(
        Message(
            id=MessageId(row["id"]),
            sequence=row["sequence"],
            author=cast("Author", row["author"]),
            text=key.open(bytes(row["body_sealed"]), place="messages.body_sealed", row=row["id"]),
            received_at=row["received_at"],
        )
        for row in rows
    )


def _customer(head: Mapping[str, Any], key: CustomerKey) -> Customer:
    name = head["name_sealed"]
    customer_id = CustomerId(head["customer_id"])
    return Customer(
        id=customer_id,
        name=None if name is None else key.open(bytes(name), place="customers.name_sealed", row=customer_id),
        verified=head["verified"],
        language=None if head["language"] is None else Language(head["language"]),
        segment=head["segment"],
        earlier_cases=head["earlier_cases"],
    )


def _resumption(head: Mapping[str, Any], key: CustomerKey) -> Resumption:
    def opened(column: str) -> str | None:
        sealed = head[column]
        return None if sealed is None else key.open(bytes(sealed), place=f"decisions.{column}", row=head["decision_id"])

    decision = Decision(
        action=head["action"], reviewer=head["reviewer"], text=opened("text_sealed"), reason=opened("reason_sealed")
    )
    return Resumption(EscalationId(head["escalation_id"]), head["interrupt_id"], decision)
