"""Reviewers and people who own cases: decisions on what is fresh and what is stale, take-overs, texts, resolutions."""

from __future__ import annotations

from uuid import uuid4

from hypothesis import strategies as st

from graph.review import make_decision
from skills.errors import ConflictError
from skills.turn import Action, CaseId
from tests.model.example import PICK, Example, View, move
from tests.model.reference import Case
from tests.model.things import OFFERED, Decided, Review

ACTS = {
    "agent": ["takes over", "resolves", "resolves", "takes over", "writes", "hands back"],
    "human": ["hands back", "writes", "resolves", "hands back", "writes", "takes over"],
}
"""What people do in a case, by whose it is: mostly what they may."""

REVIEWER = st.sampled_from(["kim", "lee"])
ACTION = st.sampled_from([*OFFERED[False], "reject", "reject"])


class People(Example):
    """The staff's side."""

    def reviews(self) -> list[tuple[Case, Review]]:
        return [(case, case.live) for case in self.world.cases if case.live is not None]

    @move(when=lambda self: self.reviews(), which=PICK)
    def a_reviewer_reads(self, which: int) -> None:
        self.read(*self.pick(self.reviews(), which))

    def read(self, case: Case, review: Review) -> View:
        read = self.do(self.core.reviews.read(review.id, reader="kim"))
        assert read.status == review.status
        assert read.request["proposal"] == (review.words if "approve" in review.offered else "")
        assert tuple(read.request["actions"]) == review.offered
        later = [text.words for text in case.texts if text.author == "customer"]
        assert [message.text for message in read.later_messages] == later[later.index(review.span[-1].words) + 1 :]
        view = View(case, review, read.version, case.newest)
        self.views = [*self.views[-3:], view]
        return view

    @move(when=lambda self: self.views, which=PICK, action=ACTION, reviewer=REVIEWER, covers=st.booleans())
    def a_reviewer_decides_on_what_they_read(self, which: int, action: Action, reviewer: str, covers: bool) -> None:
        self.decide(self.pick(self.views, which), action, reviewer, covers=covers)

    @move(when=lambda self: self.reviews(), often=2, which=PICK, action=ACTION, reviewer=REVIEWER, covers=st.booleans())
    def a_reviewer_reads_and_decides(self, which: int, action: Action, reviewer: str, covers: bool) -> None:
        self.decide(self.read(*self.pick(self.reviews(), which)), action, reviewer, covers=covers)

    def decide(self, view: View, action: Action, reviewer: str, *, covers: bool) -> None:
        words = self.words("a reviewer's words") if action in {"edit", "answer"} else None
        covers_later = covers and words is not None
        decision = make_decision(
            action=action, reviewer=reviewer, text=words, reason="no" if action == "reject" else None
        )
        refusal = view.case.decide(view.review, Decided(action, reviewer, words, view.newest, covers_later))
        decide = self.core.reviews.decide(view.review.id, decision, seen=view.version, covers_later=covers_later)
        self.ask(refusal, decide)

    @move(when=lambda self: self.reviews(), which=PICK, reviewer=REVIEWER, let_go=st.booleans())
    def a_reviewer_is_at_it(self, which: int, reviewer: str, let_go: bool) -> None:
        case, review = self.pick(self.reviews(), which)
        if let_go:
            self.ask(case.release_review(review, reviewer), self.core.reviews.release(review.id, reviewer))
        else:
            self.ask(case.claim_review(review, reviewer), self.core.reviews.claim(review.id, reviewer))

    @move(when=lambda self: self.world.cases, which=PICK, act=st.integers(0, 5), reviewer=REVIEWER)
    def a_person_acts(self, which: int, act: int, reviewer: str) -> None:
        case = self.pick(self.world.cases, which)
        self.act(case, self.pick(ACTS[case.owner], act), reviewer)

    def act(self, case: Case, act: str, reviewer: str) -> None:
        case_id, cases = CaseId(case.id), self.core.cases
        match act:
            case "takes over":
                self.ask(case.take_over(reviewer), cases.take_over(case_id, reviewer))
            case "hands back":
                self.ask(case.hand_back(), cases.hand_back(case_id, reviewer))
            case "resolves":
                self.ask(case.resolve(), cases.resolve(case_id, reviewer))
            case _:
                words, intent = self.words("a person's words"), uuid4()
                written = self.ask(case.write(words), cases.write(case_id, reviewer, words, intent_id=intent))
                if written is not None:
                    self.written.append((case, intent, written))

    @move(when=lambda self: self.written, which=PICK)
    def a_persons_message_comes_again(self, which: int) -> None:
        case, intent, message_id = self.pick(self.written, which)
        refusal = ConflictError if case.status == "resolved" else None
        again = self.ask(refusal, self.core.cases.write(CaseId(case.id), "kim", "the same", intent_id=intent))
        assert again in {None, message_id}
