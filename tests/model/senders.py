"""Two senders on two channels: one where twice has the effect of once, one where it has not."""

from __future__ import annotations

from datetime import timedelta
from typing import get_args

from hypothesis import strategies as st

from infra.postgres.outbox import Finding
from skills.turn import ChannelName
from tests.model.example import PICK, Example, Sending, move
from tests.model.things import CHAT, UNSETTLED, Conversation, Text

FINDING: st.SearchStrategy[Finding] = st.sampled_from(get_args(Finding))
RESULT = st.sampled_from(["accepted", "accepted", "later", "failed", "unknown"])


class Senders(Example):
    """The way out."""

    @move(
        when=lambda self: self.sendable(),
        often=3,
        result=RESULT,
        how_far=st.sampled_from([0, 1, 2, 3, 3, 3]),
        late=RESULT,
    )
    def something_comes_between_claim_and_answer(self, result: str, how_far: int, late: str) -> None:
        """A sender hangs in its call; meanwhile it is taken for dead, and somebody else goes on."""
        sending = self.take(0, 1)[0]
        again: list[Sending] = []
        if how_far > 0:
            self.die(sending.text)
        if how_far > 1:
            self.recover()
        if how_far > 2:
            again = self.take(1, 50)
        self.settle(sending, result)
        for other in again:
            self.settle(other, late)

    def under_way(self) -> list[Text]:
        return [text for _, text in self.world.outbox if text.delivery == "sending" and not text.abandoned]

    def sendable(self) -> list[Conversation]:
        return [talk for talk in self.world.conversations if talk.sendable is not None]

    @move(
        when=lambda self: any(text.delivery in UNSETTLED for _, text in self.world.outbox),
        often=2,
        sender=st.integers(0, 1),
        limit=st.sampled_from([1, 50]),
    )
    def a_sender_claims(self, sender: int, limit: int) -> None:
        self.take(sender, limit)

    def take(self, sender: int, limit: int) -> list[Sending]:
        free = {talk.id: talk for talk in self.sendable()}
        deliveries = self.do(self.senders[sender].claim(limit))
        assert len(deliveries) == min(limit, len(free)), "not what is due, was claimed"
        claimed = []
        # The database hands them out in any order; an example has to go the same way again.
        order = [talk.id for talk in self.world.conversations]
        for delivery in sorted(deliveries, key=lambda delivery: order.index(delivery.conversation_id)):
            talk = free[delivery.conversation_id]
            text = talk.sendable
            assert text is not None
            text.delivery, text.holder, text.abandoned = "sending", f"sender {'ab'[sender]}", False
            text.attempts += 1
            text.outbox_id = delivery.id
            assert (delivery.text, delivery.address) == (text.words, talk.address)
            assert delivery.attempt == text.attempts
            claimed.append(Sending(talk, text, delivery, sender))
        self.sending = [*self.sending[-4:], *claimed]
        return claimed

    @move(when=lambda self: self.sending, often=3, which=PICK, result=RESULT, same_name=st.booleans())
    def the_provider_answers(self, which: int, result: str, same_name: bool) -> None:
        self.settle(self.pick(self.sending, which), result, same_name=same_name)

    def settle(self, sending: Sending, result: str, *, same_name: bool = False) -> None:
        """In time or late, once or again: only what is on its way in this sender's hands changes."""
        text, sender, delivery = sending.text, self.senders[sending.sender], sending.delivery
        counts = text.delivery == "sending" and text.holder == f"sender {'ab'[sending.sender]}"
        match result:
            case "accepted":
                name = f"always this one {self.world.conversations[0].thread}" if same_name else None
                assert self.do(sender.sent([(delivery, name)])) == counts
            case "later":
                self.do(sender.retry(delivery, "429", timedelta(hours=1)))
            case "failed":
                self.do(sender.lost(delivery, "failed", "no such address"))
            case _:
                self.do(sender.lost(delivery, "unknown", "timeout"))
        self.world.seen[f"{result}{'' if counts else ' too late'}"] += 1
        if not counts:
            return
        text.holder = None
        text.delivery = {"later": "pending"}.get(result, result)
        text.ripe = result != "later"
        if result == "accepted":
            sending.conversation.take(text)

    @move(when=lambda self: self.under_way(), which=PICK)
    def a_sender_dies(self, which: int) -> None:
        self.die(self.pick(self.under_way(), which))

    def die(self, text: Text) -> None:
        (talk,) = [talk for talk in self.world.conversations if text in talk.outbox]
        self.sql(
            "update outbox set claimed_until = now() - interval '1 second' where conversation_id = %s"
            " and state = 'sending'",
            talk.id,
        )
        text.abandoned = True

    @move(when=lambda self: any(text.delivery == "sending" for _, text in self.world.outbox))
    def a_sender_recovers_what_the_dead_left(self) -> None:
        self.recover()

    def recover(self) -> None:
        left = [(talk, text) for talk, text in self.world.outbox if text.delivery == "sending" and text.abandoned]
        assert self.do(self.senders[1].recover([ChannelName(CHAT)])) == len(left)
        for talk, text in left:
            text.holder, text.abandoned = None, False
            text.delivery = "pending" if talk.channel == CHAT else "unknown"
            self.world.seen[f"recovered as {text.delivery}"] += 1

    def ever_claimed(self) -> list[tuple[Conversation, Text]]:
        return [(talk, text) for talk, text in self.world.outbox if text.outbox_id is not None]

    @move(
        when=lambda self: any(text.delivery in {"failed", "unknown"} for _, text in self.ever_claimed()),
        often=2,
        which=PICK,
        finding=FINDING,
        any_text=st.sampled_from([False, False, True]),
    )
    def a_person_settles_a_send(self, which: int, finding: Finding, any_text: bool) -> None:
        """Mostly one in trouble; now and then one that is none."""
        troubled = [(talk, text) for talk, text in self.ever_claimed() if text.delivery in {"failed", "unknown"}]
        talk, text = self.pick(self.ever_claimed() if any_text else troubled, which)
        assert text.outbox_id is not None
        refusal = talk.settle_by_hand(text, finding)
        self.ask(refusal, self.senders[0].settle_by_hand(text.outbox_id, finding, "kim"))
        self.world.seen[f"{finding} by hand{' refused' if refusal else ''}"] += 1

    def unripe(self) -> list[Text]:
        return [text for _, text in self.world.outbox if not text.ripe and text.delivery == "pending"]

    @move(when=lambda self: self.unripe())
    def a_delay_ends(self) -> None:
        for text in self.unripe():
            text.ripe = True
        self.sql(
            "update outbox set due_at = now() where due_at > now() and conversation_id = any(%s)",
            [talk.id for talk in self.world.conversations],
        )
