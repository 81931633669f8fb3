"""Conversations for staff: listed, searched, and read over all channels. What is done in one: ``api.routes.review``.

A line is a case: one matter of one customer on one channel. A query may hold a customer's address or name, so it comes
in a body, which no server's log has.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api.problems import responses
from api.routes.review import LineFile
from api.routes.staff import CustomerReader, StaffRoute, WorkLister
from api.routes.visitor import With
from infra.postgres.search import Filters, FoundCases
from infra.postgres.storable import refuse_unstorable
from infra.search.query import LONGEST
from skills.turn import Author, CaseId, CustomerId

router = APIRouter(prefix="/v1/conversations", tags=["conversations"], route_class=StaffRoute)
customer_router = APIRouter(prefix="/v1/review/customers", tags=["review"], route_class=StaffRoute)

Limit = Annotated[int, Query(ge=1, le=100)]
Word = Annotated[str | None, Field(max_length=200)]
After = Annotated[str | None, Query(max_length=60, description="`after` of the page before")]
_PROBLEMS = responses(400, 401, 403, 404, 413, 422, 503)


class Wanted(BaseModel):
    """Which cases are wanted; what is left out is any."""

    state: Literal["open", "resolved"] | None = None
    channel: Word = None
    topic: Word = None
    language: Annotated[str | None, Field(max_length=20)] = None
    owner: Literal["agent", "human"] | None = Field(None, description="Who has it now")
    person: Annotated[str | None, Field(max_length=100)] = Field(None, description="Which colleague has it")
    since: AwareDatetime | None = Field(None, description="Opened from then on")
    until: AwareDatetime | None = Field(None, description="Opened before")
    customer_id: UUID | None = None
    after: Annotated[str | None, Field(max_length=60)] = Field(None, description="`after` of the page before")
    limit: int = Field(50, ge=1, le=100)


class Searched(Wanted):
    """What is looked for among them."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(
        min_length=1,
        max_length=LONGEST,
        description="A whole address, a name, an id or eight characters of its beginning, a topic, or words; all words"
        " have to stand in one message",
    )
    by: Literal["address", "id", "topic", "name", "words"] | None = Field(None, description="Else it is recognised")


class ConversationLine(BaseModel):
    """A case of the list."""

    case_id: UUID
    conversation_id: UUID
    channel: str
    status: Literal["open", "resolved"]
    owner: Literal["agent", "human"]
    owner_name: str | None
    opened_at: datetime
    last_at: datetime = Field(description="When something was last written")
    resolved_at: datetime | None
    language: str | None
    topic: str | None
    customer_id: UUID
    customer_name: str | None
    escalation_id: UUID | None = Field(description="It waits for a person's decision")
    line: str = Field(description="The message that was found, else the customer's first words")
    author: Author = Field(description="Who wrote the line")
    found_by: Literal["list", "address", "id", "topic", "name", "words"]
    message_id: UUID | None


class NamedCustomerLine(BaseModel):
    """A customer whom the query names."""

    id: UUID
    name: str | None


class Conversations(BaseModel):
    """A page, the newest first. With ``after`` there may be more, even if this page is empty."""

    kind: Literal["list", "address", "id", "topic", "name", "words"] = Field(description="What the query was taken for")
    items: list[ConversationLine]
    customers: list[NamedCustomerLine]
    after: str | None
    behind_since: datetime | None = Field(description="What came in since then can't be found by words yet")


class KnownTopics(BaseModel):
    """What turns are about."""

    items: list[str]


class HistoryEvent(BaseModel):
    """One thing that happened."""

    id: UUID
    at: datetime
    kind: str
    actor: str | None
    data: dict[str, Any]


class History(BaseModel):
    """What happened in a case, newest first."""

    case_id: UUID
    conversation_id: UUID
    customer_id: UUID
    events: list[HistoryEvent]


class SaidLine(BaseModel):
    """A message of one of the customer's cases; ``text`` is null once it was erased."""

    id: UUID
    case_id: UUID
    channel: str
    sequence: int
    author: Literal["customer", "agent", "human", "system"]
    text: str | None
    at: datetime
    state: str
    delivery: str | None
    files: list[LineFile]


class Said(BaseModel):
    """What the customer said and heard, on all channels, oldest first."""

    items: list[SaidLine]


@router.get("", responses=_PROBLEMS)
async def list_conversations(use: With, staff: CustomerReader, wanted: Annotated[Wanted, Query()]) -> Conversations:
    """The cases, the newest first. Which ones you were shown is written down."""
    page = await use.search.listed(_filters(wanted), reader=staff, after=wanted.after, limit=wanted.limit)
    return _shown(page)


@router.post("/search", responses=_PROBLEMS)
async def search_conversations(wanted: Searched, use: With, staff: CustomerReader) -> Conversations:
    """Find cases. That you searched and what you were shown is written down; what you searched for is not."""
    page = await use.search.found(
        wanted.text, _filters(wanted), reader=staff, by=wanted.by, after=wanted.after, limit=wanted.limit
    )
    return _shown(page)


@router.get("/topics", responses=_PROBLEMS)
async def list_topics(use: With, staff: WorkLister) -> KnownTopics:  # noqa: ARG001 - signed in is enough
    """What turns are about: an intent of yours, or an article's title."""
    return KnownTopics(items=await use.search.topics())


@router.get("/{case_id}/history", responses=_PROBLEMS)
async def read_history(
    case_id: UUID,
    use: With,
    staff: CustomerReader,
    looks: Annotated[bool, Query(description="Also who only looked")] = False,
) -> History:
    """What happened in a case. That you read it is written down."""
    return History.model_validate(asdict(await use.histories.of_case(CaseId(case_id), reader=staff, looks=looks)))


@customer_router.get("/{customer_id}/messages", responses=_PROBLEMS)
async def read_messages(
    customer_id: UUID, use: With, staff: CustomerReader, before: UUID | None = None, limit: Limit = 100
) -> Said:
    """A customer's newest messages on all channels, before one of them. That you read it is written down."""
    said = await use.histories.of_customer(CustomerId(customer_id), reader=staff, before=before, limit=limit)
    return Said(items=[SaidLine.model_validate(asdict(line)) for line in said])


def _filters(wanted: Wanted) -> Filters:
    for given in filter(None, (wanted.channel, wanted.topic, wanted.language, wanted.person)):
        refuse_unstorable(given)
    return Filters(
        state=wanted.state,
        channel=wanted.channel,
        topic=wanted.topic,
        language=wanted.language,
        owner=wanted.owner,
        person=wanted.person,
        since=wanted.since,
        until=wanted.until,
        customer_id=None if wanted.customer_id is None else CustomerId(wanted.customer_id),
    )


def _shown(page: FoundCases) -> Conversations:
    return Conversations.model_validate(asdict(page))
