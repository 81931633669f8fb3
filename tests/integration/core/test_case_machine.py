"""One case in every order of events: what must hold after each of them, against a real database.

Customers write, a worker begins and commits turns or dies in between, reviewers decide, people take over, write, hand
back and resolve, the sender delivers. A turn is begun and committed in two steps, so that anything may happen while the
graph runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import suppress
from typing import Any, ClassVar, TypeVar
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from graph.ports import Outcome, Work
from graph.review import make_decision
from infra.crypto.keyring import Keyring
from infra.postgres.database import Database
from skills.errors import BadRequestError, ConflictError, LeaseLostError
from skills.turn import CaseId, EscalationId
from tests.core import Core, make_core

T = TypeVar("T")

OVERVIEW = """
select
    c.owner, c.status, w.paused, w.attempts, w.due_at is not null as due,
    w.leased_until is not null as leased,
    (select count(*) from messages m where m.case_id = c.id and m.state = 'waiting') as waiting,
    (select count(*) from messages m where m.case_id = c.id and m.state = 'human') as human,
    (select count(*) from messages m where m.case_id = c.id and m.author = 'agent') as replies,
    (select count(*) from messages m where m.case_id = c.id and m.direction = 'out') as texts,
    (select count(distinct (o.intent_id, o.ordinal)) from outbox o where o.case_id = c.id) as intents,
    (select count(*) from escalations s where s.case_id = c.id and s.status in ('open', 'decided')) as live,
    (select count(*) from decisions d join escalations s on s.id = d.escalation_id
        where s.case_id = c.id and s.status = 'closed' and d.applied_at is null) as unapplied,
    (select array_agg(m.sequence order by m.position) from messages m
        where m.case_id = c.id and m.state = 'delivered') as delivered
from cases c join case_work w on w.case_id = c.id
where c.id = %s
"""


class CaseMachine(RuleBasedStateMachine):
    """One conversation of one customer."""

    core: ClassVar[Core]
    runner: ClassVar[asyncio.Runner]

    def __init__(self) -> None:
        super().__init__()
        self.thread = uuid4().hex
        self.case_id: CaseId | None = None
        self.written: list[str] = []
        self.running: tuple[Work, Outcome] | None = None
        self.replies_at_take_over: int | None = None
        self.answered_by_people: set[str] = set()
        self.left_to_people: list[str] = []

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def now(self) -> dict[str, Any]:
        (row,) = self.do(self.core.rows(OVERVIEW, self.case_id))
        return row

    def live(self) -> EscalationId | None:
        rows = self.do(
            self.core.rows("select id from escalations where case_id = %s and status = 'open'", self.case_id)
        )
        return EscalationId(rows[0]["id"]) if rows else None

    @rule(text=st.sampled_from(["hello", "a person", "thanks"]))
    def the_customer_writes(self, text: str) -> None:
        text = f"{text} <{len(self.written)}>"
        receipt = self.do(self.core.write(self.thread, text))
        if receipt.case_id != self.case_id:
            self.case_id, self.running, self.replies_at_take_over = receipt.case_id, None, None
        self.written.append(text)
        if not receipt.waits:
            self.left_to_people.append(text)

    @precondition(lambda self: self.case_id is not None and self.running is None)
    @rule()
    def a_worker_begins(self) -> None:
        assert self.case_id is not None
        lease = self.do(self.core.leases.claim(self.case_id))
        if lease is None:
            return
        work = self.do(self.core.ledger.load(lease))
        if work is None:
            self.do(self.core.ledger.release(lease))
        else:
            self.running = (work, self.do(self.core.handler.run(work)))

    @precondition(lambda self: self.running is not None)
    @rule()
    def the_worker_commits(self) -> None:
        assert self.running is not None
        work, outcome = self.running
        self.running = None
        with suppress(LeaseLostError):
            if (
                self.do(self.core.ledger.commit(work, outcome, may_supersede=work.resumption is None)) == "superseded"
                and (again := self.do(self.core.ledger.load(work.lease))) is not None
            ):
                self.do(self.core.ledger.commit(again, self.do(self.core.handler.run(again)), may_supersede=False))

    @precondition(lambda self: self.running is not None)
    @rule()
    def the_worker_dies(self) -> None:
        self.running = None
        self.do(
            self.core.rows(
                "update case_work set leased_until = now() - interval '1 second'"
                " where case_id = %s and leased_until is not null returning 1",
                self.case_id,
            )
        )

    @precondition(lambda self: self.case_id is not None)
    @rule(action=st.sampled_from(["approve", "edit", "answer", "reject", "take_over"]), covers=st.booleans())
    def a_reviewer_decides(self, action: str, covers: bool) -> None:
        escalation_id = self.live()
        if escalation_id is None:
            return
        read = self.do(self.core.reviews.read(escalation_id, reader="kim"))
        words = action in {"edit", "answer"}
        decision = make_decision(
            action=action,
            reviewer="kim",
            text="a person's words" if words else None,
            reason="no" if action == "reject" else None,
        )
        with suppress(BadRequestError):
            self.do(self.core.reviews.decide(escalation_id, decision, seen=read.version, covers_later=words and covers))

    @precondition(lambda self: self.case_id is not None)
    @rule()
    def a_person_takes_over(self) -> None:
        assert self.case_id is not None
        with suppress(ConflictError):
            self.do(self.core.cases.take_over(self.case_id, "kim"))

    @precondition(lambda self: self.case_id is not None)
    @rule()
    def a_person_writes(self) -> None:
        assert self.case_id is not None
        case = self.now()
        if case["owner"] == "human" and case["status"] == "open":
            self.do(self.core.cases.write(self.case_id, "kim", "a person's answer", intent_id=uuid4()))
            self.answered_by_people.update(self.texts("handled"))
            assert self.now()["human"] == 0

    @precondition(lambda self: self.case_id is not None)
    @rule(resolve=st.booleans())
    def a_person_hands_back_or_resolves(self, resolve: bool) -> None:
        assert self.case_id is not None
        act = self.core.cases.resolve if resolve else self.core.cases.hand_back
        with suppress(ConflictError):
            self.do(act(self.case_id, "kim"))
            self.replies_at_take_over = None

    @rule()
    def the_sender_delivers(self) -> None:
        self.do(self.core.deliver())

    def texts(self, state: str) -> set[str]:
        assert self.case_id is not None
        return {
            message.text
            for message in self.do(self.transcript(self.case_id))
            if message.author == "customer" and message.state == state
        }

    async def transcript(self, case_id: CaseId) -> list[Any]:
        async with self.core.database.connection() as connection:
            return list(await self.core.cases.transcript(connection, case_id))

    @invariant()
    def what_must_hold_holds(self) -> None:
        if self.case_id is None:
            return
        case = self.now()
        if case["owner"] == "human":
            assert case["waiting"] == 0, "a message waits for the agent, but a person owns the case"
            assert not case["paused"]
            if self.replies_at_take_over is None:
                self.replies_at_take_over = case["replies"]
            assert case["replies"] == self.replies_at_take_over, "the agent spoke over a person"
        else:
            assert case["human"] == 0, "a message waits for a person who is not there"
            self.replies_at_take_over = None
        if case["waiting"] and not case["paused"]:
            assert case["due"], "a message waits and nobody will look"
        if case["status"] == "resolved":
            assert not case["waiting"]
            assert not case["human"]
        assert case["paused"] == (case["live"] == 1), "paused is having a live escalation"
        assert case["unapplied"] == 0
        assert case["attempts"] >= 0
        assert case["intents"] == case["texts"], "every text has its own intent"
        outgoing = list(case["delivered"] or [])
        assert outgoing == sorted(outgoing), "delivered out of order"

    def teardown(self) -> None:
        if self.case_id is None:
            return
        self.the_worker_dies()
        for _ in range(20):
            if self.live() is not None:
                self.a_reviewer_decides("answer", covers=False)
            self.a_worker_begins()
            if self.running is None:
                break
            self.the_worker_commits()
            self.what_must_hold_holds()
        self.the_sender_delivers()
        said = self.do(self.core.said(self.thread))
        for text in self.written:
            assert said.count(f"customer: {text}") == 1
            answers = [line for line in said if line.startswith("agent: ") and text in line]
            assert len(answers) <= 1, f"{text} was answered twice"
            assert not (answers and text in self.answered_later()), f"{text} was answered by a person already"
        case = self.now()
        assert not case["waiting"]
        assert not case["live"]

    def answered_later(self) -> set[str]:
        return self.answered_by_people & set(self.left_to_people)


@pytest.fixture
def machine(database_url: str, keyring: Keyring) -> Iterator[type[CaseMachine]]:
    database = Database(database_url, size=3)
    with asyncio.Runner() as runner:
        runner.run(database.open())
        CaseMachine.core, CaseMachine.runner = make_core(database, keyring), runner
        yield CaseMachine
        runner.run(database.close())


def test_whatever_happens_in_whatever_order_no_message_is_lost_or_answered_twice(machine: type[CaseMachine]) -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call] # hypothesis leaves it so
        machine,
        settings=settings(
            max_examples=25,
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
