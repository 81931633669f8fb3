"""The review API: what waits for a person, and whose a case is. What people write is in ``api.routes.answers``.

A decision carries the ``version`` that was read: if anything has changed since, the answer is 409 with the changes, and
nothing is decided.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from api.problems import responses
from api.routes.staff import CustomerReader, Reviewer, StaffRoute
from api.routes.visitor import With
from api.wiring import Services
from infra.postgres.escalations import Only
from skills.turn import CaseId, EscalationId

router = APIRouter(prefix="/v1/review", tags=["review"], route_class=StaffRoute)

Severity = Literal["P1", "P2", "P3"]
Limit = Annotated[int, Query(ge=1, le=200)]
Total = Annotated[int, Field(description="How many there are; `items` are the first of them")]
CaseState = Annotated[
    str,
    Field(
        description="Another word whenever something has changed in the case: compare it with that of `PUT …/looking`"
    ),
]


class Customer(BaseModel):
    """Who the case is about."""

    id: UUID
    name: str | None
    language: str | None
    segment: str


class LineFile(BaseModel):
    """A file of a message, read at ``/v1/review/files/{message_id}/{ordinal}``. 0 is the message as it came in."""

    ordinal: int
    name: str
    media_type: str
    size: int
    refusal: str | None = Field(description="Why it was not kept")


class Line(BaseModel):
    """A message of the transcript. ``delivery`` is the outbox's word for one of ours."""

    id: UUID
    sequence: int
    author: Literal["customer", "agent", "human", "system"]
    text: str
    at: datetime
    state: str
    delivery: str | None
    files: list[LineFile]


class Queued(BaseModel):
    """A line of the queue."""

    id: UUID
    case_id: UUID
    channel: str
    severity: Severity
    rules: list[str]
    customer_name: str | None
    first_line: str
    has_draft: bool | None = Field(
        description="Whether the assistant proposes an answer; null: it waits since before an upgrade"
    )
    due_at: datetime
    window_closes_at: datetime | None = Field(description="When the channel takes no free text any more")
    reply_by: datetime = Field(description="The nearer of the two")
    created_at: datetime
    claimed_by: str | None
    urgency: Severity = Field(description="The severity; one step more once it is late")
    moved_on_from: str | None = Field(description="Whose claim was let go because nothing came of it")
    topic: str | None = Field(description="What it is about, where the agent could tell")


class QueueFilter(BaseModel):
    """Which lines of the queue you want to see."""

    channel: str | None = Field(None, max_length=40)
    severity: Severity | None = None
    topic: str | None = Field(None, max_length=200)
    whose: Literal["mine", "nobodys", "others"] | None = None
    late: bool = False
    has_draft: bool | None = None


class Queue(BaseModel):
    """What waits for a person, the nearest deadline first."""

    items: list[Queued]
    total: Total


class Escalation(BaseModel):
    """Everything that a reviewer needs to decide."""

    id: UUID
    case_id: UUID
    channel: str
    status: Literal["open", "decided", "closed"]
    version: str
    state: CaseState
    severity: Severity
    due_at: datetime
    window_closes_at: datetime | None
    reply_by: datetime
    created_at: datetime
    claimed_by: str | None
    decided: str | None
    customer: Customer
    request: dict[str, Any]
    transcript: list[Line]
    later_messages: list[Line]


class OwnedCase(BaseModel):
    """A case that a person owns."""

    id: UUID
    channel: str
    owner_name: str | None
    opened_at: datetime
    customer_name: str | None
    last_line: str = Field(description="What the customer wrote last")
    waiting: int
    waiting_since: datetime | None
    severity: Severity | None = Field(description="Of what it was taken over for")
    due_at: datetime | None = Field(description="When the customer was to have an answer; null once they had one")


class OwnedCases(BaseModel):
    """The cases that people own, the customer who waits longest first."""

    items: list[OwnedCase]
    total: Total


class AgentTurn(BaseModel):
    """What the agent made of some messages, and why."""

    id: UUID
    status: Literal["done", "paused", "withheld", "dead"]
    outcome: str
    first_sequence: int
    last_sequence: int
    confidence: float | None
    polarity: float | None
    rules: list[str]
    model: str | None
    milliseconds: dict[str, float]
    finished_at: datetime
    cited: list[str]


class SurveyResult(BaseModel):
    """What the customer said of our help. ``withdrawn`` says why nobody was asked."""

    resolution_number: int
    answered_by: Literal["agent", "person", "both"]
    asked_at: datetime | None
    withdrawn: str | None
    rating: int | None
    rated_at: datetime | None
    comment: str | None


class Resolution(BaseModel):
    """How sure it is that the matter is settled."""

    model_config = ConfigDict(extra="forbid")

    confirmed: bool = Field(default=False, description="The customer said so")


class PolicyReason(BaseModel):
    """A rule that asked for a person."""

    rule: str
    explanation: str
    severity: Severity
    guidance: str = Field("", description="What to mind, in your policy's words")


class AskedFor(BaseModel):
    """What a person took a case over for."""

    severity: Severity
    due_at: datetime | None = Field(description="When the customer was to have an answer; null once they had one")
    reasons: list[PolicyReason]
    sources: list[dict[str, Any]] = Field(description="Passages, as in the escalation's request")


class Case(BaseModel):
    """A case with its transcript."""

    id: UUID
    state: CaseState
    channel: str
    status: Literal["open", "resolved"]
    owner: Literal["agent", "human"]
    owner_name: str | None
    opened_at: datetime
    resolved_at: datetime | None
    resolved_by: Literal["customer", "person", "agent", "silence"] | None
    resolved_by_name: str | None
    resolution: Literal["confirmed", "assumed"] | None
    reopened: int = Field(description="How often it was opened again")
    survey: SurveyResult | None
    customer: Customer
    escalation_id: UUID | None
    asked_for: AskedFor | None
    withheld_draft: str | None
    transcript: list[Line]
    turns: list[AgentTurn]


class Segment(BaseModel):
    """Which kind of customer this is, in the words of your policy."""

    model_config = ConfigDict(extra="forbid")

    segment: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")


_PROBLEMS = responses(400, 401, 403, 404, 409, 413, 422, 503)


@router.get("/escalations", responses=_PROBLEMS)
async def list_escalations(
    use: With, staff: CustomerReader, only: Annotated[QueueFilter, Query()], limit: Limit = 50
) -> Queue:
    """The queue, or what you ask for of it. What it shows you for the first time is written down."""
    queue = await use.reviews.queue(limit=limit, reader=staff, only=Only(**only.model_dump()))
    return Queue(
        items=[
            Queued.model_validate({**asdict(line), "reply_by": line.reply_by, "urgency": line.urgency})
            for line in queue
        ],
        total=queue.total,
    )


@router.get("/escalations/{escalation_id}", responses=_PROBLEMS)
async def read_escalation(escalation_id: UUID, use: With, staff: CustomerReader) -> Escalation:
    """One escalation. That you read it is written down."""
    read = await use.reviews.read(EscalationId(escalation_id), reader=staff)
    state = await state_with_notes(use, read.case_id, read.state)
    return Escalation.model_validate(
        {**asdict(read), "state": state, "reply_by": read.reply_by, "customer": _customer(read)}
    )


@router.post("/escalations/{escalation_id}/claim", status_code=204, responses=_PROBLEMS)
async def claim_escalation(escalation_id: UUID, use: With, staff: Reviewer) -> None:
    """Say that you are at it, for a quarter of an hour."""
    await use.reviews.claim(EscalationId(escalation_id), staff)


@router.delete("/escalations/{escalation_id}/claim", status_code=204, responses=_PROBLEMS)
async def release_escalation(escalation_id: UUID, use: With, staff: Reviewer) -> None:
    """Let others have it."""
    await use.reviews.release(EscalationId(escalation_id), staff)


@router.get("/cases", responses=_PROBLEMS)
async def list_owned_cases(use: With, staff: CustomerReader, limit: Limit = 50) -> OwnedCases:
    """The cases that people own. What the list shows you for the first time is written down."""
    owned = await use.cases.owned_by_people(limit=limit, reader=staff)
    return OwnedCases(items=[OwnedCase.model_validate(asdict(case)) for case in owned], total=owned.total)


@router.get("/cases/{case_id}", responses=_PROBLEMS)
async def read_case(case_id: UUID, use: With, staff: CustomerReader) -> Case:
    """One case. That you read it is written down."""
    read = await use.cases.read(CaseId(case_id), reader=staff)
    state = await state_with_notes(use, read.id, read.state)
    return Case.model_validate({**asdict(read), "state": state, "customer": _customer(read)})


@router.put("/cases/{case_id}/segment", status_code=204, responses=_PROBLEMS)
async def set_customer_segment(case_id: UUID, new: Segment, use: With, staff: Reviewer) -> None:
    """Say which kind of customer this is: ``vip``, ``standard``, or a name that your policy knows."""
    await use.cases.set_segment(CaseId(case_id), new.segment, staff)


@router.post("/cases/{case_id}/take-over", status_code=204, responses=_PROBLEMS)
async def take_over_case(case_id: UUID, use: With, staff: Reviewer) -> None:
    """From now on you answer; the agent says nothing more."""
    await use.cases.take_over(CaseId(case_id), staff)


@router.post("/cases/{case_id}/hand-back", status_code=204, responses=_PROBLEMS)
async def hand_back_case(case_id: UUID, use: With, staff: Reviewer) -> None:
    """The agent answers again, beginning with what you left unanswered."""
    await use.cases.hand_back(CaseId(case_id), staff)
    await use.signals.outbox_waits()
    await use.signals.case_waits(CaseId(case_id))


@router.post("/cases/{case_id}/resolve", status_code=204, responses=_PROBLEMS)
async def resolve_case(case_id: UUID, use: With, staff: Reviewer, how: Resolution | None = None) -> None:
    """The matter is settled. For some days the customer's next message opens it again, later a new one."""
    await use.cases.resolve(CaseId(case_id), staff, confirmed=how is not None and how.confirmed)


@router.post("/cases/{case_id}/reopen", status_code=204, responses=_PROBLEMS)
async def reopen_case(case_id: UUID, use: With, staff: Reviewer) -> None:
    """Open a resolved case again; the agent has it until you take it over."""
    await use.cases.reopen(CaseId(case_id), staff)


async def state_with_notes(use: Services, case_id: CaseId, state: str) -> str:
    """A case's state, and its newest note: what a page compares to learn that there is something new to read.

    A page reads the notes after the case, so a note that comes between the two is on it.
    """
    return f"{state} {await use.internal_notes.newest(case_id)}"


def _customer(read: Any) -> dict[str, Any]:
    return {
        "id": read.customer_id,
        "name": read.customer_name,
        "language": read.customer_language,
        "segment": read.customer_segment,
    }
