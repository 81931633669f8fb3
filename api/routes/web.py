"""The web channel: send a message, read replies by polling or by server-sent events.

A conversation is its token: whoever holds it reads and writes that one conversation, on the site where it was begun.
There are no ids to guess.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from api.bodies import described
from api.news import LOOK_AGAIN, await_news, changed_within
from api.problems import responses
from api.routes.visitor import Given, Token, Where, With, checked, issued
from api.shown_files import MessageFile, shown_file
from api.wiring import Services
from channels.attachments import Attachment
from channels.web import CHAT
from channels.web.inbound import envelope
from channels.web.signature import ConversationToken
from infra.postgres.conversations import SeenMessage, View
from infra.postgres.inbox import MAX_CHARACTERS
from skills.turn import ConversationId

router = APIRouter(prefix="/v1/web", tags=["web"])

KEEP_ALIVE = 15.0
"""Seconds between signs of life in an event stream."""
LONGEST_WAIT = 25
"""Seconds that a poll may wait for something new."""


class NewMessage(BaseModel):
    """What a customer sends."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(min_length=1, max_length=MAX_CHARACTERS)
    name: str | None = Field(None, max_length=200)
    email: str | None = Field(None, max_length=320, pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")
    language: str | None = Field(None, pattern=r"^[a-z]{2}$", description="ISO 639-1")
    wants_person: bool = Field(default=False, description="The customer asked for a person: no assistant answers this")


class TakenFile(BaseModel):
    """A file of the message, kept unless there is a refusal."""

    name: str
    media_type: str
    size: int
    refusal: str | None
    sentence: str | None = Field(description="The refusal, for the customer")


class Taken(BaseModel):
    """The message is stored. Keep the token: it is the conversation."""

    message_id: UUID
    case_id: UUID = Field(description="The reference of your matter, for when you talk to a person")
    conversation_token: str
    cursor: int
    activity: Literal["idle", "working", "person"]
    files: list[TakenFile] = Field(
        default_factory=list, description="What became of each file; the text is kept anyhow"
    )


class WebMessage(BaseModel):
    """A message as the customer sees it. ``position`` is the cursor."""

    id: UUID
    position: int
    author: Literal["customer", "agent", "human", "system"]
    text: str
    at: datetime
    files: list[MessageFile] = Field(default_factory=list)


class WebMessages(BaseModel):
    """What is new after the cursor, and what is going on."""

    messages: list[WebMessage]
    cursor: int
    activity: Literal["idle", "working", "person"]
    asks: Literal["helped", "survey"] | None = Field(None, description="What to offer: `/resolution` or `/feedback`")


def taken_file(file: Attachment) -> TakenFile:
    """What became of a file."""
    refusal = file.refusal
    return TakenFile(
        name=file.name,
        media_type=file.type,
        size=file.size,
        refusal=refusal and refusal.reason.value,
        sentence=refusal and refusal.sentence,
    )


@router.post(
    "/messages",
    status_code=202,
    responses=responses(400, 401, 403, 404, 409, 413, 422, 503),
    openapi_extra=described(NewMessage, files=True),
)
async def send_message(
    request: Request,
    use: With,
    given: Given,
    where: Where,
    response: Response,
    idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
) -> Taken:
    """Store a message; the reply comes by polling or as an event. The same Idempotency-Key is the same message.

    As a form it may bring files. One that is refused takes nothing else with it: the answer says which and why.
    """
    began = time.perf_counter()
    token = issued(use, idempotency_key, where) if given is None else checked(use, given, where)
    settle = use.settings.settle.of(CHAT)
    async with use.uploads.read(request, NewMessage) as sent:
        message = sent.message
        receipt = await use.inbox.receive(
            envelope(
                token,
                text=message.text,
                idempotency_key=idempotency_key,
                name=message.name,
                email=message.email,
                language=message.language,
                begins=given is None,
                files=tuple(file.file for file in sent.files),
                files_only=sent.files_only,
                wants_person=message.wants_person,
            ),
            settle=settle,
        )
    use.metrics.received.labels(channel=CHAT, duplicate=str(receipt.duplicate).lower()).inc()
    use.metrics.acknowledged.labels(channel=CHAT).observe(time.perf_counter() - began)
    if receipt.waits:
        await use.signals.case_waits(receipt.case_id, after=settle.total_seconds())
    response.headers["Cache-Control"] = "no-store"
    return Taken(
        message_id=receipt.message_id,
        case_id=receipt.case_id,
        conversation_token=token.text,
        cursor=receipt.position,
        activity="working" if receipt.waits else "idle",
        files=[taken_file(file) for file in sent.files],
    )


@router.get("/messages", responses=responses(401, 404, 422, 503))
async def read_messages(
    use: With,
    token: Token,
    response: Response,
    after: Annotated[int, Query(ge=0, le=2**53)] = 0,
    wait: Annotated[int, Query(ge=0, le=LONGEST_WAIT, description="Seconds to wait for something new")] = 0,
) -> WebMessages:
    """The messages after the cursor, at most a hundred, in the order in which they became visible."""
    view = await await_news(use, CHAT, token, after=after, seconds=wait)
    response.headers["Cache-Control"] = "no-store"
    return seen_messages(use, view, after)


@router.get(
    "/events",
    responses={**responses(401, 404, 422, 503), 200: {"content": {"text/event-stream": {}}}},
    response_class=StreamingResponse,
)
async def stream_events(
    request: Request,
    use: With,
    token: Token,
    last_event_id: Annotated[str | None, Header(max_length=20, pattern=r"^\d+$")] = None,
) -> StreamingResponse:
    """New messages as server-sent events; ``Last-Event-ID`` goes on where a broken stream stopped."""
    after = int(last_event_id or 0)
    view = await use.conversations.view(CHAT, token.thread, after=after)
    return StreamingResponse(
        _events(request, use, token, view, after),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _events(
    request: Request, use: Services, token: ConversationToken, view: View, after: int
) -> AsyncIterator[str]:
    activity, asks, alive = "", None, time.monotonic()
    async with use.signals.watch(ConversationId(view.conversation_id)) as changed:
        while not (await request.is_disconnected() or use.stopping.is_set()):
            # Cleared before looking: what changes while we look wakes us again.
            changed.clear()
            view = await use.conversations.view(CHAT, token.thread, after=after)
            for seen in view.messages:
                after = seen.position
                yield f"id: {after}\nevent: message\ndata: {_message(use, seen).model_dump_json()}\n\n"
                alive = time.monotonic()
            if view.activity != activity:
                activity = view.activity
                yield f'event: activity\ndata: {{"activity": "{activity}"}}\n\n'
            if view.asks != asks:
                asks = view.asks
                yield f"event: asks\ndata: {json.dumps({'asks': asks})}\n\n"
            if time.monotonic() - alive > KEEP_ALIVE:
                yield ": still here\n\n"
                alive = time.monotonic()
            await changed_within(changed, LOOK_AGAIN)


def seen_messages(use: Services, view: View, after: int) -> WebMessages:
    """A view as the customer gets it."""
    return WebMessages(
        messages=[_message(use, seen) for seen in view.messages],
        cursor=view.messages[-1].position if view.messages else after,
        activity=view.activity,
        asks=view.asks,
    )


def _message(use: Services, seen: SeenMessage) -> WebMessage:
    return WebMessage(
        id=seen.id,
        position=seen.position,
        author=seen.author,
        text=seen.text,
        at=seen.at,
        files=[shown_file(use, entry) for entry in seen.files],
    )
