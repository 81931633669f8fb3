"""A history as months of customers leave it, made up: who wrote, what was answered, what waits for a person.

Texts are the sample company's, sealed for real under keys of their own, so that whatever reads a row can open it.
Nothing waits for a worker, and nobody should decide what waits for a reviewer: the checkpoints are noise. Whoever knows
``seeded_key`` finds into the conversations; nobody's secrets are in there.
"""

from __future__ import annotations

import json
import random
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import NAMESPACE_URL, UUID, uuid5

from channels.web.signature import TokenSigner
from evals.loadtest.rows import Batch, Rows
from graph.build import GRAPH_VERSION
from graph.review import ReviewRequest
from infra.crypto.keyring import CustomerKey, Keyring
from skills.errors import BadRequestError
from skills.turn import Author, CustomerId

SPAN = timedelta(days=90)
"""How far back the history goes."""

Fate = Literal["resolved", "idle", "owned", "paused"]

_CHANNELS, _SHARES = ("chat", "email", "whatsapp"), (7, 2, 1)
_RESOLVED = 0.6
"""Share of the cases that are closed, of those that wait for nobody."""
_REVIEWED = 0.04
"""Share of the turns that a reviewer approved."""
_RATED = 0.2
"""Share of the closed cases whose customers answered the survey."""
_AGAIN = 0.5
"""Share of the cases by mail and phone whose customer wrote before."""
_KEPT = timedelta(days=7)
"""Checkpoints of cases that have been idle for longer were pruned."""
_STEP = timedelta(minutes=4)


@dataclass(frozen=True, slots=True)
class _Customer:
    id: UUID
    key: CustomerKey
    key_id: str
    identity_id: UUID


@dataclass(frozen=True, slots=True)
class _Case:
    id: str
    conversation_id: str
    channel: str
    customer: _Customer
    opened: datetime
    step: timedelta


def seeded_key(number: int) -> UUID:
    """The idempotency key with which a web client finds itself in seeded conversation ``number``."""
    return uuid5(NAMESPACE_URL, f"csagent seeded conversation {number}")


class History:
    """Makes the rows of a history, batch after batch.

    Args:
        keyring: the service's own.
        messages: how many, over all cases.
        cases: how many, each with a conversation of its own.
        texts: what customers write, and what is answered.
        paused: how many of the cases wait for a reviewer; one in a hundred, if left out.
        owned: how many are a person's, with a message unanswered; one in two hundred, if left out.
        first: the number of the first conversation, so that a second history goes on where the first ended.
        seed: the same seed makes the same history, but for keys and nonces.
        now: the history's end.

    Raises:
        BadRequestError: there are less than two messages a case, or more cases wait than there are.
    """

    def __init__(
        self,
        keyring: Keyring,
        *,
        messages: int,
        cases: int,
        texts: tuple[Sequence[str], Sequence[str]],
        paused: int | None = None,
        owned: int | None = None,
        first: int = 0,
        seed: int = 1,
        now: datetime | None = None,
    ) -> None:
        if cases < 1 or messages < 2 * cases:
            raise BadRequestError("a case has two messages at least", hint="raise --messages, or lower --cases")
        paused, owned = cases // 100 if paused is None else paused, cases // 200 if owned is None else owned
        if paused + owned > cases:
            raise BadRequestError("more cases wait for people than there are", hint="raise the number of cases")
        self._keyring = keyring
        self._tokens = TokenSigner(keyring.derive("conversation tokens"))
        self._messages, self._cases, self._first = messages, cases, first
        self._questions, self._answers = texts
        self._chance = random.Random(f"{seed} {first}")  # noqa: S311 - repeatable, not secret
        people = self._chance.sample(range(first, first + cases), paused + owned)
        self._paused, self._owned = frozenset(people[:paused]), frozenset(people[paused:])
        self._now = now or datetime.now(UTC)
        self._known: dict[str, deque[_Customer]] = {channel: deque(maxlen=500) for channel in _CHANNELS}
        self._rows = Rows()

    def batches(self, cases: int = 1000) -> Iterator[Batch]:
        """All of it, so many cases at a time."""
        for number, length in enumerate(self._lengths(), start=1):
            opened = self._now - SPAN * (1 - (number - 1) / self._cases)
            self._rows.begin(self._first + number)
            self._write(self._first + number - 1, length, opened)
            if number % cases == 0 or number == self._cases:
                yield self._rows.take()

    def _lengths(self) -> Iterator[int]:
        """How many messages each case has: two, and an exponentially distributed rest; exact in sum."""
        weights = [self._chance.expovariate(1.0) for _ in range(self._cases)]
        more = self._messages - 2 * self._cases
        scale = more / sum(weights)
        reached, given = 0.0, 0
        for number, weight in enumerate(weights, start=1):
            reached += weight * scale
            upto = more if number == self._cases else round(reached)
            yield 2 + upto - given
            given = upto

    def _write(self, number: int, length: int, opened: datetime) -> None:
        """One case, with everything that belongs to it."""
        fate = self._fate(number)
        case = self._case(number, length, opened)
        ended = opened + case.step * length
        turns = length // 2 - (fate == "owned")
        waiting = length - 2 * turns
        # What is over an even number is a burst at the beginning, or what the person who owns the case has to answer.
        sequence = 1
        if fate != "owned":
            sequence += waiting
        paused_turn = None
        for turn in range(turns):
            first = 1 if turn == 0 else sequence
            incoming = range(first, sequence + 1)
            last_of_paused = fate == "paused" and turn == turns - 1
            turn_id = self._turn(case, incoming, paused=last_of_paused)
            paused_turn = turn_id if last_of_paused else None
            sequence += 2
        if fate == "owned":
            for unanswered in range(2 * turns + 1, length + 1):
                self._incoming(case, unanswered, "human", None)
        self._rows.add(
            "cases",
            *(case.id, case.customer.id, case.conversation_id, "resolved" if fate == "resolved" else "open"),
            *("human" if fate == "owned" else "agent", length + 1, opened, ended if fate == "resolved" else None),
        )
        if fate == "resolved":
            self._end(case, ended)
        self._rows.add("case_work", case.id, paused_turn is not None, paused_turn, turns)
        if paused_turn is not None or ended > self._now - _KEPT:
            self._checkpoint(case, ended)

    def _end(self, case: _Case, at: datetime) -> None:
        """The customer says that it is solved, or falls silent; some say how it was."""
        by = self._chance.choice(("customer", "silence"))
        certainty = "confirmed" if by == "customer" else "assumed"
        self._event(case, "case.resolved", by, at, {"by": by, "certainty": certainty, "resolution": 1})
        if self._chance.random() < _RATED:
            rating = self._chance.choices((1, 2, 3, 4, 5), (1, 1, 2, 5, 9))[0]
            survey = self._rows.id("surveys", at)
            self._rows.add(
                "surveys", *(survey, case.id, 1, case.conversation_id, case.channel, "agent", at, at, rating, at)
            )
            self._event(case, "survey.rated", "customer", at, {"rating": rating, "channel": case.channel})

    def _fate(self, number: int) -> Fate:
        if number in self._paused:
            return "paused"
        if number in self._owned:
            return "owned"
        return "resolved" if self._chance.random() < _RESOLVED else "idle"

    def _case(self, number: int, length: int, opened: datetime) -> _Case:
        channel = self._chance.choices(_CHANNELS, _SHARES)[0]
        thread = self._tokens.issue(seeded_key(number)).thread
        known = self._known[channel]
        if channel != "chat" and known and self._chance.random() < _AGAIN:
            customer = self._chance.choice(known)
        else:
            address = thread if channel == "chat" else f"seed-{number}@example.org"
            customer = self._customer(channel, address, opened)
            known.append(customer)
        case = _Case(
            str(self._rows.id("cases", opened)),
            str(self._rows.id("conversations", opened)),
            channel,
            customer,
            opened,
            min(_STEP, (self._now - opened) / (length + 1)),
        )
        thread_index = self._keyring.thread_index(channel, thread)
        self._rows.add(
            "conversations",
            *(case.conversation_id, customer.id, customer.identity_id, channel, thread_index, length + 1, opened),
        )
        return case

    def _customer(self, channel: str, address: str, at: datetime) -> _Customer:
        customer_id = CustomerId(self._rows.id("customers", at))
        identity_id = self._rows.id("identities", at)
        wrapped, key = self._keyring.create(customer_id)
        self._rows.add("customer_keys", wrapped.id, customer_id, wrapped.wrapped, wrapped.master_key_id, at)
        name = key.seal("Customer of a made-up history", place="customers.name_sealed", row=customer_id)
        self._rows.add("customers", customer_id, wrapped.id, name, "en", at)
        self._rows.add(
            "identities",
            *(identity_id, customer_id, wrapped.id, channel),
            key.seal(address, place="identities.address_sealed", row=identity_id),
            self._keyring.address_index(channel, address),
            *(None if channel == "chat" else at, at),
        )
        return _Customer(customer_id, key, str(key.id), identity_id)

    def _turn(self, case: _Case, incoming: range, *, paused: bool) -> str:
        """The customer's messages, and what was made of them."""
        at = case.opened + case.step * incoming[-1]
        turn_id = str(self._rows.id("turns", at))
        reviewed = not paused and self._chance.random() < _REVIEWED
        rules = ("low_confidence",) if paused or reviewed else ()
        for sequence in incoming:
            self._incoming(case, sequence, "handled", turn_id)
        self._rows.add(
            "turns",
            *(turn_id, case.id, "paused" if paused else "done", incoming[0], incoming[-1], GRAPH_VERSION),
            *(1, "escalated" if paused else "answered", 0.1, 0.7, rules, "extractive", case.customer.key_id, at, at),
            {"queue": 420.0, "graph": 30.0, "finish": 9.0},
        )
        if reviewed:
            self._event(case, "escalation.opened", "agent", at, {"rules": list(rules)})
        if paused or reviewed:
            self._review(case, turn_id, incoming, at, decided=reviewed)
        self._outgoing(case, incoming[-1] + 1, turn_id, handoff=paused)
        self._event(case, "escalation.opened" if paused else "turn.answered", "agent", at, {"rules": list(rules)})
        return turn_id

    def _incoming(self, case: _Case, sequence: int, state: str, turn_id: str | None) -> None:
        at = case.opened + case.step * (sequence - 1)
        message_id = self._message(case, sequence, "customer", self._chance.choice(self._questions), state, turn_id, at)
        data = {"channel": case.channel, "message_id": str(message_id)}
        self._event(case, "message.received", "customer", at, data)

    def _outgoing(self, case: _Case, sequence: int, turn_id: str, *, handoff: bool) -> None:
        at = case.opened + case.step * (sequence - 1)
        author: Author = "system" if handoff else "agent"
        message_id = self._message(
            case, sequence, author, self._chance.choice(self._answers), "delivered", turn_id, at, delivered=at
        )
        kind = "handoff" if handoff else "reply"
        self._rows.add(
            "outbox",
            *(self._rows.id("outbox", at), turn_id, 0 if handoff else 1, message_id, case.id, case.conversation_id),
            *(case.channel, kind, "sent", 1, at, at, at),
        )
        self._event(case, "message.sent", "agent", at, {"kind": kind, "channel": case.channel})

    def _message(
        self,
        case: _Case,
        sequence: int,
        author: Author,
        text: str,
        state: str,
        turn_id: str | None,
        at: datetime,
        *,
        delivered: datetime | None = None,
    ) -> UUID:
        message_id, key = self._rows.id("messages", at), case.customer.key
        self._rows.add(
            "messages",
            *(message_id, case.id, case.conversation_id, case.customer.key_id, sequence, sequence),
            *("in" if author == "customer" else "out", author, case.channel, message_id),
            *(key.seal(text, place="messages.body_sealed", row=message_id), state, turn_id, at, delivered),
        )
        return message_id

    def _review(self, case: _Case, turn_id: str, incoming: range, at: datetime, *, decided: bool) -> None:
        escalation_id, key = self._rows.id("escalations", at), case.customer.key
        request = ReviewRequest(
            proposal=self._chance.choice(self._answers),
            answered=True,
            confidence=0.5,
            model="extractive",
            severity="P3",
            reasons=[{"rule": "low_confidence", "explanation": "made up", "severity": "P3"}],
            findings=[],
            sources=[],
            messages=[self._chance.choice(self._questions)],
            mood={},
            elsewhere=[],
            possible_matches=[],
            rejected=[],
            actions=["approve", "edit", "answer", "reject", "take_over"],
        )
        sealed = key.seal(json.dumps(request), place="escalations.request_sealed", row=escalation_id)
        self._rows.add(
            "escalations",
            *(escalation_id, case.id, turn_id, "made-up", "made-up", key.id, sealed, escalation_id.bytes, True),
            *("P3", ("low_confidence",), "closed" if decided else "open", at + timedelta(days=1), at),
        )
        if decided:
            self._rows.add(
                "decisions",
                *(self._rows.id("decisions", at), escalation_id, "approve", "seed", key.id, incoming[-1], at, at),
            )
            data = {"escalation_id": str(escalation_id), "action": "approve", "seconds": 0.0}
            self._event(case, "escalation.decided", "seed", at, data)

    def _event(self, case: _Case, kind: str, actor: str, at: datetime, data: Mapping[str, object]) -> None:
        self._rows.add("events", self._rows.id("events", at), at, kind, case.id, actor, data)

    def _checkpoint(self, case: _Case, at: datetime) -> None:
        checkpoint_id = str(self._rows.id("checkpoints", at))
        self._rows.add("checkpoints", case.id, checkpoint_id, {"id": checkpoint_id, "v": 4}, {})
        for channel in ("turn", "reply"):
            blob = self._chance.randbytes(800)
            self._rows.add("checkpoint_blobs", case.id, channel, "1", "msgpack.sealed", blob)
