"""What the core promises, as plain Python objects: no lock, no lease table, no SQL, one thing after another.

Every method changes the model the way one committed transaction changes the database, and returns the error that the
product has to answer with, or ``None``. Numbers that the database chooses (ids, tokens) are told to the model.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from skills.errors import BadRequestError, ConflictError, LeaseLostError
from skills.turn import EscalationId
from tests.model import endings
from tests.model.things import MOST, Conversation, Decided, Job, Refusal, Review, Text, When, echo


@dataclass(eq=False)
class Case:
    """One matter: its owner, its lease, its messages, its reviews."""

    id: UUID
    conversation: Conversation
    seen: Counter[str]
    status: str = "open"
    owner: str = "agent"
    owner_name: str | None = None
    paused: bool = False
    due: When = None
    held: bool = False
    expired: bool = False
    token: int = 0
    attempts: int = 0
    turn_id: UUID | None = None
    next_sequence: int = 1
    dead_letters: int = 0
    texts: list[Text] = field(default_factory=list)
    reviews: list[Review] = field(default_factory=list)
    turns: dict[UUID, tuple[str, str, int, int]] = field(default_factory=dict)
    resolved_by: str | None = None
    resolution_number: int = 1
    over: bool = False
    """Resolved so long ago that a message opens a new case."""
    surveys: dict[int, str | None] = field(default_factory=dict)
    """By the end that they ask about: a rating, or why nobody is asked."""

    def having(self, *states: str) -> list[Text]:
        """The customer's messages in these states."""
        return [text for text in self.texts if text.author == "customer" and text.state in states]

    @property
    def live(self) -> Review | None:
        """The escalation that waits for a decision, or for a worker to apply one."""
        return next((review for review in self.reviews if review.status != "closed"), None)

    @property
    def newest(self) -> int:
        """The number of the customer's last message."""
        return max(text.sequence for text in self.texts if text.author == "customer")

    def number(self) -> int:
        """The next message number."""
        self.next_sequence += 1
        return self.next_sequence - 1

    # ---- the queue

    @property
    def claimable(self) -> bool:
        """Whether a claim has to be given."""
        return self.due == "now" and (not self.held or self.expired)

    def claimed(self, token: int, turn_id: UUID, attempts: int) -> Job:
        """A worker claimed it, and was told these."""
        assert self.claimable, "a claim was given on a case that is held or not due"
        assert token == self.token + 1
        assert attempts == self.attempts + 1
        assert self.turn_id in {None, turn_id}, "a turn begun again keeps its id"
        self.token, self.attempts, self.turn_id = token, attempts, turn_id
        self.held, self.expired = True, False
        return Job(self, token, turn_id, attempts)

    def load(self, job: Job) -> bool:
        """What a job is about; false when there is nothing to do."""
        job.texts, job.review = (), None
        if self.live is not None and self.live.status == "decided":
            job.review, job.texts = self.live, self.live.span
            return True
        if self.owner == "human":
            return False
        waiting = self.having("waiting")
        job.texts, job.took_all = tuple(waiting[:MOST]), len(waiting) <= MOST
        job.solved = endings.hears_that_it_is_solved(self, job.texts)
        return bool(job.texts)

    def renewed(self, job: Job) -> bool:
        """Whether the lease still was this job's; then it holds longer."""
        if not job.current:
            return False
        self.expired = False
        return True

    def release(self, job: Job) -> None:
        """Nothing to do."""
        if not job.current:
            return
        self._let_go(keep_turn=self.paused)
        waits = not self.paused and self.owner == "agent" and self.having("waiting")
        self.due = "now" if waits else None

    def give_back(self, job: Job, *, later: bool, blameless: bool) -> None:
        """Somebody else, or another time."""
        if job.current:
            self.held = self.expired = False
            self.due = "later" if later else "now"
            self.attempts -= blameless

    # ---- the commit

    def commit(self, job: Job, *, may_supersede: bool) -> Refusal | Literal["superseded"]:
        """A turn's outcome. A new escalation gets its id afterwards."""
        if not job.current:
            return LeaseLostError
        newer = any(text.sequence > job.texts[-1].sequence for text in self.having("waiting"))
        if may_supersede and newer and job.took_all:
            return self._note("superseded")
        if self.owner == "human" and job.review is None:
            self._turn(job, "withheld", "withheld")
            self._finish("withheld")
            return None
        self._end(job)
        return None

    def _end(self, job: Job) -> None:
        review, decided = job.review, job.review.decided if job.review else None
        rejections = review.rejections + (decided is not None and decided.action == "reject") if review else 0
        match job.ends_in:
            case "hands over":
                self._settle(job.texts, "human")
                self._settle(self.having("waiting"), "human")
                self.owner, self.owner_name = "human", decided.reviewer if decided else None
                self._close(job)
                self._turn(job, "done", "taken_over")
                self._finish("handed over")
            case "pauses":
                self._settle(job.texts, "handled")
                if review is None:
                    self.say("system", "A colleague will look at this.")
                self._close(job)
                self.reviews.append(Review(EscalationId(UUID(int=0)), job.turn_id, job.texts, rejections))
                self._turn(job, "paused", "escalated")
                self._finish("paused again" if review else "paused", paused=True)
            case "replies":
                self._settle(job.texts, "handled")
                by_person = decided is not None and decided.words is not None
                words = decided.words if decided is not None else None
                self.say("human" if by_person else "agent", words or echo(job.texts, rejections))
                self._close(job)
                self._turn(job, "done", "answered")
                self._finish(f"replied after {decided.action}" if decided else "replied")
                endings.conclude(self, job)
            case "fails":
                raise AssertionError("a failing turn has nothing to commit")

    def bury(self, job: Job) -> Refusal:
        """The job is given up."""
        if not job.current:
            return LeaseLostError
        paused = self.live
        span = list(paused.span) if paused else self.having("waiting")
        if span:
            within = range(span[0].sequence, span[-1].sequence + 1)
            self._settle([text for text in self.having("waiting", "handled") if text.sequence in within], "dead")
            if paused is not None:
                paused.status = "closed"
                _, _, first, last = self.turns[job.turn_id]
                self.turns[job.turn_id] = ("dead", "dead", first, last)
            self.owner = "human"
            self.dead_letters += 1
            self.say("system", "It went wrong.")
            self._settle(self.having("waiting"), "human")
        self._finish(("buried, paused" if paused else "buried") if span else "buried nothing")
        return None

    def say(self, author: str, words: str) -> Text:
        """A text for the customer is written and put into the outbox."""
        text = Text(author, words, self.number(), "written", delivery="pending")
        self.texts.append(text)
        self.conversation.outbox.append(text)
        return text

    def _settle(self, texts: list[Text] | tuple[Text, ...], state: str) -> None:
        for text in texts:
            text.state = state

    def _close(self, job: Job) -> None:
        if job.review is None or job.review.decided is None:
            return
        decided, job.review.status = job.review.decided, "closed"
        decided.applied = True
        if decided.covers_later:
            self._settle([text for text in self.having("waiting") if text.sequence <= decided.seen], "handled")

    def _turn(self, job: Job, status: str, outcome: str) -> None:
        self.turns[job.turn_id] = (status, outcome, job.texts[0].sequence, job.texts[-1].sequence)

    def _finish(self, what: str, *, paused: bool = False) -> None:
        self.paused, self.attempts = paused, 0
        self._let_go(keep_turn=paused)
        self.due = "now" if not paused and self.having("waiting") else None
        self._note(what)

    def _let_go(self, *, keep_turn: bool) -> None:
        self.held = self.expired = False
        self.attempts = 0
        if not keep_turn:
            self.turn_id = None

    def _note(self, what: str) -> Literal["superseded"]:
        self.seen[what] += 1
        return "superseded"

    # ---- people

    def decide(self, review: Review, decided: Decided) -> Refusal:
        """A reviewer decides on what they saw."""
        theirs = review.claimed_by in {None, decided.reviewer}
        if review.status != "open" or not theirs or decided.seen != self.newest:
            self._note("decision refused")
            return ConflictError
        if decided.action not in review.offered:
            return BadRequestError
        review.status, review.claimed_by, review.decided = "decided", None, decided
        self.due = "now"
        return None

    def claim_review(self, review: Review, reviewer: str) -> Refusal:
        """A reviewer says that they are at it."""
        if review.status != "open" or review.claimed_by not in {None, reviewer}:
            return ConflictError
        review.claimed_by = reviewer
        return None

    def release_review(self, review: Review, reviewer: str) -> Refusal:
        """A reviewer lets others have it."""
        if review.status != "open" or review.claimed_by != reviewer:
            return ConflictError
        review.claimed_by = None
        return None

    def take_over(self, reviewer: str) -> Refusal:
        """A person answers from now on."""
        if self.status == "resolved" or self.live is not None:
            return ConflictError
        self.owner, self.owner_name = "human", reviewer
        self._settle(self.having("waiting"), "human")
        if not self.held:
            self.due = None
        self._note("taken over")
        return None

    def hand_back(self) -> Refusal:
        """The agent answers again."""
        if self.status == "resolved" or self.owner == "agent":
            return ConflictError
        self.return_to_agent()
        if endings.has_met_a_person(self):
            self.say("system", endings.HANDED_BACK)
        moved = self.having("human")
        self._settle(moved, "waiting")
        if moved:
            self.due = "now"
        self._note("handed back")
        return None

    def write(self, words: str) -> Refusal:
        """A person's own text."""
        if self.status == "resolved" or self.owner == "agent":
            return ConflictError
        self.say("human", words)
        self._settle(self.having("human"), "handled")
        self._note("answered by a person")
        return None

    def resolve(self) -> Refusal:
        """The matter is settled."""
        if self.status == "resolved" or self.live is not None or self.having("waiting"):
            return ConflictError
        self._settle(self.having("human"), "handled")
        if self.owner == "human":
            self.return_to_agent()
        endings.end(self, "person")
        return None

    def return_to_agent(self) -> None:
        """A person does not own it any more; whatever turn is under way is an old one."""
        self.owner, self.owner_name, self.due = "agent", None, None
        self.token += 1
        self._let_go(keep_turn=False)


class World:
    """Everything that one example has made."""

    def __init__(self, conversations: list[Conversation]) -> None:
        self.conversations = conversations
        self.accepted: dict[tuple[str, str], tuple[Text, Case]] = {}
        self.seen: Counter[str] = Counter()

    @property
    def cases(self) -> list[Case]:
        """Every case, oldest first in its conversation."""
        return [case for conversation in self.conversations for case in conversation.cases]

    @property
    def outbox(self) -> Iterator[tuple[Conversation, Text]]:
        """Every text that was ever to be sent."""
        return ((conversation, text) for conversation in self.conversations for text in conversation.outbox)

    def receive(
        self, conversation: Conversation, key: str, words: str, *, later: bool, claims: bool, case_id: UUID | None
    ) -> Refusal:
        """A customer's message. ``case_id`` is where the product put it; a case that is new to the model begins."""
        case, known = conversation.open_case, self.accepted.get((conversation.channel, key))
        if known is not None:
            if case is not None and not claims:
                # The statement that finds the message there already has numbered it by then: a gap in both numbers.
                case.number()
                conversation.place()
            self.seen["duplicate"] += 1
            return None if known[0].words == words else ConflictError
        recent = [ended for ended in conversation.ended if not ended.over]
        quiet = case is None and bool(recent) and words.startswith(endings.THANKS)
        if case is None and recent:
            case = recent[-1]
            if not quiet:
                endings.begin_again(case)
        if case is None:
            assert case_id is not None, "a new message was refused"
            self.seen["began anew"] += bool(conversation.cases)
            case = Case(case_id, conversation, self.seen)
            conversation.cases.append(case)
        self.seen["thanked"] += quiet
        state = "handled" if quiet else "waiting" if case.owner == "agent" else "human"
        text = Text("customer", words, case.number(), state)
        text.position = conversation.place()
        case.texts.append(text)
        self.accepted[conversation.channel, key] = text, case
        if text.state == "waiting" and not case.paused and case.due != "now":
            case.due = "later" if later else "now"
        self.seen["written while paused"] += case.paused
        return None
