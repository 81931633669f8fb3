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

    def begun(self) -> list[Conversation]:
        return [talk for talk in self.world.conversations if talk.cases]

    @move(when=lambda self: self.world.cases, which=PICK)
    def silence_falls(self, which: int) -> None:
        self.look_at(self.pick(self.world.cases, which))

    def look_at(self, case: Case) -> None:
        self.sql(
            "update case_work set look_at = case when case_id = %s then now() end"
            " where case_id = %s or look_at is not null",
            case.id,
            case.id,
        )
        looked = self.do(self.core.lives.look())
        assert looked.closed == endings.silence_falls(case)

    @move(when=lambda self: self.begun(), which=PICK, helped=st.booleans())
    def a_customer_presses_a_button(self, which: int, helped: bool) -> None:
        talk = self.pick(self.begun(), which)
        refusal = endings.press(talk, helped=helped)
        self.ask(refusal, self.core.lives.helped([ChannelName(talk.channel)], talk.thread, helped=helped))

    @move(when=lambda self: any(talk.ended for talk in self.world.conversations), which=PICK)
    def staff_open_a_case_again(self, which: int) -> None:
        case = self.pick([case for talk in self.world.conversations for case in talk.ended], which)
        self.ask(endings.begin_again(case), self.core.cases.reopen(CaseId(case.id), "lee"))

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

    @move(when=lambda self: any(talk.ended for talk in self.world.conversations), which=PICK, rating=st.integers(1, 5))
    def a_customer_rates(self, which: int, rating: int) -> None:
        talk = self.pick([talk for talk in self.world.conversations if talk.ended], which)
        case = talk.open_case or talk.ended[-1]
        asked = case.status == "resolved" and case.resolution_number in case.surveys
        refusal = None if asked else ConflictError
        survey_id = self.ask(refusal, self.core.surveys.of_page([ChannelName(talk.channel)], talk.thread))
        if survey_id is not None:
            self.do(self.core.surveys.rate(survey_id, rating))
            case.surveys[case.resolution_number] = str(rating)
            self.world.seen["rated"] += 1
