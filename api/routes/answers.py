"""What staff write to customers: decisions on escalations and messages of their own, both with files.

The only routes for staff that take large bodies, so who asks is known before anything of the body is read.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Request
from pydantic import BaseModel, ConfigDict, Field

from api.bodies import MAX_UPLOAD, described, read_json
from api.problems import responses
from api.routes.staff import Reviewer, StaffRoute
from api.routes.visitor import With
from api.wiring import Services
from channels.attachments import SentFile, check
from channels.envelope import File
from graph.review import make_decision
from infra.postgres.inbox import MAX_CHARACTERS, refuse_unstorable
from infra.postgres.reviews import SENDING
from skills.errors import BadRequestError, InvalidMessageError
from skills.turn import CaseId, Decision, EscalationId, MessageId

router = APIRouter(prefix="/v1/review", tags=["review"], route_class=StaffRoute)

_PROBLEMS = responses(400, 401, 403, 404, 409, 413, 422, 503)


class SentAlong(BaseModel):
    """A file that goes with a text."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=255)
    data: str = Field(description="Its content in base64", json_schema_extra={"contentEncoding": "base64"})


class NewDecision(BaseModel):
    """What the reviewer decides, and which version they read."""

    model_config = ConfigDict(extra="forbid")

    action: Literal["approve", "edit", "answer", "reject", "take_over"]
    version: str = Field(max_length=100)
    text: str | None = Field(None, max_length=MAX_CHARACTERS)
    reason: str | None = Field(None, max_length=2000)
    covers_later: bool = Field(default=False, description="The text also answers what the customer wrote since")
    files: list[SentAlong] = Field(default_factory=list, max_length=50)
    undoable: bool = Field(default=False, description="Hold what is to be sent, so that it can be taken back")


class Decided(BaseModel):
    """The decision is taken; a worker applies it at once, or when it can't be taken back any more."""

    case_id: UUID
    undo_seconds: float = Field(description="For how long it can be taken back; 0: not at all")


class OwnMessage(BaseModel):
    """What a person writes to the customer."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(min_length=1, max_length=MAX_CHARACTERS)
    files: list[SentAlong] = Field(default_factory=list, max_length=50)
    undoable: bool = Field(default=False, description="Hold it back, so that it can be taken back")


class Written(BaseModel):
    """The person's message is in the outbox."""

    message_id: UUID
    undo_seconds: float = Field(description="For how long it can be taken back; 0: not at all")


async def take_decision(
    use: Services,
    escalation_id: EscalationId,
    decision: Decision,
    *,
    seen: str,
    covers_later: bool = False,
    files: Sequence[File] = (),
    undo: timedelta = timedelta(0),
) -> CaseId:
    """Take a decision, whichever page or program it came through, and have it carried out, at once or after ``undo``.

    Raises:
        InvalidMessageError: its text or its reason can't be stored.
        ConflictError, NotFoundError, BadRequestError: as ``infra.postgres.reviews.Reviews.decide`` says.
    """
    for text in (decision.text, decision.reason):
        if text is not None:
            refuse_unstorable(text)
    case_id = await use.reviews.decide(
        escalation_id, decision, seen=seen, covers_later=covers_later, files=files, undo=undo
    )
    use.metrics.decisions.labels(action=decision.action).inc()
    await use.signals.case_waits(case_id)
    return case_id


async def _decision(request: Request, staff: Reviewer) -> NewDecision:  # noqa: ARG001 - signed in before anything is read
    return await read_json(request, NewDecision, most=MAX_UPLOAD)


async def _message(request: Request, staff: Reviewer) -> OwnMessage:  # noqa: ARG001 - as above
    return await read_json(request, OwnMessage, most=MAX_UPLOAD)


@router.post(
    "/escalations/{escalation_id}/decision",
    status_code=202,
    responses=_PROBLEMS,
    openapi_extra=described(NewDecision, files=False),
)
async def decide_escalation(
    escalation_id: UUID, new: Annotated[NewDecision, Depends(_decision)], use: With, staff: Reviewer
) -> Decided:
    """Decide, if what you read is what is there. Nobody decides the same thing twice."""
    decision = make_decision(action=new.action, reviewer=staff, text=new.text, reason=new.reason)
    undo = _undo(use, new) if decision.action in SENDING else timedelta(0)
    case_id = await take_decision(
        use,
        EscalationId(escalation_id),
        decision,
        seen=new.version,
        covers_later=new.covers_later,
        files=await _files(use, new.files),
        undo=undo,
    )
    return Decided(case_id=case_id, undo_seconds=undo.total_seconds())


@router.delete("/escalations/{escalation_id}/decision", status_code=204, responses=_PROBLEMS)
async def undo_decision(escalation_id: UUID, use: With, staff: Reviewer) -> None:
    """Take your decision back, while nobody has begun to send anything. The escalation is open again, and yours."""
    await use.undoing.decision(EscalationId(escalation_id), staff)


@router.post(
    "/cases/{case_id}/messages",
    status_code=202,
    responses=_PROBLEMS,
    openapi_extra=described(OwnMessage, files=False),
)
async def write_to_customer(
    case_id: UUID,
    new: Annotated[OwnMessage, Depends(_message)],
    use: With,
    staff: Reviewer,
    idempotency_key: Annotated[UUID, Header(description="A random UUID; the same one is the same message")],
) -> Written:
    """Write to the customer of a case that you own."""
    files = await _files(use, new.files)
    undo = _undo(use, new)
    message_id = await use.cases.write(
        CaseId(case_id), staff, new.text, intent_id=idempotency_key, files=files, undo=undo
    )
    await use.signals.outbox_waits()
    return Written(message_id=message_id, undo_seconds=undo.total_seconds())


@router.delete("/cases/{case_id}/messages/{message_id}", status_code=204, responses=_PROBLEMS)
async def undo_message(case_id: UUID, message_id: UUID, use: With, staff: Reviewer) -> None:
    """Take your message back, while no sender has it."""
    await use.undoing.text(CaseId(case_id), MessageId(message_id), staff)


def _undo(use: Services, new: NewDecision | OwnMessage) -> timedelta:
    return timedelta(seconds=use.settings.review.undo_seconds if new.undoable else 0)


async def _files(use: Services, sent: list[SentAlong]) -> list[File]:
    """What goes along, judged as a customer's files are. One that is refused stops the whole: nothing is sent.

    Raises:
        BadRequestError: one is not base64.
        InvalidMessageError: one is refused; why.
    """
    try:
        files = [SentFile(file.name, "", base64.b64decode(file.data, validate=True)) for file in sent]
    except (binascii.Error, ValueError):
        raise BadRequestError("a file is not base64", hint="standard base64, with padding") from None
    judged = await asyncio.to_thread(check, files, use.uploads.limits)
    for number, file in enumerate(judged, start=1):
        if file.refusal is not None:
            raise InvalidMessageError(
                f"file {number} can't be sent: {file.refusal.reason.value}",
                hint="nothing was sent; leave it out, or take another",
            )
    return [file.file for file in judged]
