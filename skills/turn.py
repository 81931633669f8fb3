"""The vocabulary of the system: ids, messages, passages, and what each skill finds out in a turn.

Everything here is a frozen dataclass, because these objects are the channels of the graph's state. They are sealed
whole in a checkpoint; a bare string channel would stay readable there. ``CHECKPOINTED`` at the end lists the types that
a checkpoint may bring back to life.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal, NewType
from uuid import UUID

CustomerId = NewType("CustomerId", UUID)
ConversationId = NewType("ConversationId", UUID)
CaseId = NewType("CaseId", UUID)
MessageId = NewType("MessageId", UUID)
TurnId = NewType("TurnId", UUID)
ArticleId = NewType("ArticleId", UUID)
PassageId = NewType("PassageId", UUID)
EscalationId = NewType("EscalationId", UUID)

ChannelName = NewType("ChannelName", str)
"""``chat``, ``form``, ``email``, ``whatsapp`` … A plain name: a channel is added without touching the skills."""

Language = NewType("Language", str)
"""An ISO 639-1 code: ``en``, ``de``, ``es`` …"""

ForPerson = Literal["unreadable", "files_only", "asked", "suspect"]
"""Why a message is a person's: it could not be read, all that it has is files, the customer pressed the button that
asks for a person, or it looks like spam."""

Verdict = Literal["solved", "not_solved"]
"""What a customer says of an answer."""

Author = Literal["customer", "agent", "human", "system"]
Owner = Literal["agent", "human"]
Audience = Literal["public", "customers", "staff"]


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a case. ``sequence`` numbers the case's messages in the order in which they were received."""

    id: MessageId
    sequence: int
    author: Author
    text: str
    received_at: datetime
    for_person: ForPerson | None = None
    channel: ChannelName | None = None
    """Where it was written, of a message from another talk; ``None``: in this one."""


@dataclass(frozen=True, slots=True)
class Customer:
    """Who writes. ``verified`` says that the channel itself or a one-time code proved the address."""

    id: CustomerId
    name: str | None
    verified: bool
    language: Language | None
    segment: str
    """``standard`` or ``vip``; a company may use names of its own, the policy reads them."""
    earlier_cases: int
    """Cases of this customer that were opened in the last seven days before this one, and how often this one was opened
    again, if that was in the last seven days (repeat contact)."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """A draft that a reviewer turned down: the next draft is told why and must not cite the same passages."""

    draft: str
    reason: str
    passages: tuple[PassageId, ...]


@dataclass(frozen=True, slots=True)
class Turn:
    """What a turn starts from: every message that waits in the case, in order, and what was said before."""

    id: TurnId
    case_id: CaseId
    channel: ChannelName
    customer: Customer
    messages: tuple[Message, ...]
    history: tuple[Message, ...]
    """Earlier messages of the case, oldest first, at most the last twenty."""
    earlier_polarity: tuple[float, ...]
    """The sentiment polarity of the case's earlier turns, oldest first, each in [-1, 1]."""
    started_at: datetime
    answered_within_hour: int = 0
    """How many turns of this case the agent answered by itself in the last hour, among the last fifty."""
    elsewhere: tuple[Message, ...] = ()
    """What was said lately in the same customer's other cases, on any channel, oldest first; empty unless both talks
    are the customer's beyond doubt."""
    asked_helped: bool = False
    """Whether the last text that the customer got asks whether the answer helped."""

    @property
    def text(self) -> str:
        """The waiting messages as one text, a blank line between them."""
        return "\n\n".join(message.text for message in self.messages)


@dataclass(frozen=True, slots=True)
class Claim:
    """Something that a customer says of themselves in free text: unproven, so never a key to anybody's data."""

    kind: Literal["email", "phone", "name", "order"]
    value: str


@dataclass(frozen=True, slots=True)
class Identification:
    """identify → who writes, how sure that is, and what was claimed on the way."""

    customer_id: CustomerId
    verified: bool
    claims: tuple[Claim, ...]
    possible_matches: tuple[CustomerId, ...]
    """Other customers whose verified address was claimed, or whom the company's records take for the speaker.
    Offered to a reviewer as a merge, never assumed."""


class Trend(StrEnum):
    """Where a case's mood is going."""

    IMPROVING = "improving"
    STEADY = "steady"
    WORSENING = "worsening"


MoodLabel = Literal["negative", "neutral", "positive"]


@dataclass(frozen=True, slots=True)
class Sentiment:
    """sentiment → polarity in [-1, 1], intensity, anger and urgency in [0, 1], and the trend over the case."""

    polarity: float
    intensity: float
    anger: float
    urgency: float
    trend: Trend
    language: Language
    evidence: tuple[str, ...]
    """The words that moved the score most, for the reviewer."""
    label: MoodLabel = "neutral"
    """The mood in one word, for counting."""


@dataclass(frozen=True, slots=True)
class Conclusion:
    """conclude → whether the customer says that the matter is settled. The commit checks whether it can be."""

    verdict: Verdict | None
    asked: bool = False
    """Whether it answers our question, so that the case ends by the agent's doing."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of an article, as found: ``similarity`` is the cosine to the query, ``score`` the fused rank score."""

    id: PassageId
    article_id: ArticleId
    title: str
    heading: str
    text: str
    url: str | None
    language: Language
    similarity: float
    score: float


@dataclass(frozen=True, slots=True)
class Retrieval:
    """retrieve → the query as it was put to the knowledge base and the passages found, best first."""

    query: str
    passages: tuple[Passage, ...]
    confidence: float
    """How likely it is, in [0, 1], that the best passages answer the question."""
    failure: str | None = None
    """Why nothing could be searched, or not as usual (the knowledge base is down, no vectors …); the turn then goes to
    a person."""


Scope = Literal["in", "near", "far"]
"""Whether a text has one of the company's intents: it does; none, but it may be ours; nothing to do with us."""


@dataclass(frozen=True, slots=True)
class Intent:
    """intent → what the customer wants, and the topic under which the turn counts. Never a customer's words."""

    label: str | None
    """One of the company's own intents; ``None`` outside of them, or while none are trained."""
    topic: str | None
    """The intent, else the title of the best article; ``None`` when nothing fits."""
    confidence: float
    """Of the label, in [0, 1]; of the search where the topic is an article's title."""
    scope: Scope


@dataclass(frozen=True, slots=True)
class Citation:
    """Which passage backs which sentence of a draft (the sentence as it stands in the draft)."""

    passage_id: PassageId
    title: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Draft:
    """respond → a grounded answer, or a plain "I do not know" (``answered`` false, no citations)."""

    text: str
    answered: bool
    citations: tuple[Citation, ...]
    confidence: float
    language: Language
    model: str
    """Who wrote it: ``extractive``, or a model and its prompt's version (``gpt-5-mini/respond-1``)."""
    failure: str | None = None
    """Why no answer could be tried (search down, timeout, rate limited …); the turn then goes to a person."""


GuardName = Literal[
    "link", "email", "phone", "amount", "date", "figure", "name", "promise", "action", "unsupported", "off_topic",
    "orders", "instructions", "secret", "other_customer", "tone", "language", "unreadable",
]  # fmt: skip
"""What a guard may object to in a draft. ``action``: claims of something done; ``orders``: text that is meant for the
agent and not for the customer; ``instructions``: our prompt's words; ``other_customer``: what only another customer's
records could have."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one guard objects to: why, in a sentence for the reviewer, and where."""

    guard: GuardName
    reason: str
    sentence: str
    """As it stands in the draft; empty when the draft as a whole is meant."""


@dataclass(frozen=True, slots=True)
class Guarding:
    """guard → what stands against the draft, and what respond is to do about it.

    ``rewrite``: write it again, told why; ``withdraw``: take out what is objected to, for a person decides now.
    ``None``: the draft may go on.
    """

    findings: tuple[Finding, ...]
    """What still stands against the agent's own words when the turn goes on: a person decides. While something is
    demanded, why it is."""
    demand: Literal["rewrite", "withdraw"] | None = None
    earlier: tuple[Finding, ...] = ()
    """What stood against the first draft."""


class Severity(StrEnum):
    """How soon a person must look: P1 in 15 minutes, P2 in an hour, P3 in a working day."""

    P1 = "P1"
    P2 = "P2"
    P3 = "P3"

    @property
    def deadline(self) -> timedelta:
        """How long a customer may have to wait for a person."""
        return {"P1": timedelta(minutes=15), "P2": timedelta(hours=1), "P3": timedelta(days=1)}[self.value]


@dataclass(frozen=True, slots=True)
class Reason:
    """One rule of the policy that asked for a person: its name and a sentence for the reviewer."""

    rule: str
    explanation: str
    severity: Severity
    guidance: str = ""
    """What the reviewer should mind, in the policy's words."""


@dataclass(frozen=True, slots=True)
class Escalation:
    """escalate → whether a person decides, and why. ``reasons`` is empty exactly when nobody needs to be asked."""

    reasons: tuple[Reason, ...]

    @property
    def needed(self) -> bool:
        """Whether a person has to decide."""
        return bool(self.reasons)

    @property
    def severity(self) -> Severity:
        """The most urgent of the reasons' severities."""
        return min((reason.severity for reason in self.reasons), default=Severity.P3)


@dataclass(frozen=True, slots=True)
class Reply:
    """adapt → the very text that the channel sends, and the note that the customer gets while a person looks at it."""

    text: str
    handoff: str | None
    """What the customer is told at once when the turn pauses for a person; ``None`` when it does not pause."""


Action = Literal["approve", "edit", "answer", "reject", "take_over"]


@dataclass(frozen=True, slots=True)
class Decision:
    """review → what a person decided. ``text`` comes with edit and answer, ``reason`` with reject."""

    action: Action
    reviewer: str
    text: str | None = None
    reason: str | None = None


CHECKPOINTED: tuple[type, ...] = (
    Message, Customer, Rejection, Turn, Claim, Identification, Trend, Sentiment, Conclusion, Passage, Retrieval,
    Intent, Citation, Draft, Finding, Guarding, Severity, Reason, Escalation, Reply, Decision,
)  # fmt: skip
"""The types that a checkpoint may restore; the strict serializer refuses every other one."""
