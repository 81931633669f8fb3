"""What the model is made of: texts, reviews, jobs and conversations."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal
from uuid import UUID

from infra.postgres.reports import MOST_ATTEMPTS
from skills.errors import ConflictError
from skills.turn import Action, EscalationId

if TYPE_CHECKING:
    from tests.model.reference import Case

MOST = 3
"""Messages in a turn at most. The product takes 50; the machine sets it to this, so that floods are cheap."""

CHAT, MAIL = "chat", "mail"
BUSY = "busy"
"""Why a text did not arrive that goes out again by itself."""
UNSETTLED = ("pending", "sending", "unknown")
OFFERED: dict[bool, tuple[str, ...]] = {
    False: ("approve", "edit", "answer", "reject", "take_over"),
    True: ("answer", "take_over"),
}

Refusal = type[Exception] | None
When = Literal["now", "later"] | None


@dataclass(eq=False)
class Text:
    """A message of a case, in either direction; the fields from ``delivery`` on are the outbox's."""

    author: str
    words: str
    sequence: int
    state: str
    position: int | None = None
    delivery: str | None = None
    attempts: int = 0
    holder: str | None = None
    ripe: bool = True
    abandoned: bool = False
    settled: bool = False
    outbox_id: UUID | None = None
    """Known once a sender has claimed it."""
    round: int = 0
    """Counts how often a person, or the provider's word that it passes, had it sent again."""
    reports: dict[int, tuple[int, str | None]] = field(default_factory=dict)
    """By round: the highest that the provider has reported of it, and why it did not arrive."""
    superseded: set[int] = field(default_factory=set)
    """Rounds that had reported when it went out again: what they say counts no more."""
    failure: str | None = None

    @property
    def counting(self) -> list[int]:
        """The rounds whose reports count."""
        return [number for number in self.reports if number not in self.superseded]

    @property
    def reported_failure(self) -> str | None:
        """Why it did not arrive, by the reports that count; none if one says that it did."""
        failures = [self.reports[number][1] for number in self.counting]
        return None if None in failures else min((failure for failure in failures if failure), default=None)

    @property
    def passes(self) -> bool:
        """Whether every failure that counts passes by itself."""
        return all(self.reports[number][1] == BUSY for number in self.counting)

    def goes_again(self) -> None:
        """It is to be sent once more; what was reported so far counts no more."""
        self.delivery, self.failure = "pending", None
        self.superseded |= self.reports.keys()
        self.round += 1


@dataclass(eq=False)
class Decided:
    """A reviewer's decision on an escalation."""

    action: Action
    reviewer: str
    words: str | None
    seen: int
    covers_later: bool
    applied: bool = False


@dataclass(eq=False)
class Review:
    """An escalation."""

    id: EscalationId
    turn_id: UUID
    span: tuple[Text, ...]
    rejections: int
    status: str = "open"
    claimed_by: str | None = None
    decided: Decided | None = None

    @property
    def words(self) -> str:
        """What the agent would say."""
        return echo(self.span, self.rejections)

    @property
    def offered(self) -> tuple[str, ...]:
        """What a reviewer may do."""
        return OFFERED[self.rejections >= 2]


@dataclass(eq=False)
class Job:
    """What a worker has in its hands: claimed, then loaded, then run. It may be an old one."""

    case: Case
    token: int
    turn_id: UUID
    attempts: int
    reruns: int = 0
    texts: tuple[Text, ...] = ()
    took_all: bool = True
    review: Review | None = None
    solved: bool = False
    """Whether the customer says in it that the matter is settled."""

    @property
    def current(self) -> bool:
        """Whether a commit has to be accepted."""
        return self.case.token == self.token and self.case.held

    @property
    def ends_in(self) -> Literal["fails", "pauses", "replies", "hands over"]:
        """What the graph makes of it."""
        words, rejections = " ".join(text.words for text in self.texts), 0
        if self.review is not None and self.review.decided is not None:
            if self.review.decided.action == "take_over":
                return "hands over"
            if self.review.decided.action != "reject":
                return "replies"
            rejections = self.review.rejections + 1
        if "fail" in words or (rejections and "stubborn" in words):
            return "fails"
        return "pauses" if "person" in words and not (rejections and "once" in words) else "replies"


@dataclass(eq=False)
class Conversation:
    """One talk on one channel."""

    channel: str
    thread: str
    address: str
    id: UUID | None = None
    next_position: int = 1
    cases: list[Case] = field(default_factory=list)
    outbox: list[Text] = field(default_factory=list)
    ended: list[Case] = field(default_factory=list)
    """Its resolved cases, in the order in which they were."""

    @property
    def open_case(self) -> Case | None:
        """The one that messages go to."""
        return next((case for case in self.cases if case.status == "open"), None)

    def place(self) -> int:
        """The next number of a message that the customer sees."""
        self.next_position += 1
        return self.next_position - 1

    def settle_by_hand(self, text: Text, finding: str) -> Refusal:
        """A person says what became of a send."""
        later = self.outbox[self.outbox.index(text) + 1 :]
        possible = text.delivery == "unknown" or (
            text.delivery == "failed"
            and finding != "arrived"
            and (finding == "given_up" or all(one.delivery in {"pending", "failed"} for one in later))
        )
        if text.settled or not possible:
            return ConflictError
        text.failure = None
        match finding:
            case "arrived":
                text.delivery, text.state, text.position, text.settled = "sent", "delivered", self.place(), True
            case "send_again":
                text.goes_again()
                text.attempts, text.ripe = 0, True
            case _:
                text.delivery, text.settled = "failed", True
        return None

    def take(self, text: Text) -> None:
        """The provider has it; it may have reported already that it failed."""
        text.delivery, text.state, text.position = "sent", "delivered", self.place()
        if text.failure is not None:
            self.heed(text)

    def heed(self, text: Text) -> None:
        """It counts as sent, and a failure of it was reported."""
        assert text.position is not None
        later = self.outbox[self.outbox.index(text) + 1 :]
        went_out = any(one.delivery in {"sending", "unknown"} or (one.position or 0) > text.position for one in later)
        text.settled = False
        if text.passes and text.attempts < MOST_ATTEMPTS and not went_out:
            text.goes_again()
            text.ripe = False
        else:
            text.delivery = "failed"

    @property
    def sendable(self) -> Text | None:
        """The text that a sender may take now."""
        first = next((text for text in self.outbox if text.delivery in UNSETTLED), None)
        return first if first is not None and first.delivery == "pending" and first.ripe else None


def echo(texts: tuple[Text, ...], rejections: int) -> str:
    """What the trivial agent says to these messages."""
    again = f" (again {rejections})" if rejections else ""
    return "echo: " + " | ".join(text.words for text in texts) + again
