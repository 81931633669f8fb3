"""What happens around the end of a case: silence, weeks, buttons, staff who open it again, ratings."""

from __future__ import annotations

from hypothesis import strategies as st

from skills.errors import ConflictError
from skills.turn import CaseId, ChannelName
from tests.model import endings
from tests.model.endings import THANKS
from tests.model.example import PICK, move
from tests.model.reference import Case
from tests.model.things import Conversation
from tests.model.workers import CustomersAndWorkers


class Lives(CustomersAndWorkers):
    """The ends of cases, and their beginnings anew."""

    @move(
        when=lambda self: self.world.cases,
        often=2,
        which=PICK,
        what=st.sampled_from(["silence", "silence", "yes", "no", "staff", "rating"]),
        rating=st.integers(1, 5),
    )
    def something_happens_without_a_message(self, which: int, what: str, rating: int) -> None:
        case = self.pick(self.world.cases, which)
        match what:
            case "silence":
                self.look_at(case)
            case "yes" | "no":
                self.press(case.conversation, helped=what == "yes")
            case "staff":
                self.ask(endings.begin_again(case), self.core.cases.reopen(CaseId(case.id), "lee"))
            case _:
                self.rate(case.conversation, rating)

    def look_at(self, case: Case) -> None:
        self.sql(
            "update case_work set look_at = case when case_id = %s then now() end"
            " where case_id = %s or look_at is not null",
            case.id,
            case.id,
        )
        looked = self.do(self.core.lives.look())
        assert looked.closed == endings.silence_falls(case)

    def press(self, talk: Conversation, *, helped: bool) -> None:
        refusal = endings.press(talk, helped=helped)
        self.ask(refusal, self.core.lives.helped([ChannelName(talk.channel)], talk.thread, helped=helped))

    def rate(self, talk: Conversation, rating: int) -> None:
        case = talk.open_case or talk.ended[-1]
        asked = case.status == "resolved" and case.resolution_number in case.surveys
        refusal = None if asked else ConflictError
        survey_id = self.ask(refusal, self.core.surveys.of_page([ChannelName(talk.channel)], talk.thread))
        if survey_id is not None:
            self.do(self.core.surveys.rate(survey_id, rating))
            case.surveys[case.resolution_number] = str(rating)
            self.world.seen["rated"] += 1

    def somebody_says_that_it_is_solved(self) -> None:
        """One customer whose case is at rest, after an answer or before one."""
        for case in self.world.cases:
            if case.status == "open" and case.owner == "agent" and case.due is None and endings.at_rest(case):
                talk = self.world.conversations.index(case.conversation)
                self.a_customer_writes(talk, endings.SOLVED, later=False, claims=False)
                self.take_a_turn(self.claim(case))
                return

    def customers_say_how_it_was(self) -> None:
        """And thank, which starts nothing."""
        for number, talk in enumerate(self.world.conversations):
            if talk.open_case is None and talk.ended and not talk.ended[-1].over:
                self.rate(talk, 5)
                self.a_customer_writes(number, THANKS, later=False, claims=False)

    @move(when=lambda self: any(talk.ended for talk in self.world.conversations), which=PICK, weeks=st.booleans())
    def a_case_is_over_for_a_while(self, which: int, weeks: bool) -> None:
        talk = self.pick([talk for talk in self.world.conversations if talk.ended], which)
        if weeks:
            self.weeks_pass(talk)
        kind = "hello" if weeks else THANKS
        self.a_customer_writes(self.world.conversations.index(talk), kind, later=False, claims=False)

    def weeks_pass(self, talk: Conversation) -> None:
        for case in talk.ended:
            case.over = True
        self.sql(
            "update cases set resolved_at = resolved_at - interval '15 days'"
            " where conversation_id = %s and status = 'resolved'",
            talk.id,
        )
