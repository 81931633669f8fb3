"""What providers say after the call: reports of any rank at any time, and answers about what nobody knows."""

from __future__ import annotations

from hypothesis import strategies as st

from channels.envelope import Absent, Arrived, Reconciled, Undecided
from infra.postgres.outbox import Finding
from infra.postgres.reconciliations import Reconciliations, UnknownSend
from infra.postgres.reports import MOST_ATTEMPTS, DeliveryReports
from skills.turn import ChannelName
from tests.model.example import PICK, move
from tests.model.senders import FINDING, Senders
from tests.model.things import BUSY, CHAT, MAIL, Conversation, Text

RANKS = {"queued": 0, "failed": 1, "limited": 1, "delivered": 2}
FAILURES = {"failed": "not there", "limited": BUSY}
FOUND = st.sampled_from(["arrived", "absent", "undecided"])
STATUSES = st.sampled_from(
    [("queued",), ("failed",), ("limited",), ("failed", "delivered"), ("limited", "delivered"), ("delivered", "failed")]
)


class Providers(Senders):
    """The far end of the way out."""

    @move(
        when=lambda self: self.ever_claimed(),
        often=3,
        of=st.sampled_from(["unknown", "unknown", "sent", "failed", "any"]),
        which=PICK,
        statuses=STATUSES,
        before=st.sampled_from([False, False, False, True]),
    )
    def a_provider_reports(self, of: str, which: int, statuses: tuple[str, ...], before: bool) -> None:
        """Mostly of the present round; also of the one before, and once more what it has reported."""
        claimed = self.ever_claimed()
        talk, text = self.pick([known for known in claimed if known[1].delivery == of] or claimed, which)
        number = max(text.round - before, 0)
        for status in statuses:
            failure = FAILURES.get(status)
            self.do(
                DeliveryReports(self.core.database).record(
                    talk.channel,
                    outbox_id=text.outbox_id,
                    provider_message_id=f"{text.outbox_id} {number}",
                    status=status,
                    rank=RANKS[status],
                    failure=failure,
                    again=failure == BUSY,
                )
            )
            rank, _ = text.reports.get(number, (-1, None))
            if number not in text.superseded and RANKS[status] > rank:
                text.reports[number] = RANKS[status], failure
                self.reported(talk, text)

    def reported(self, talk: Conversation, text: Text) -> None:
        before, text.failure = text.failure, text.reported_failure
        failure = text.failure
        match text.delivery:
            case "unknown":
                talk.take(text)
                self.world.seen["settled by a report"] += 1
            case "pending" if failure is None:
                talk.take(text)
                self.world.seen["taken before it went out again"] += 1
            case "sent" if failure is not None:
                talk.heed(text)
                self.world.seen[f"{text.delivery} by a report"] += 1
            case "failed" if before and not failure and text.state == "delivered" and not text.settled:
                text.delivery = "sent"
                self.world.seen["arrived after all"] += 1

    def unknown(self) -> list[tuple[Conversation, Text]]:
        return [(talk, text) for talk, text in self.world.outbox if text.delivery == "unknown"]

    @move(
        when=lambda self: self.unknown(),
        often=5,
        which=PICK,
        found=FOUND,
        between=st.sampled_from([None, None, "a person", "another sender"]),
        finding=FINDING,
    )
    def a_provider_is_asked(self, which: int, found: str, between: str | None, finding: Finding) -> None:
        """Meanwhile a person may have settled it, and it may have gone out again."""
        unknown = Reconciliations(self.core.database, self.core.keyring)
        self.sql(
            "update outbox set reconcile_at = now() where state = 'unknown' and conversation_id = any(%s)",
            [talk.id for talk in self.world.conversations],
        )
        asked = self.do(unknown.claim(50, [ChannelName(CHAT), ChannelName(MAIL)]))
        assert len(asked) == len(self.unknown()), "not what is unknown, was asked about"
        one = asked[which % len(asked)]
        talk, text = next(known for known in self.unknown() if known[1].outbox_id == one.delivery.id)
        if between is not None:
            self.ask(
                talk.settle_by_hand(text, finding),
                self.senders[0].settle_by_hand(one.delivery.id, finding, "kim"),
            )
        if between == "another sender":
            for sending in self.take(1, 50):
                self.settle(sending, "unknown")
        still = text.delivery == "unknown" and between is None
        wanted_again = text.delivery == "pending" and between == "a person"  # and nobody has begun to send it
        goes_on = self.do(unknown.settle(one, self.answer(found, one)))
        assert goes_on == (
            (found == "arrived" and (still or wanted_again)) or (found == "absent" and still and not text.counting)
        )
        if goes_on and found == "arrived":
            talk.take(text)
        elif goes_on:
            text.delivery, text.ripe = "pending" if text.attempts < MOST_ATTEMPTS else "failed", True
        self.world.seen[f"found {found}{'' if goes_on else ' and nothing changed'}"] += 1

    @move(
        when=lambda self: self.sendable(),
        often=5,
        how=st.sampled_from(["asked", "reported", "by hand"]),
        found=FOUND,
        statuses=STATUSES,
        finding=FINDING,
    )
    def a_send_ends_unknown_and_somebody_finds_out(
        self, how: str, found: str, statuses: tuple[str, ...], finding: Finding
    ) -> None:
        self.settle(self.take(0, 1)[0], "unknown")
        match how:
            case "asked":
                self.a_provider_is_asked(0, found, None, finding)
            case "reported":
                self.a_provider_reports("unknown", 0, statuses, before=False)
            case _:
                self.a_person_settles_a_send(0, finding, any_text=False)

    def answer(self, found: str, one: UnknownSend) -> Reconciled:
        match found:
            case "arrived":
                return Arrived((f"asked about {one.delivery.id}",))
            case "absent":
                return Absent()
            case _:
                return Undecided("who knows", again=True)
