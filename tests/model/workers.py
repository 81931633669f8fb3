"""Customers and workers: what comes in, and every step of a turn, by workers that may be late."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import strategies as st

from channels.envelope import ClaimedAddress, Envelope
from graph.handling import MAX_RERUNS
from graph.ports import Lease
from infra.postgres.inbox import Receipt
from skills.turn import CaseId, ChannelName, EscalationId
from tests.model.endings import SOLVED, THANKS
from tests.model.example import PICK, Example, Held, move
from tests.model.reference import Case
from tests.model.things import MAIL, Conversation

WORDS = ["hello", "hello", SOLVED, THANKS, "person", "person", "person once", "person stubborn", "fail"]
"""Answered; answered, and the case is over; the same, but for nothing after its end; to a person; to a person until a
draft is rejected; fails once a draft is rejected; always fails."""

RARELY = st.sampled_from([False, False, False, True])
MAX_ATTEMPTS = 5


class CustomersAndWorkers(Example):
    """The way in, and the agent's side."""

    async def send(self, talk: Conversation, key: str, words: str, *, later: bool, claims: bool) -> Receipt:
        return await self.core.inbox.receive(
            Envelope(
                channel=ChannelName(talk.channel),
                provider_message_id=key,
                thread=talk.thread,
                address=talk.address,
                verified=talk.channel == MAIL,
                text=words,
                claims=(ClaimedAddress(ChannelName(MAIL), talk.thread),) if claims else (),
            ),
            settle=timedelta(hours=1) if later else timedelta(0),
        )

    @move(often=2, talk=PICK, kind=st.sampled_from(WORDS), later=RARELY, claims=RARELY)
    def a_customer_writes_something(self, talk: int, kind: str, later: bool, claims: bool) -> None:
        self.a_customer_writes(talk, kind, later=later, claims=claims)

    def a_customer_writes(self, talk: int, kind: str, *, later: bool, claims: bool) -> None:
        conversation, words = self.world.conversations[talk % 3], self.words(kind)
        key = words + conversation.thread
        receipt = self.do(self.send(conversation, key, words, later=later, claims=claims))
        assert self.world.receive(conversation, key, words, later=later, claims=claims, case_id=receipt.case_id) is None
        text, case = self.world.accepted[conversation.channel, key]
        conversation.id = receipt.conversation_id
        assert (receipt.case_id, receipt.sequence, receipt.position) == (case.id, text.sequence, text.position)
        assert (receipt.waits, receipt.duplicate) == (text.state == "waiting", False)

    @move(when=lambda self: self.world.accepted, which=PICK, talk=PICK, same=st.booleans(), claims=RARELY)
    def a_message_comes_again(self, which: int, talk: int, same: bool, claims: bool) -> None:
        channel, key = self.pick([*self.world.accepted], which)
        conversation = self.pick([c for c in self.world.conversations if c.channel == channel], talk)
        text, case = self.world.accepted[channel, key]
        words = text.words if same else f"{text.words}!"
        refusal = self.world.receive(conversation, key, words, later=False, claims=claims, case_id=None)
        receipt = self.ask(refusal, self.send(conversation, key, words, later=False, claims=claims))
        if receipt is not None:
            assert (receipt.case_id, receipt.sequence, receipt.duplicate) == (case.id, text.sequence, True)

    # ---- the queue

    def claimable(self) -> list[Case]:
        return [case for case in self.world.cases if case.claimable]

    def given(self, case: Case, lease: Lease) -> Held:
        held = Held(case.claimed(lease.token, lease.turn_id, lease.attempts), lease)
        self.held = [*self.held[-5:], held]
        return held

    @move(when=lambda self: self.claimable(), which=PICK, worker=st.integers(0, 1))
    def a_worker_claims_a_case(self, which: int, worker: int) -> None:
        self.claim(self.pick(self.claimable(), which), worker)

    def claim(self, case: Case, worker: int = 0) -> Held:
        lease = self.do(self.workers[worker].claim(CaseId(case.id)))
        assert lease is not None, "a case that is due and free was not given"
        return self.given(case, lease)

    @move(
        when=lambda self: any(case.due or case.held for case in self.world.cases),
        limit=st.sampled_from([1, 10]),
        worker=st.integers(0, 1),
    )
    def a_worker_claims_what_is_due(self, limit: int, worker: int) -> None:
        free = {case.id: case for case in self.claimable()}
        leases = self.do(self.workers[worker].claim_due(limit))
        assert len(leases) == min(limit, len(free))
        # The database hands them out in any order; an example has to go the same way again.
        for lease in sorted(leases, key=lambda lease: self.world.cases.index(free[lease.case_id])):
            self.given(free[lease.case_id], lease)

    @move(when=lambda self: any(case.held and not case.expired for case in self.world.cases), which=PICK)
    def a_lease_runs_out(self, which: int) -> None:
        self.expire(self.pick([case for case in self.world.cases if case.held and not case.expired], which))

    @move(when=lambda self: self.claimable(), which=PICK, times=st.integers(2, 5))
    def workers_die_of_a_case(self, which: int, times: int) -> None:
        case = self.pick(self.claimable(), which)
        for _ in range(times):
            self.claim(case)
            self.expire(case)

    def expire(self, case: Case) -> None:
        self.sql("update case_work set leased_until = now() - interval '1 second' where case_id = %s", case.id)
        case.expired = True

    # ---- a turn, step by step; any of these may come late

    def at(self, step: str) -> list[Held]:
        return [held for held in self.held if held.step == step]

    def going_on(self) -> list[Held]:
        return [held for held in self.held if held.step != "over"]

    @move(when=lambda self: self.going_on(), often=2, which=PICK)
    def a_job_goes_on(self, which: int) -> None:
        self.go_on(self.pick(self.going_on(), which))

    @move(when=lambda self: self.at("ran"), often=3, which=PICK)
    def an_outcome_is_committed(self, which: int) -> None:
        self.commit(self.pick(self.at("ran"), which))

    def go_on(self, held: Held) -> None:
        match held.step:
            case "claimed" if held.lease.attempts > MAX_ATTEMPTS:
                self.bury(held)
            case "claimed":
                self.load(held)
            case "idle":
                self.release(held)
            case "loaded":
                self.run_graph(held)
            case "failed":
                self.after_failure(held)
            case "ran":
                self.commit(held)

    def load(self, held: Held) -> None:
        job = held.job
        held.work = self.do(self.core.ledger.load(held.lease))
        assert (held.work is not None) == job.case.load(job)
        held.step = "idle" if held.work is None else "loaded"
        if held.work is None:
            return
        if held.work.turn is not None:
            assert [message.text for message in held.work.turn.messages] == [text.words for text in job.texts]
            assert job.review is None
        else:
            assert held.work.resumption is not None
            assert job.review is not None
            assert job.review.decided is not None
            assert held.work.resumption.escalation_id == job.review.id
            assert held.work.resumption.decision.action == job.review.decided.action
            assert held.work.resumption.decision.text == job.review.decided.words

    def run_graph(self, held: Held) -> None:
        job = held.job
        assert held.work is not None
        try:
            held.outcome = self.do(self.core.handler.run(held.work))
        except Exception:  # noqa: BLE001 - whichever a skill or LangGraph raises
            # A resumption that comes late finds another checkpoint than its own, or none.
            assert job.ends_in == "fails" or (job.review is not None and not job.current)
            held.step = "failed"
        else:
            held.step = "ran"
            assert not job.current or (held.outcome.pause is not None) == (job.ends_in == "pauses")

    def commit(self, held: Held) -> None:
        job, case = held.job, held.job.case
        assert held.work is not None
        assert held.outcome is not None
        reviews = len(case.reviews)
        may_supersede = held.work.resumption is None and job.reruns < MAX_RERUNS
        promised = case.commit(job, may_supersede=may_supersede)
        commit = self.core.ledger.commit(held.work, held.outcome, may_supersede=may_supersede)
        if promised == "superseded":
            assert self.do(commit) == "superseded"
            job.reruns += 1
            held.step = "claimed"
            return
        held.step = "over"
        if "turn" not in held.outcome.state:
            commit.close()  # a resumption that came too late and found an empty thread
            assert promised is not None
            return
        assert self.ask(promised, commit) in {None, "committed"}
        if len(case.reviews) > reviews:
            (row,) = self.do(
                self.core.rows("select id from escalations where case_id = %s and status = 'open'", case.id)
            )
            case.reviews[-1].id = EscalationId(row["id"])

    def release(self, held: Held) -> None:
        self.do(self.core.ledger.release(held.lease))
        held.job.case.release(held.job)
        held.step = "over"

    def after_failure(self, held: Held) -> None:
        if held.lease.attempts < MAX_ATTEMPTS:
            self.give_back(held, later=True, blameless=False)
        else:
            self.bury(held)

    def give_back(self, held: Held, *, later: bool, blameless: bool) -> None:
        delay = timedelta(hours=1) if later else timedelta(0)
        self.do(self.workers[0].give_back(held.lease, delay=delay, blameless=blameless))
        held.job.case.give_back(held.job, later=later, blameless=blameless)
        held.step = "over"

    def bury(self, held: Held) -> None:
        self.ask(held.job.case.bury(held.job), self.core.dead_letters.bury(held.lease, "ValueError"))
        held.step = "over"

    @move(
        when=lambda self: self.held,
        which=PICK,
        act=st.sampled_from(["renews", "gives back", "buries", "releases", "commits"]),
        blameless=st.booleans(),
    )
    def a_worker_does_it_at_any_time(self, which: int, act: str, blameless: bool) -> None:
        """Late, early or twice: a worker that was paused, or did not hear the answer."""
        held = self.pick(self.held, which)
        match act:
            case "renews":
                assert self.do(self.workers[0].renew(held.lease)) == held.job.case.renewed(held.job)
            case "gives back":
                self.give_back(held, later=False, blameless=blameless)
            case "buries":
                self.bury(held)
            case "releases" if not held.job.current or held.step == "idle":
                self.release(held)
            case "commits" if held.outcome is not None and not held.job.current:
                self.commit(held)

    def take_a_turn(self, held: Held, *, up_to: str = "over") -> None:
        """All of it, with nothing in between."""
        while held.step not in {"over", up_to}:
            self.go_on(held)

    @move(when=lambda self: self.claimable(), often=2, which=PICK, up_to=st.sampled_from(["ran", "loaded", "over"]))
    def a_worker_claims_and_gets_so_far(self, which: int, up_to: str) -> None:
        self.take_a_turn(self.claim(self.pick(self.claimable(), which)), up_to=up_to)

    @move(when=lambda self: any(case.due == "later" for case in self.world.cases))
    def time_passes(self) -> None:
        for case in self.world.cases:
            if case.due == "later":
                self.sql("update case_work set due_at = now() where case_id = %s", case.id)
                case.due = "now"
