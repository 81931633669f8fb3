"""The review page among colleagues: notes and questions, who is looking, whose it is, and what was before."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from api.problems import responses
from api.routes.review import state_with_notes
from api.routes.staff import Assigner, CustomerReader, Reviewer, StaffRoute, WorkLister
from api.routes.visitor import With
from api.wiring import Services
from skills.errors import NotFoundError
from skills.turn import CaseId

router = APIRouter(prefix="/v1/review", tags=["review"], route_class=StaffRoute)

LONGEST_NOTE = 4000
"""Characters of a note."""
_PROBLEMS = responses(400, 401, 403, 404, 409, 422, 503)


class Colleagues(BaseModel):
    """Whom you may ask, and give something to."""

    names: list[str]


class NewNote(BaseModel):
    """What staff say to each other. No customer ever sees it."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(min_length=1, max_length=LONGEST_NOTE, pattern=r"\S")
    asks: str | None = Field(None, max_length=100, description="The colleague from whom you want an answer")
    answers: UUID | None = Field(None, description="The question that this answers")


class Noted(BaseModel):
    """The note is there."""

    id: UUID


class Note(BaseModel):
    """A note about a case."""

    id: UUID
    author: str
    text: str
    asked: str | None
    answers: UUID | None
    created_at: datetime
    answered_at: datetime | None


class Mood(BaseModel):
    """How a turn's messages sounded, from -1 to 1."""

    at: datetime
    polarity: float


class EarlierCase(BaseModel):
    """Another matter of the same customer's."""

    id: UUID
    channel: str
    status: Literal["open", "resolved"]
    opened_at: datetime
    resolved_at: datetime | None
    resolution: Literal["confirmed", "assumed"] | None
    topic: str | None


class PastDecision(BaseModel):
    """What was decided here before; ``text`` is what the reviewer made of the ``proposal``."""

    action: Literal["approve", "edit", "answer", "reject", "take_over"]
    reviewer: str
    at: datetime
    proposal: str
    text: str | None
    reason: str | None


class Background(BaseModel):
    """What there is to know about a case beside its transcript."""

    notes: list[Note]
    moods: list[Mood]
    earlier_cases: list[EarlierCase]
    decisions: list[PastDecision]


class Question(BaseModel):
    """A question of a colleague's that waits for your answer."""

    id: UUID
    case_id: UUID
    escalation_id: UUID | None
    channel: str
    author: str
    text: str
    created_at: datetime


class Questions(BaseModel):
    """What you were asked and have not answered, the oldest first."""

    items: list[Question]


class Look(BaseModel):
    """Who else has the case open, and its state, to compare with that of what you have read."""

    others: list[str]
    state: str


class Assignment(BaseModel):
    """Who gets it, and whose it was when you looked."""

    model_config = ConfigDict(extra="forbid")

    to: str = Field(max_length=100)
    seen: str | None = Field(max_length=100, description="Whose it was on your screen; null for nobody's")


@router.get("/colleagues", responses=_PROBLEMS)
async def list_colleagues(use: With, staff: Reviewer) -> Colleagues:
    """Whom you may ask, and give something to: everybody else who may review."""
    return Colleagues(names=[name for name in await use.staff.colleagues() if name != staff])


@router.get("/questions", responses=_PROBLEMS)
async def list_questions(
    use: With, staff: CustomerReader, limit: Annotated[int, Query(ge=1, le=200)] = 50
) -> Questions:
    """What colleagues have asked you. What you are shown for the first time is written down."""
    asked = await use.internal_notes.asked_of(staff, limit=limit)
    return Questions(items=[Question.model_validate(asdict(question)) for question in asked])


@router.post("/cases/{case_id}/notes", status_code=201, responses=_PROBLEMS)
async def add_note(case_id: UUID, new: NewNote, use: With, staff: Reviewer) -> Noted:
    """Write a note for your colleagues, ask one of them, or answer."""
    if new.asks is not None:
        await _refuse_strangers(use, new.asks)
    note = await use.internal_notes.add(CaseId(case_id), staff, new.text, asks=new.asks, answers=new.answers)
    return Noted(id=note)


@router.get("/cases/{case_id}/background", responses=_PROBLEMS)
async def read_background(case_id: UUID, use: With, staff: CustomerReader) -> Background:
    """Notes, the mood over time, earlier cases and decisions. That you read it is written down."""
    background = asdict(await use.desk.background(CaseId(case_id), reader=staff))
    notes = await use.internal_notes.of_case(CaseId(case_id), reader=staff)
    return Background.model_validate({**background, "notes": [asdict(note) for note in notes]})


@router.put("/cases/{case_id}/looking", responses=_PROBLEMS)
async def look_at_case(case_id: UUID, use: With, staff: WorkLister) -> Look:
    """You have the case open: said again every few seconds. Answers who else has, and whether anything changed."""
    look = await use.desk.look(CaseId(case_id), staff)
    return Look(others=list(look.others), state=await state_with_notes(use, CaseId(case_id), look.state))


@router.delete("/cases/{case_id}/looking", status_code=204, responses=_PROBLEMS)
async def leave_case(case_id: UUID, use: With, staff: WorkLister) -> None:
    """You have closed it."""
    await use.desk.leave(CaseId(case_id), staff)


@router.post("/escalations/{escalation_id}/assign", status_code=204, responses=_PROBLEMS)
async def assign_escalation(escalation_id: UUID, new: Assignment, use: With, staff: Assigner) -> None:
    """Give an escalation to somebody, if it is still whose it was when you looked."""
    await _refuse_strangers(use, new.to)
    await use.desk.assign("escalation", escalation_id, to=new.to, seen=new.seen, by=staff)


@router.post("/cases/{case_id}/assign", status_code=204, responses=_PROBLEMS)
async def assign_case(case_id: UUID, new: Assignment, use: With, staff: Assigner) -> None:
    """Give a case that a person owns to somebody else, if it is still whose it was when you looked."""
    await _refuse_strangers(use, new.to)
    await use.desk.assign("case", case_id, to=new.to, seen=new.seen, by=staff)


async def _refuse_strangers(use: Services, name: str) -> None:
    if name not in await use.staff.colleagues():
        raise NotFoundError("there is no such colleague", hint="GET /v1/review/colleagues lists them")
