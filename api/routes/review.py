"""The review API: what waits for a person, and what the person decides.

Every route needs a staff key; the key's name is who acts. A decision carries the ``version`` that was read: if anything
has changed since, the answer is 409 with the changes, and nothing is decided.
"""

from __future__ import annotations

import hmac
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query
from pydantic import BaseModel, ConfigDict, Field

from api.problems import UnauthorizedError, responses
from api.routes.web import Given, With
from graph.review import make_decision
from infra.postgres.inbox import MAX_CHARACTERS, refuse_unstorable
from skills.turn import CaseId, EscalationId

router = APIRouter(prefix="/v1/review", tags=["review"])

Severity = Literal["P1", "P2", "P3"]
Limit = Annotated[int, Query(ge=1, le=200)]


async def staff_of(given: Given, use: With) -> str:
    """The name behind the staff key of this request."""
    presented = (given or "").encode("utf-8", "replace")
    for name, key in use.settings.staff_keys.items():
        if hmac.compare_digest(key.get_secret_value().encode(), presented):
            return name
    raise UnauthorizedError("this needs a staff key", hint="send it as Authorization: Bearer …; `csagent up` prints it")


Staff = Annotated[str, Depends(staff_of)]


class Customer(BaseModel):
    """Who the case is about."""

    name: str | None
    language: str | None
    segment: str


class Line(BaseModel):
    """A message of the transcript. ``delivery`` is the outbox's word for one of ours."""

    id: UUID
    sequence: int
    author: Literal["customer", "agent", "human", "system"]
    text: str
    at: datetime
    state: str
    delivery: str | None


class Queued(BaseModel):
    """A line of the queue."""

    id: UUID
    case_id: UUID
    channel: str
    severity: Severity
    rules: list[str]
    first_line: str
    due_at: datetime
    created_at: datetime
    claimed_by: str | None


class Queue(BaseModel):
    """What waits for a person, the nearest deadline first."""

    items: list[Queued]


class Escalation(BaseModel):
    """Everything that a reviewer needs to decide."""

    id: UUID
    case_id: UUID
    channel: str
    status: Literal["open", "decided", "closed"]
    version: str
    severity: Severity
    due_at: datetime
    created_at: datetime
    claimed_by: str | None
    decided: str | None
    customer: Customer
    request: dict[str, Any]
    transcript: list[Line]
    later_messages: list[Line]


class NewDecision(BaseModel):
    """What the reviewer decides, and which version they read."""

    model_config = ConfigDict(extra="forbid")

    action: Literal["approve", "edit", "answer", "reject", "take_over"]
    version: str = Field(max_length=100)
    text: str | None = Field(None, max_length=MAX_CHARACTERS)
    reason: str | None = Field(None, max_length=2000)
    covers_later: bool = Field(default=False, description="The text also answers what the customer wrote since")


class Decided(BaseModel):
    """The decision is taken; a worker applies it at once."""

    case_id: UUID


class OwnedCase(BaseModel):
    """A case that a person owns."""

    id: UUID
    channel: str
    owner_name: str | None
    opened_at: datetime
    waiting: int
    waiting_since: datetime | None


class OwnedCases(BaseModel):
    """The cases that people own, the customer who waits longest first."""

    items: list[OwnedCase]


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


class Case(BaseModel):
    """A case with its transcript."""

    id: UUID
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
    withheld_draft: str | None
    transcript: list[Line]
    turns: list[AgentTurn]


class Segment(BaseModel):
    """Which kind of customer this is, in the words of your policy."""

    model_config = ConfigDict(extra="forbid")

    segment: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")


class OwnMessage(BaseModel):
    """What a person writes to the customer."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(min_length=1, max_length=MAX_CHARACTERS)


class Written(BaseModel):
    """The person's message is in the outbox."""

    message_id: UUID


_PROBLEMS = responses(400, 401, 404, 409, 413, 422, 503)


@router.get("/escalations", responses=_PROBLEMS)
async def list_escalations(use: With, staff: Staff, limit: Limit = 50) -> Queue:  # noqa: ARG001 - signed in is enough
    """The queue."""
    return Queue(items=[Queued.model_validate(asdict(line)) for line in await use.reviews.queue(limit=limit)])


@router.get("/escalations/{escalation_id}", responses=_PROBLEMS)
async def read_escalation(escalation_id: UUID, use: With, staff: Staff) -> Escalation:
    """One escalation. That you read it is written down."""
    read = await use.reviews.read(EscalationId(escalation_id), reader=staff)
    return Escalation.model_validate({**asdict(read), "customer": _customer(read)})


@router.post("/escalations/{escalation_id}/claim", status_code=204, responses=_PROBLEMS)
async def claim_escalation(escalation_id: UUID, use: With, staff: Staff) -> None:
    """Say that you are at it, for a quarter of an hour."""
    await use.reviews.claim(EscalationId(escalation_id), staff)


@router.delete("/escalations/{escalation_id}/claim", status_code=204, responses=_PROBLEMS)
async def release_escalation(escalation_id: UUID, use: With, staff: Staff) -> None:
    """Let others have it."""
    await use.reviews.release(EscalationId(escalation_id), staff)


@router.post("/escalations/{escalation_id}/decision", status_code=202, responses=_PROBLEMS)
async def decide_escalation(escalation_id: UUID, new: NewDecision, use: With, staff: Staff) -> Decided:
    """Decide, if what you read is what is there. Nobody decides the same thing twice."""
    decision = make_decision(action=new.action, reviewer=staff, text=new.text, reason=new.reason)
    if decision.text is not None:
        refuse_unstorable(decision.text)
    if decision.reason is not None:
        refuse_unstorable(decision.reason)
    case_id = await use.reviews.decide(
        EscalationId(escalation_id), decision, seen=new.version, covers_later=new.covers_later
    )
    use.metrics.decisions.labels(action=decision.action).inc()
    await use.signals.case_waits(case_id)
    return Decided(case_id=case_id)


@router.get("/cases", responses=_PROBLEMS)
async def list_owned_cases(use: With, staff: Staff, limit: Limit = 50) -> OwnedCases:  # noqa: ARG001 - as above
    """The cases that people own."""
    owned = await use.cases.owned_by_people(limit=limit)
    return OwnedCases(items=[OwnedCase.model_validate(asdict(case)) for case in owned])


@router.get("/cases/{case_id}", responses=_PROBLEMS)
async def read_case(case_id: UUID, use: With, staff: Staff) -> Case:
    """One case. That you read it is written down."""
    read = await use.cases.read(CaseId(case_id), reader=staff)
    return Case.model_validate({**asdict(read), "customer": _customer(read)})


@router.put("/cases/{case_id}/segment", status_code=204, responses=_PROBLEMS)
async def set_customer_segment(case_id: UUID, new: Segment, use: With, staff: Staff) -> None:
    """Say which kind of customer this is: ``vip``, ``standard``, or a name that your policy knows."""
    await use.cases.set_segment(CaseId(case_id), new.segment, staff)


@router.post("/cases/{case_id}/take-over", status_code=204, responses=_PROBLEMS)
async def take_over_case(case_id: UUID, use: With, staff: Staff) -> None:
    """From now on you answer; the agent says nothing more."""
    await use.cases.take_over(CaseId(case_id), staff)


@router.post("/cases/{case_id}/hand-back", status_code=204, responses=_PROBLEMS)
async def hand_back_case(case_id: UUID, use: With, staff: Staff) -> None:
    """The agent answers again, beginning with what you left unanswered."""
    await use.cases.hand_back(CaseId(case_id), staff)
    await use.signals.outbox_waits()
    await use.signals.case_waits(CaseId(case_id))


@router.post("/cases/{case_id}/resolve", status_code=204, responses=_PROBLEMS)
async def resolve_case(case_id: UUID, use: With, staff: Staff, how: Resolution | None = None) -> None:
    """The matter is settled. For some days the customer's next message opens it again, later a new one."""
    await use.cases.resolve(CaseId(case_id), staff, confirmed=how is not None and how.confirmed)


@router.post("/cases/{case_id}/reopen", status_code=204, responses=_PROBLEMS)
async def reopen_case(case_id: UUID, use: With, staff: Staff) -> None:
    """Open a resolved case again; the agent has it until you take it over."""
    await use.cases.reopen(CaseId(case_id), staff)


@router.post("/cases/{case_id}/messages", status_code=202, responses=_PROBLEMS)
async def write_to_customer(
    case_id: UUID,
    new: OwnMessage,
    use: With,
    staff: Staff,
    idempotency_key: Annotated[UUID, Header(description="A random UUID; the same one is the same message")],
) -> Written:
    """Write to the customer of a case that you own."""
    message_id = await use.cases.write(CaseId(case_id), staff, new.text, intent_id=idempotency_key)
    await use.signals.outbox_waits()
    return Written(message_id=message_id)


def _customer(read: Any) -> dict[str, Any]:
    return {"name": read.customer_name, "language": read.customer_language, "segment": read.customer_segment}
