"""Dead letters for staff: what the agent gave up, tried again or put away by a person.

The same as ``csagent dead-letters``; whoever is signed in is who acts.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from api.problems import responses
from api.routes.review import Line
from api.routes.staff import CustomerReader, Settler, StaffRoute, WorkLister
from api.routes.visitor import With
from infra.postgres.dead_letters import LONGEST_REASON

router = APIRouter(prefix="/v1/review/dead-letters", tags=["review"], route_class=StaffRoute)

_PROBLEMS = responses(400, 401, 403, 404, 409, 413, 422, 503)


class DeadLetter(BaseModel):
    """A line of the list. ``error`` is a code, ``messages`` how many of the customer's are in it."""

    id: UUID
    case_id: UUID
    first_sequence: int
    last_sequence: int
    error: str
    attempts: int | None
    created_at: datetime
    messages: int


class DeadLetters(BaseModel):
    """What nobody has dealt with, oldest first."""

    items: list[DeadLetter]


class ReadDeadLetter(BaseModel):
    """A dead letter with its messages, what the customer was told, and the talk around it."""

    id: UUID
    case_id: UUID
    channel: str
    error: str
    attempts: int | None
    created_at: datetime
    case_status: Literal["open", "resolved"]
    owner: Literal["agent", "human"]
    owner_name: str | None
    told: Line | None
    messages: list[Line]
    transcript: list[Line]
    resolution: Literal["retried", "discarded", "case_resolved"] | None
    resolved_by: str | None
    resolved_at: datetime | None
    reason: str | None


class Discard(BaseModel):
    """Why nobody answers."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=LONGEST_REASON)


class Retried(BaseModel):
    """The agent has the case again, and it is due at once."""

    case_id: UUID


@router.get("", responses=_PROBLEMS)
async def list_dead_letters(
    use: With,
    staff: WorkLister,  # noqa: ARG001 - signed in is enough
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> DeadLetters:
    """What the agent gave up and no person has dealt with."""
    return DeadLetters(
        items=[DeadLetter.model_validate(asdict(letter)) for letter in await use.dead_letters.open(limit=limit)]
    )


@router.get("/{letter_id}", responses=_PROBLEMS)
async def read_dead_letter(letter_id: UUID, use: With, staff: CustomerReader) -> ReadDeadLetter:
    """One dead letter. That you read it is written down."""
    return ReadDeadLetter.model_validate(asdict(await use.dead_letters.read(letter_id, reader=staff)))


@router.post("/{letter_id}/retry", status_code=202, responses=_PROBLEMS)
async def retry_dead_letter(letter_id: UUID, use: With, staff: Settler) -> Retried:
    """Let the agent try again. Done twice it is done once; refused when a person has answered meanwhile."""
    case_id = await use.dead_letters.retry(letter_id, staff)
    await use.signals.case_waits(case_id)
    return Retried(case_id=case_id)


@router.post("/{letter_id}/discard", status_code=204, responses=_PROBLEMS)
async def discard_dead_letter(letter_id: UUID, new: Discard, use: With, staff: Settler) -> None:
    """Put it away without an answer. The case stays with the people."""
    await use.dead_letters.discard(letter_id, staff, new.reason)
