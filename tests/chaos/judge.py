"""Holds the evidence against the promise: nothing lost, nothing twice, nothing out of order, nothing hidden.

Every message that was acknowledged is answered, waits for a person, or is dead and a person was told; whatever else
becomes of it is a loss. See ``docs`` of each count below for what it counts.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal
from uuid import UUID

from tests.chaos.customers import Acknowledged
from tests.chaos.evidence import Evidence, Inbound, Outgoing

TAG = re.compile(r"m\d+-\d+\b")
ACCEPTED = 202
BY_PROVIDER = {"relay", "email", "whatsapp"}

End = Literal["answered", "waiting", "dead", "lost"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of the messages."""

    messages: int
    """Acknowledged to somebody."""
    answered: int
    waiting: int
    """For a person: in an open escalation, or in a case that a person owns."""
    dead: int
    lost: int
    """Acknowledged and neither of these; texts that are said to be sent and that the provider never took; texts that
    are not sent though nothing holds them back."""
    reordered: int
    """Conversations whose messages stand, or whose texts arrived, in another order than they were written; turns that
    overlap."""
    doubled: int
    """Messages stored twice or answered twice, outbox rows of one intent, texts that the provider took twice,
    escalations that two reviewers decided."""
    unknown: int
    """Sends that the product says it does not know about."""
    unknown_hidden: int
    """Texts that the provider took, or may have taken, and the product neither says sent nor unknown; and unknown sends
    that it does not show."""
    untexted: int
    """Paused or dead messages whose customer was told nothing."""
    findings: tuple[str, ...] = field(default=(), compare=False)
    """A line for each thing that is wrong."""

    @property
    def good(self) -> bool:
        """Whether the promise was kept."""
        return not (self.lost or self.reordered or self.doubled or self.unknown_hidden or self.untexted)


class Judge:
    """One look at one body of evidence."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._inbound = {message.id: message for message in evidence.inbound}
        self._turns = {turn.id: turn for turn in evidence.turns}
        self._cases = {case.id: case for case in evidence.cases}
        self._by_intent: dict[UUID, list[Outgoing]] = defaultdict(list)
        for outgoing in evidence.outgoing:
            self._by_intent[outgoing.intent_id].append(outgoing)
        self._findings: dict[str, list[str]] = defaultdict(list)

    def verdict(self) -> Verdict:
        """Count everything."""
        evidence = self._evidence
        ends = Counter(self._end(message) for message in evidence.acknowledged)
        self._never_taken()
        self._never_sent()
        self._stored_order()
        self._arrived_order()
        self._overlapping_turns()
        self._doubled_messages()
        self._doubled_sends()
        self._doubled_decisions()
        self._hidden()
        wrong = {kind: len(lines) for kind, lines in self._findings.items()}
        return Verdict(
            messages=len(evidence.acknowledged),
            answered=ends["answered"],
            waiting=ends["waiting"],
            dead=ends["dead"],
            lost=wrong.get("lost", 0),
            reordered=wrong.get("reordered", 0),
            doubled=wrong.get("doubled", 0),
            unknown=sum(outgoing.state == "unknown" for outgoing in evidence.outgoing),
            unknown_hidden=wrong.get("hidden", 0),
            untexted=wrong.get("untexted", 0),
            findings=tuple(f"{kind}: {line}" for kind, lines in self._findings.items() for line in lines),
        )

    def _end(self, acknowledged: Acknowledged) -> End:
        message = self._inbound.get(acknowledged.message_id)
        if message is None or message.text != acknowledged.text:
            return self._lost(acknowledged.text, "is not stored")
        case = self._cases[message.case_id]
        match message.state:
            case "handled":
                return self._end_of_handled(message, owed=acknowledged.owed)
            case "human" if case.owner == "human":
                return "waiting"
            case "waiting" if case.paused and case.escalation == "open":
                return "waiting"
            case "dead" if self._is_buried(message):
                self._tell("failure", message)
                return "dead"
            case state:
                return self._lost(
                    message.text, f"is {state} and nobody is at it ({case.owner}, {case.paused=}, {case.escalation})"
                )

    def _end_of_handled(self, message: Inbound, *, owed: bool) -> End:
        turn = None if message.turn_id is None else self._turns.get(message.turn_id)
        if turn is None:
            by_person = any(o.author == "human" and o.case_id == message.case_id for o in self._evidence.outgoing)
            kept = not owed and message.turn_id is None  # a machine is owed no answer
            return "answered" if by_person or kept else self._lost(message.text, "is handled by no turn")
        if turn.status == "paused":
            if self._cases[message.case_id].escalation != "open":
                return self._lost(message.text, "waits in a pause that nobody sees")
            self._tell("handoff", message)
            return "waiting"
        replies = [outgoing for outgoing in self._by_intent[turn.id] if outgoing.kind == "reply"]
        if not replies:
            return self._lost(message.text, "is handled and has no reply")
        if all(_answers_something_else(reply, message) for reply in replies):
            return self._lost(message.text, "is not in its turn's reply")
        return "answered"

    def _is_buried(self, message: Inbound) -> bool:
        return any(
            letter.case_id == message.case_id and letter.first_sequence <= message.sequence <= letter.last_sequence
            for letter in self._evidence.buried
        )

    def _tell(self, kind: str, message: Inbound) -> None:
        """See that the customer was told."""
        told = [] if message.turn_id is None else self._by_intent[message.turn_id]
        if not any(outgoing.kind == kind for outgoing in told):
            self._found("untexted", f"{message.text!r} has no {kind} note")

    def _never_taken(self) -> None:
        taken = {call.outbox_id for call in self._evidence.calls if call.taken}
        for outgoing in self._evidence.outgoing:
            if outgoing.channel in BY_PROVIDER and outgoing.state == "sent" and outgoing.id not in taken:
                self._lost(outgoing.text, "is said to be sent, and the provider never took it")

    def _never_sent(self) -> None:
        """All has settled, so what is still to be sent waits behind an unknown send, or for ever."""
        unknown: dict[UUID, int] = {}
        for outgoing in self._evidence.outgoing:
            if outgoing.state == "unknown":
                unknown[outgoing.conversation_id] = min(
                    outgoing.order, unknown.get(outgoing.conversation_id, outgoing.order)
                )
        for outgoing in self._evidence.outgoing:
            held_back = unknown.get(outgoing.conversation_id, outgoing.order) < outgoing.order
            if outgoing.state in {"pending", "sending"} and not held_back:
                self._lost(outgoing.text, f"is {outgoing.state}, and nothing holds it back")

    def _stored_order(self) -> None:
        """Who writes one message after the other finds them stored so."""
        talks: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for acknowledged in self._evidence.acknowledged:
            message = self._inbound.get(acknowledged.message_id)
            if acknowledged.in_order and message is not None:
                talks[acknowledged.talk].append((acknowledged.number, message.position))
        for talk, places in talks.items():
            if not _rises(position for _, position in sorted(places)):
                self._found("reordered", f"talk {talk} is stored in another order than it was written")

    def _arrived_order(self) -> None:
        """Texts arrive in the order of the outbox, and what they answer in the order in which it was stored."""
        positions = {tag: message.position for message in self._evidence.inbound for tag in TAG.findall(message.text)}
        for conversation, texts in self._arrivals():
            answered = [
                positions[tag] for o in texts if o.author == "agent" for tag in TAG.findall(o.text) if tag in positions
            ]
            if not _rises(outgoing.order for outgoing in texts) or not _rises(answered):
                self._found("reordered", f"conversation {conversation} got its texts in another order")

    def _arrivals(self) -> Iterator[tuple[UUID, list[Outgoing]]]:
        """Each conversation's texts in the order in which they reached the customer, repeated ones once."""
        rows = {outgoing.id: outgoing for outgoing in self._evidence.outgoing}
        taken = dict.fromkeys(call.outbox_id for call in self._evidence.calls if call.taken)
        arrived = [rows[outbox_id] for outbox_id in taken if outbox_id in rows]
        visible = [o for o in self._evidence.outgoing if o.seen is not None and o.id not in taken]
        arrived += sorted(visible, key=lambda outgoing: outgoing.seen or 0)
        conversations: dict[UUID, list[Outgoing]] = defaultdict(list)
        for outgoing in arrived:
            conversations[outgoing.conversation_id].append(outgoing)
        yield from conversations.items()

    def _overlapping_turns(self) -> None:
        lasting = [turn for turn in self._evidence.turns if turn.status in {"done", "paused"}]
        ordered = sorted(lasting, key=lambda turn: (turn.case_id, turn.first_sequence))
        for before, after in pairwise(ordered):
            if before.case_id == after.case_id and before.last_sequence >= after.first_sequence:
                self._found("reordered", f"turns {before.id} and {after.id} overlap")

    def _doubled_messages(self) -> None:
        known = {acknowledged.message_id for acknowledged in self._evidence.acknowledged}
        for message in self._evidence.inbound:
            if message.id not in known:
                self._found("doubled", f"{message.text!r} is stored once more than it was acknowledged")
        answered = Counter(
            tag
            for outgoing in self._evidence.outgoing
            if outgoing.author == "agent" and outgoing.kind == "reply"
            for tag in set(TAG.findall(outgoing.text))
        )
        for tag, times in answered.items():
            if times > 1:
                self._found("doubled", f"{tag} was answered {times} times")

    def _doubled_sends(self) -> None:
        intents = Counter((outgoing.intent_id, outgoing.ordinal) for outgoing in self._evidence.outgoing)
        for (intent, ordinal), times in intents.items():
            if times > 1:
                self._found("doubled", f"intent {intent} has {times} rows {ordinal} in the outbox")
        # Nobody here resends what is unknown, so a second taking is a doubling even then.
        # But what was reported not to have arrived may go out again.
        again = {outgoing.id: outgoing.superseded for outgoing in self._evidence.outgoing}
        taken = Counter((call.outbox_id, call.part) for call in self._evidence.calls if call.taken)
        for (outbox_id, _), times in taken.items():
            if times > 1 + again.get(outbox_id, 0):
                self._found("doubled", f"the provider took {outbox_id} {times} times")

    def _doubled_decisions(self) -> None:
        accepted = Counter(answer.escalation_id for answer in self._evidence.reviewed if answer.status == ACCEPTED)
        for escalation_id, times in (accepted | Counter(self._evidence.decisions)).items():
            if times > 1:
                self._found("doubled", f"escalation {escalation_id} was decided {times} times")

    def _hidden(self) -> None:
        states = {outgoing.id: outgoing.state for outgoing in self._evidence.outgoing}
        # Taken, and reported not to have arrived: then ``failed`` is the truth, and so is "to be sent again".
        reported = {o.id for o in self._evidence.outgoing if o.reported and o.state in {"failed", "pending", "sending"}}
        for outbox_id in dict.fromkeys(call.outbox_id for call in self._evidence.calls if call.taken):
            if (state := states.get(outbox_id, "gone")) not in {"sent", "unknown"} and outbox_id not in reported:
                self._found("hidden", f"the provider took {outbox_id}, and its row is {state}")
        unknown = sum(state == "unknown" for state in states.values())
        shown = self._evidence.shown_unknown
        if shown is not None and shown != unknown:
            for _ in range(abs(unknown - shown)):
                self._found("hidden", f"{unknown} sends are unknown, and {shown} are shown")

    def _lost(self, text: str, why: str) -> Literal["lost"]:
        self._found("lost", f"{text!r} {why}")
        return "lost"

    def _found(self, kind: str, line: str) -> None:
        self._findings[kind].append(line)


def judge(evidence: Evidence) -> Verdict:
    """The verdict over this evidence."""
    return Judge(evidence).verdict()


def _answers_something_else(reply: Outgoing, message: Inbound) -> bool:
    """The trivial agent repeats what it answers. A person does not, nor the shipped skills, which one case runs."""
    echoes = reply.author == "agent" and reply.text.startswith("echo:")
    return echoes and not set(TAG.findall(message.text)) <= set(TAG.findall(reply.text))


def _rises(numbers: Iterable[int]) -> bool:
    return all(before < after for before, after in pairwise(numbers))
