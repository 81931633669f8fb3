"""Customers, workers, people and senders on one database, in every order at their commit points.

Each rule is one committed transaction of the product (a graph's run commits nothing), so an example is an interleaving
of them. Jobs, views and deliveries stay in hand when they are old, and are used again: that is what a paused process
and a reviewer at lunch do. After every step the database is compared with the model, field by field.
"""

from __future__ import annotations

from uuid import UUID

from hypothesis import strategies as st

from skills.turn import Action, CaseId
from tests.model.example import PICK, move
from tests.model.lives import Lives
from tests.model.people import ACTION, ACTS, People
from tests.model.providers import Providers
from tests.model.reference import Case
from tests.model.senders import Senders
from tests.model.workers import WORDS, CustomersAndWorkers

MEANWHILE = st.sampled_from(
    ["a message", "a message", "a person", "another worker", "a duplicate", "silence", "nothing"]
)


class DeliveryMachine(CustomersAndWorkers, Providers):
    """The way out to its far end: senders, people who settle, what providers report and answer."""


class CoreMachine(Lives, People, Senders):
    """Everything at once, and what matters most in one step: something comes between a beginning and its end."""

    def something_happens(self, case: Case, what: str, index: int, kind: str) -> None:
        talk = self.world.conversations.index(case.conversation)
        match what:
            case "a message":
                self.a_customer_writes(talk, kind, later=False, claims=False)
            case "a person":
                self.act(case, self.pick(ACTS[case.owner], index), "lee")
            case "another worker":
                if case.held:
                    self.expire(case)
                if case.claimable:
                    self.take_a_turn(self.claim(case, 1), up_to=("loaded", "ran", "over")[index % 3])
            case "silence":
                self.look_at(case)
            case "a duplicate":
                self.a_message_comes_again(index, talk, same=True, claims=False)

    @move(
        when=lambda self: self.claimable(),
        often=6,
        which=PICK,
        whats=st.lists(MEANWHILE, min_size=1, max_size=3),
        index=st.integers(0, 5),
        kind=st.sampled_from(WORDS),
    )
    def something_comes_between_claim_and_commit(self, which: int, whats: list[str], index: int, kind: str) -> None:
        case = self.pick(self.claimable(), which)
        held = self.claim(case)
        self.take_a_turn(held, up_to="ran")
        for what in whats:
            self.something_happens(case, what, index, kind)
        if held.step != "over":
            self.go_on(held)

    @move(
        when=lambda self: self.reviews(),
        often=6,
        which=PICK,
        what=MEANWHILE,
        index=st.integers(0, 5),
        action=ACTION,
        covers=st.booleans(),
        late=st.booleans(),
    )
    def something_comes_between_reading_deciding_and_resuming(
        self, which: int, what: str, index: int, action: Action, covers: bool, late: bool
    ) -> None:
        case, review = self.pick(self.reviews(), which)
        view = self.read(case, review)
        if not late:
            self.something_happens(case, what, index, "hello")
        self.decide(view, action, "kim", covers=covers)
        if late:
            self.something_happens(case, what, index, "hello")
        if case.claimable:
            self.take_a_turn(self.claim(case))

    def everything_comes_to_an_end(self) -> None:
        """Everybody goes on working for a while: then every message has met its end, and every text too."""
        self.somebody_says_that_it_is_solved()
        for _ in range(200):
            if not self.something_moves():
                break
        else:
            raise AssertionError("it never comes to rest")
        for case in self.world.cases:
            self.look_at(case)
        self.customers_say_how_it_was()
        self.the_database_is_as_the_model_says_and_no_promise_is_broken()
        for text, case in self.world.accepted.values():
            assert text.state in {"handled", "human", "dead"}, f"{text.words} is still {text.state}"
            assert (text.state == "human") <= (case.owner == "human")
        assert not self.reviews()
        for talk in self.world.conversations:
            left = [text for text in talk.outbox if text.delivery in {"pending", "sending"}]
            assert not left or any(text.delivery == "unknown" for text in talk.outbox)
        self.what_was_said_is_what_was_meant()

    def something_moves(self) -> bool:
        """One step of whatever can still be done."""
        for case in self.world.cases:
            if case.held and not case.expired:
                self.expire(case)
        for text in self.under_way():
            self.die(text)
        self.recover()
        if self.unripe():
            self.a_delay_ends()
        self.time_passes()
        if self.claimable():
            self.take_a_turn(self.claim(self.claimable()[0]))
        elif [view for view in self.reviews() if view[1].status == "open"]:
            case, review = next(view for view in self.reviews() if view[1].status == "open")
            self.decide(self.read(case, review), "answer", review.claimed_by or "kim", covers=False)
        elif self.sendable():
            for sending in self.take(0, 50):
                self.settle(sending, "accepted")
        else:
            return False
        return True

    def what_was_said_is_what_was_meant(self) -> None:
        """Every text, opened: as the model has it."""
        for case in self.world.cases:
            transcript = self.do(self._transcript(case.id))
            assert transcript == [(text.sequence, text.author, text.words) for text in case.texts]

    async def _transcript(self, case_id: UUID) -> list[tuple[int, str, str]]:
        async with self.core.database.connection() as connection:
            read = await self.core.cases.transcript(connection, CaseId(case_id))
        return [(message.sequence, message.author, message.text) for message in read]
