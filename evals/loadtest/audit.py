"""What a customer can tell of a talk that is over: is everything here, once, in order, and answered once?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from evals.loadtest.channel import Seen
from skills.turn import Author

_OWN_WORDS: tuple[Author, ...] = ("agent", "system")
"""Whose second text after one message is one too many. A person may write as often as they like."""


@dataclass(slots=True)
class Audit:
    """Counts over one conversation, or many. All but ``unread`` are about messages that were acknowledged."""

    lost_messages: int = 0
    doubled_messages: int = 0
    reordered_messages: int = 0
    lost_replies: int = 0
    """Messages that nothing came after."""
    doubled_replies: int = 0
    unread: int = 0
    """Conversations that could not be read in the end, of which nothing is known."""

    def add(self, other: Audit) -> None:
        """Count what another one counted."""
        self.lost_messages += other.lost_messages
        self.doubled_messages += other.doubled_messages
        self.reordered_messages += other.reordered_messages
        self.lost_replies += other.lost_replies
        self.doubled_replies += other.doubled_replies
        self.unread += other.unread

    @property
    def clean(self) -> bool:
        """Whether nothing was found."""
        return self == Audit()


def audit(sent: Sequence[str], transcript: Sequence[Seen], *, one_by_one: bool = True) -> Audit:
    """Compare what was acknowledged with what is there.

    Args:
        sent: ids of acknowledged messages, in the order in which they were sent.
        transcript: the conversation as its customer reads it in the end.
        one_by_one: whether each message was sent after the reply to the one before. Then each has exactly one reply.
            Else several may share one, and only too many replies, or none in the end, can be told.
    """
    times = Counter(seen.id for seen in transcript)
    there = [seen.id for seen in transcript if times[seen.id] == 1]
    order = [message for message in there if message in set(sent)]
    found = Audit(
        lost_messages=sum(not times[message] for message in sent),
        doubled_messages=sum(times[message] > 1 for message in sent),
        doubled_replies=sum(times[seen.id] - 1 for seen in set(transcript) if seen.author != "customer"),
    )
    if one_by_one:
        expected = [message for message in sent if times[message] == 1]
        found.reordered_messages = sum(a != b for a, b in zip(order, expected, strict=True))
    after = _answers(transcript)
    mine = [after[message] for message in sent if message in after]
    if one_by_one:
        found.lost_replies = sum(not answers.total() for answers in mine)
        found.doubled_replies += sum(max(0, answers[author] - 1) for answers in mine for author in _OWN_WORDS)
    elif sent:
        # Once the customer was told that a person will look at it, what they still write waits for that person.
        told = any(seen.author == "system" for seen in transcript)
        found.lost_replies = int(not told and (not transcript or transcript[-1].author == "customer"))
        said = sum(answers["agent"] for answers in after.values())
        found.doubled_replies += max(0, said - len(after))
    return found


def _answers(transcript: Sequence[Seen]) -> dict[str, Counter[Author]]:
    """For each of the customer's messages, who wrote how many different texts before the customer's next one."""
    answers: dict[str, Counter[Author]] = {}
    current: Counter[Author] = Counter()
    for seen in dict.fromkeys(transcript):
        if seen.author == "customer":
            current = answers.setdefault(seen.id, Counter())
        else:
            current[seen.author] += 1
    return answers
