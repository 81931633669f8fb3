"""What every part of the machine has in hand: the product, the model, and the ways to hold one against the other."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, ClassVar, TypeVar
from uuid import UUID, uuid4

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from channels.envelope import Delivery
from graph.build import Graph, build_graph
from graph.ports import Lease, Outcome, Work
from infra.postgres.leases import Leases
from infra.postgres.outbox import Outbox
from skills.turn import Draft, Escalation
from tests.core import Core
from tests.model.endings import SOLVED, THANKS
from tests.model.observed import PROJECTION, broken_promises, differences
from tests.model.reference import Case, World
from tests.model.things import CHAT, MAIL, Conversation, Job, Refusal, Review, Text
from tests.trivial import OfRejections, trivial_skills

T = TypeVar("T")
Kept = TypeVar("Kept")

LONG = timedelta(minutes=10)
"""Leases and claims end when a rule says so, never by the clock."""

PICK = st.sampled_from([0, 0, 0, 1, 1, 2, 3, 4])
"""Which one: an index into what there is, mostly the newest, so that what happens happens to the same few."""


Player = TypeVar("Player", bound=Callable[..., None])


def move(
    *, when: Callable[[Any], object] = bool, often: int = 1, **drawn: st.SearchStrategy[Any]
) -> Callable[[Player], Player]:
    """A rule of the machine: when it can be played, how often against others, and what is drawn for it.

    Hypothesis' own rules would do, if it chose among them evenly: it leaves out half of them in most examples and
    repeats a few, and what takes five steps in a certain order is then hardly ever seen.
    """

    def mark(player: Player) -> Player:
        player.move = (when, often, drawn)  # type: ignore[attr-defined] # functions may have attributes
        return player

    return mark


def steered_graph() -> Graph:
    """The trivial agent, with two more words that steer what happens to it after a rejection."""
    trivial = trivial_skills()

    async def respond(state: OfRejections) -> dict[str, Draft]:
        if state.get("rejections") and "stubborn" in state["turn"].text:
            raise ValueError("this text can't be answered a second time")
        drafted: dict[str, Draft] = await trivial.respond(state)
        return drafted

    async def escalate(state: OfRejections) -> dict[str, Escalation]:
        if state.get("rejections") and "once" in state["turn"].text:
            return {"escalation": Escalation(())}
        asked: dict[str, Escalation] = await trivial.escalate(state)
        return asked

    return build_graph(replace(trivial, respond=respond, escalate=escalate))


@dataclass(eq=False)
class Held:
    """A job of the model with what the product handed out for it."""

    job: Job
    lease: Lease
    work: Work | None = None
    outcome: Outcome | None = None
    step: str = "claimed"


@dataclass(frozen=True)
class View:
    """What a reviewer has on the screen."""

    case: Case
    review: Review
    version: str
    newest: int


@dataclass(eq=False)
class Sending:
    """A delivery in a sender's hands."""

    conversation: Conversation
    text: Text
    delivery: Delivery
    sender: int


class Example(RuleBasedStateMachine):
    """One example: new customers on the same database. Nothing of an earlier example is due any more."""

    core: ClassVar[Core]
    runner: ClassVar[asyncio.Runner]
    seen: ClassVar[Counter[str]]
    """How often each kind of thing happened over all examples: a machine that never gets somewhere proves nothing."""

    @initialize(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        self.prepare()
        moves = {
            name: getattr(self, name).move for name in dir(self) if hasattr(getattr(type(self), name, None), "move")
        }
        # Every other example goes without some moves: what they would undo can then pile up.
        quiet = data.draw(st.just(set()) | st.sets(st.sampled_from(sorted(moves)), max_size=8), label="never")
        self.moves = {name: kept for name, kept in moves.items() if name not in quiet}

    @rule(data=st.data())
    def next(self, data: st.DataObject) -> None:
        names = [name for name, (when, often, _) in self.moves.items() for _ in range(often) if when(self)]
        if not names:
            return
        name = data.draw(st.sampled_from(names))
        drawn = {key: data.draw(strategy) for key, strategy in self.moves[name][2].items()}
        note(f"{name}({', '.join(f'{key}={value!r}' for key, value in drawn.items())})")
        Example.seen["move: " + name] += 1
        getattr(self, name)(**drawn)

    def prepare(self) -> None:
        a, b, c = (uuid4().hex for _ in range(3))
        self.world = World([Conversation(CHAT, a, a), Conversation(MAIL, b, c), Conversation(MAIL, c, c)])
        self.said = 0
        self.held: list[Held] = []
        self.views: list[View] = []
        self.sending: list[Sending] = []
        self.written: list[tuple[Case, UUID, UUID]] = []
        database, keyring = self.core.database, self.core.keyring
        self.workers = [Leases(database, holder=name, duration=LONG) for name in ("worker a", "worker b")]
        self.senders = [Outbox(database, keyring, holder=name, hold=LONG) for name in ("sender a", "sender b")]
        for ours, cores in ((self.workers, self.core.leases), (self.senders, self.core.outbox)):
            for one in ours:
                one._sql = cores._sql  # a mutant's, when it is one that is examined

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def sql(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        return self.do(self.core.rows(f"{statement} returning *", *values))

    def ask(self, refusal: Refusal, work: Coroutine[Any, Any, T]) -> T | None:
        """Do it, and see that it is refused exactly when it has to be."""
        try:
            result = self.do(work)
        except Exception as error:
            if refusal is None or not isinstance(error, refusal):
                raise
            return None
        assert refusal is None, f"nothing was said where {refusal} was due"
        return result

    @staticmethod
    def pick(things: Sequence[Kept], index: int) -> Kept:
        return things[-1 - index % len(things)]

    def words(self, kind: str) -> str:
        """A text that is like no other; what has to be said alone is told apart by its dots."""
        self.said += 1
        return f"{kind} {'.' * self.said}" if kind in {SOLVED, THANKS} else f"{kind} <{self.said}>"

    def look(self) -> list[dict[str, Any]]:
        begun = [talk.id for talk in self.world.conversations if talk.id is not None]
        return self.do(self.core.rows(PROJECTION, begun)) if begun else []

    @invariant()
    def the_database_is_as_the_model_says_and_no_promise_is_broken(self) -> None:
        rows = self.look()
        Example.seen["steps"] += 1
        assert [*broken_promises(rows)] == []
        assert differences(rows, self.world) == []

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        try:
            if sys.exc_info()[0] is None:
                self.everything_comes_to_an_end()
                Example.seen.update(self.world.seen)
        finally:
            cases = [case.id for case in self.world.cases]
            self.sql("update case_work set due_at = null where case_id = any(%s)", cases)
            self.sql(
                "update outbox set state = 'failed' where case_id = any(%s) and state in ('pending', 'sending')", cases
            )
            self.sql("update outbox set reconcile_at = null where case_id = any(%s)", cases)

    def everything_comes_to_an_end(self) -> None:
        """Overridden by the whole machine: with everybody at work, nothing is left in between."""
