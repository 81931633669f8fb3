"""A past, written down row by row at chosen times, as the product would have left it: for figures to be computed of."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from psycopg import sql
from psycopg.types.json import Jsonb

from infra.postgres.database import Database

COLUMNS = {
    "customer_keys": "id customer_id wrapped master_key_id",
    "customers": "id key_id segment",
    "identities": "id customer_id key_id channel address_sealed address_index",
    "conversations": "id customer_id identity_id channel thread_index",
    "cases": "id customer_id conversation_id status language opened_at resolved_at resolution_number",
    "messages": "id case_id conversation_id key_id sequence position direction author channel provider_message_id"
    " body_sealed state turn_id received_at delivered_at",
    "outbox": "id intent_id ordinal message_id case_id conversation_id channel kind state",
    "turns": "id case_id status first_sequence last_sequence graph_version lease_token outcome topic key_id started_at",
    "escalations": "id case_id turn_id interrupt_id checkpoint_id key_id request_sealed proposal_hash severity rules"
    " status due_at created_at",
    "decisions": "id escalation_id action reviewer key_id seen_sequence created_at",
    "surveys": "id case_id resolution_number conversation_id channel answered_by due_at rating rated_at",
    "model_spend_of_cases": "case_id money",
    "events": "id at kind case_id actor data",
}


@dataclass
class Customer:
    id: UUID = field(default_factory=uuid4)
    key: UUID = field(default_factory=uuid4)
    identity: UUID = field(default_factory=uuid4)


@dataclass
class Case:
    customer: Customer
    channel: str
    language: str | None
    opened: datetime
    id: UUID = field(default_factory=uuid4)
    conversation: UUID = field(default_factory=uuid4)
    written: int = 0
    end: int = 1
    resolved: datetime | None = None
    deciding: UUID | None = None


class Past:
    """Everything is remembered, then written at once by ``write``."""

    def __init__(self) -> None:
        self.cases: list[Case] = []
        self.rated: set[tuple[UUID, int]] = set()
        self._rows: defaultdict[str, list[tuple[Any, ...]]] = defaultdict(list)

    def customer(self, segment: str = "standard") -> Customer:
        one = Customer()
        self._add("customer_keys", one.key, one.id, b"k", "test")
        self._add("customers", one.id, one.key, segment)
        self._add("identities", one.identity, one.id, one.key, "email", b"a", one.id.bytes)
        return one

    def case(
        self, at: datetime, customer: Customer | None = None, channel: str = "chat", language: str | None = "en"
    ) -> Case:
        """A customer's first message opens it."""
        case = Case(customer or self.customer(), channel, language, at)
        self.cases.append(case)
        self._add("conversations", case.conversation, case.customer.id, case.customer.identity, channel, case.id.bytes)
        self.hear(case, at)
        return case

    def hear(self, case: Case, at: datetime) -> None:
        message = self._message(case, "in", "customer", at, None)
        self.event(case, at, "message.received", "customer", message_id=str(message))

    def reply(self, case: Case, at: datetime, topic: str | None = None) -> None:
        """The agent's own."""
        turn = self._turn(case, at, "answered", topic)
        self._sent(case, "agent", at, turn, "reply")
        self.event(case, at, "turn.answered", "agent", rules=[])

    def lose(self, case: Case, at: datetime) -> None:
        """A reply that the provider refused."""
        message = self._message(case, "out", "agent", at, None, state="written")
        self._queued(case, message, "reply", "failed")

    def escalate(self, case: Case, at: datetime) -> None:
        """A rule asks for a person; the customer is told by a note."""
        turn, escalation = self._turn(case, at, "escalated", None), uuid4()
        self._add(
            "escalations",
            *(escalation, case.id, turn, str(escalation), "c", case.customer.key, b"r", b"h", "P2", ["vip"]),
            *("closed", at, at),
        )
        self._sent(case, "system", at, turn, "handoff")
        self.event(case, at, "escalation.opened", "agent", escalation_id=str(escalation))
        case.deciding = escalation

    def decide(self, case: Case, at: datetime, action: str, person: str = "kim") -> None:
        escalation = case.deciding
        assert escalation is not None
        case.deciding = None
        turn, since = next((row[2], row[12]) for row in self._rows["escalations"] if row[0] == escalation)
        self._add("decisions", uuid4(), escalation, action, person, case.customer.key, case.written, at)
        seconds = (at - since).total_seconds()
        self.event(
            case, at, "escalation.decided", person, escalation_id=str(escalation), action=action, seconds=seconds
        )
        if action == "take_over":
            self.event(case, at, "case.taken_over", "agent", reviewer=person)
        elif action != "reject":
            self._sent(case, "agent" if action == "approve" else "human", at, turn, "reply")
            self.event(case, at, "turn.answered", "agent", decision=action)

    def take_back(self, case: Case, at: datetime, person: str = "kim") -> None:
        """Decided, or written, and undone within some seconds."""
        if case.deciding is not None:
            self.event(case, at, "escalation.decided", person, escalation_id=str(case.deciding), action="approve")
            self.event(case, at + timedelta(seconds=5), "escalation.undone", person, escalation_id=str(case.deciding))
        else:
            text = str(uuid4())
            self.event(case, at, "case.answered_by_person", person, message_id=text)
            self.event(case, at + timedelta(seconds=5), "message.undone", person, message_id=text)

    def take_over(self, case: Case, at: datetime, person: str = "kim") -> None:
        self.event(case, at, "case.taken_over", person)

    def hand_back(self, case: Case, at: datetime, person: str = "kim") -> None:
        self._sent(case, "system", at, None, "hand_back")
        self.event(case, at, "case.handed_back", person)

    def write_as_person(self, case: Case, at: datetime, person: str = "kim") -> None:
        self._sent(case, "human", at, None, "reply")
        self.event(case, at, "case.answered_by_person", person)

    def write_elsewhere(self, case: Case, stored: datetime, written: datetime) -> None:
        """In the mailbox, whose clock may be wrong."""
        self._message(case, "out", "human", stored, None, state="delivered", delivered=written)
        self.event(case, stored, "case.answered_elsewhere", "mailbox")

    def give_up(self, case: Case, at: datetime) -> None:
        self.event(case, at, "turn.dead", "agent", error="ValueError")

    def resolve(self, case: Case, at: datetime, by: str) -> None:
        case.resolved = at
        self.event(case, at, "case.resolved", by, by=by, certainty="assumed", resolution=case.end)

    def reopen(self, case: Case, at: datetime) -> None:
        case.resolved = None
        case.end += 1
        self.event(case, at, "case.reopened", "customer", resolution=case.end)

    def rate(self, case: Case, at: datetime, rating: int) -> None:
        """The newest end."""
        self.rated.add((case.id, case.end))
        self._add("surveys", uuid4(), case.id, case.end, case.conversation, case.channel, "agent", at, rating, at)
        self.event(case, at, "survey.rated", "customer", rating=rating)

    def judge(self, case: Case, at: datetime, *, solved: bool) -> None:
        self.event(case, at, "case.judged", "kim", resolution=case.end, solved=solved)

    def spend(self, case: Case, money: str) -> None:
        self._add("model_spend_of_cases", case.id, Decimal(money))

    def event(self, case: Case | None, at: datetime, what: str, actor: str, **data: Any) -> None:
        self._add("events", uuid4(), at, what, None if case is None else case.id, actor, Jsonb(data))

    def repeat_last_event(self, at: datetime) -> None:
        """The same thing is told once more, later."""
        _, before, *rest = self._rows["events"][-1]
        self._add("events", uuid4(), max(at, before), *rest)

    async def write(self, database: Database) -> None:
        for case in self.cases:
            status = "open" if case.resolved is None else "resolved"
            self._add(
                "cases",
                *(case.id, case.customer.id, case.conversation, status, case.language, case.opened, case.resolved),
                case.end,
            )
        async with database.transaction() as connection, connection.cursor() as cursor:
            for table, names in COLUMNS.items():
                columns = names.split()
                statement = sql.SQL("insert into {} ({}) values ({})").format(
                    sql.Identifier(table),
                    sql.SQL(", ").join(map(sql.Identifier, columns)),
                    sql.SQL(", ").join(sql.Placeholder() * len(columns)),
                )
                if self._rows[table]:
                    await cursor.executemany(statement, self._rows[table])
        self._rows.clear()
        self.cases.clear()

    def _turn(self, case: Case, at: datetime, outcome: str, topic: str | None) -> UUID:
        turn = uuid4()
        self._add("turns", turn, case.id, "done", 1, case.written, "1", 1, outcome, topic, case.customer.key, at)
        return turn

    def _sent(self, case: Case, author: str, at: datetime, turn: UUID | None, kind: str) -> None:
        message = self._message(case, "out", author, at, turn, state="delivered", delivered=at)
        self._queued(case, message, kind, "sent")
        self.event(case, at, "message.sent", "agent", kind=kind)

    def _queued(self, case: Case, message: UUID, kind: str, state: str) -> None:
        self._add("outbox", uuid4(), message, 1, message, case.id, case.conversation, case.channel, kind, state)

    def _message(
        self,
        case: Case,
        direction: str,
        author: str,
        at: datetime,
        turn: UUID | None,
        *,
        state: str = "handled",
        delivered: datetime | None = None,
    ) -> UUID:
        case.written += 1
        message = uuid4()
        position = None if state == "written" else case.written
        self._add(
            "messages",
            *(message, case.id, case.conversation, case.customer.key, case.written, position, direction, author),
            *(case.channel, str(message), b"x", state, turn, at, delivered),
        )
        return message

    def _add(self, table: str, *values: Any) -> None:
        self._rows[table].append(values)
