"""A visitor proves who they are by a one-time code, and then sees their earlier talks.

The bearer is the token of a chat or a form. Asking for a code is answered alike for every address, known or not.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.problems import responses
from api.routes.visitor import Token, With
from api.routes.web import WebMessage
from api.shown_files import shown_file
from channels.addresses import AddressKind, mail_address, phone_number
from infra.postgres.verification import DIGITS
from skills.errors import BadRequestError, NotFoundError
from skills.turn import ChannelName, ConversationId, Language

router = APIRouter(prefix="/v1/web", tags=["web"])

_PROBLEMS = responses(400, 401, 403, 404, 413, 422, 429, 503)
_HINTS = {"email": "an address like dana@example.com", "phone": "a number with its country, like +4915112345678"}


class CodeRequest(BaseModel):
    """The address that a code is sent to: a mail address or a phone number, not both."""

    model_config = ConfigDict(extra="forbid")

    email: str | None = Field(None, max_length=320)
    phone: str | None = Field(None, max_length=40)
    language: str | None = Field(None, pattern=r"^[a-z]{2}$", description="ISO 639-1")

    @model_validator(mode="after")
    def _one_address(self) -> CodeRequest:
        if (self.email is None) == (self.phone is None):
            raise ValueError("say either 'email' or 'phone'")
        return self


class CodeAsked(BaseModel):
    """A code is on its way, if the address exists. Whether we know it is not said."""

    minutes: int = Field(description="How long it counts")
    digits: int


class TypedCode(BaseModel):
    """The code that was read at the address."""

    model_config = ConfigDict(extra="forbid")

    code: str = Field(min_length=1, max_length=40)


class Proven(BaseModel):
    """What the code led to."""

    linked: bool = Field(
        description="False: the address is proven, and a person looks whose it is before anything joins"
    )
    until: datetime | None = Field(description="How long this conversation counts as its owner's")


class Standing(BaseModel):
    """Who this conversation is known to be with."""

    proven: bool
    until: datetime | None
    can_prove: list[Literal["email", "phone"]] = Field(description="Which addresses a code can be sent to")
    mentioned: list[Literal["email", "phone"]] = Field(
        description="Which of them the visitor has named: a good moment to offer a code. It proves nothing"
    )


class WebConversation(BaseModel):
    """An earlier talk of the same customer."""

    id: UUID
    channel: str
    begun_at: datetime
    status: Literal["open", "resolved"]
    first_line: str
    here: bool = Field(description="It is the conversation of this token")


class WebConversations(BaseModel):
    """The customer's talks, the newest first."""

    items: list[WebConversation]


class EarlierMessages(BaseModel):
    """What was said in one of them after the cursor."""

    messages: list[WebMessage]
    cursor: int


async def by_code(request: Request) -> Mapping[AddressKind, ChannelName]:
    """On which channel a code reaches an address of each kind, as this app was put together."""
    return request.app.state.code_channels  # type: ignore[no-any-return] # Starlette's state is untyped


ByCode = Annotated[Mapping[AddressKind, ChannelName], Depends(by_code)]


@router.post("/identity/codes", status_code=202, responses=_PROBLEMS)
async def ask_for_code(asked: CodeRequest, by_code: ByCode, use: With, token: Token, response: Response) -> CodeAsked:
    """Have a code sent to an address of yours. The answer is the same whether or not we know the address."""
    kind: AddressKind = "email" if asked.phone is None else "phone"
    channel = by_code.get(kind)
    if channel is None:
        raise NotFoundError(
            f"codes can't be sent by {kind} here: no such channel is set up", hint="go on without, or ask for a person"
        )
    given = asked.email if kind == "email" else asked.phone
    address = (mail_address if kind == "email" else phone_number)(given or "")
    if address is None:
        raise BadRequestError("a code can't be sent to that", hint=_HINTS[kind])
    language = None if asked.language is None else Language(asked.language)
    await use.verifications.ask(token.thread, channel=channel, address=address, language=language)
    await use.signals.outbox_waits()
    response.headers["Cache-Control"] = "no-store"
    return CodeAsked(minutes=int(use.verifications.limits.life.total_seconds() // 60), digits=DIGITS)


@router.post("/identity/proof", responses=_PROBLEMS)
async def prove_address(typed: TypedCode, use: With, token: Token, response: Response) -> Proven:
    """Type the code in. From then on this conversation is its owner's, with all that they wrote before."""
    code = await use.verifications.try_code(token.thread, "".join(typed.code.split()))
    proof = await use.proofs.prove(code)
    response.headers["Cache-Control"] = "no-store"
    return Proven(linked=proof.outcome != "contested", until=proof.until)


@router.get("/identity", responses=_PROBLEMS)
async def read_identity(by_code: ByCode, use: With, token: Token, response: Response) -> Standing:
    """Who this conversation is known to be with, and whether a code can be offered."""
    standing = await use.earlier.standing(token.thread)
    response.headers["Cache-Control"] = "no-store"
    can = list(by_code)
    return Standing(
        proven=standing.until is not None,
        until=standing.until,
        can_prove=[] if standing.until is not None else can,
        mentioned=[kind for kind in standing.mentioned if kind in can],
    )


@router.delete("/identity", status_code=204, responses=_PROBLEMS)
async def forget_here(use: With, token: Token) -> None:
    """Forget here who you are: this token proves nothing any more. Then begin a new conversation."""
    await use.proofs.forget(token.thread)


@router.get("/conversations", responses=_PROBLEMS)
async def list_conversations(use: With, token: Token, response: Response) -> WebConversations:
    """Your talks on all channels, once you have proven who you are here."""
    response.headers["Cache-Control"] = "no-store"
    return WebConversations(
        items=[
            WebConversation(
                id=talk.id,
                channel=talk.channel,
                begun_at=talk.begun_at,
                status="open" if talk.status == "open" else "resolved",
                first_line=talk.first_line,
                here=talk.here,
            )
            for talk in await use.earlier.talks(token.thread)
        ]
    )


@router.get("/conversations/{conversation_id}/messages", responses=_PROBLEMS)
async def read_conversation(
    conversation_id: UUID,
    use: With,
    token: Token,
    response: Response,
    after: Annotated[int, Query(ge=0, le=2**53)] = 0,
) -> EarlierMessages:
    """What was said in one of your talks after the cursor, at most a hundred messages."""
    said = await use.earlier.messages(token.thread, ConversationId(conversation_id), after=after)
    response.headers["Cache-Control"] = "no-store"
    return EarlierMessages(
        messages=[
            WebMessage(
                id=one.id,
                position=one.position,
                author=one.author,
                text=one.text,
                at=one.at,
                files=[shown_file(use, entry) for entry in one.files],
            )
            for one in said
        ],
        cursor=said[-1].position if said else after,
    )
