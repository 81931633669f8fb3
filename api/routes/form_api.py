"""The contact form's JSON API: for a company's own page or program, and for the private page's small script."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.bodies import described
from api.form_desk import begin_talk, refuse_foreign
from api.news import await_news
from api.problems import responses
from api.routes.visitor import Token, With
from api.routes.web import LONGEST_WAIT, TakenFile, WebMessages, seen_messages, taken_file
from channels.web import FORM
from channels.web.form import MAX_TOPIC, FormMessage
from infra.postgres.inbox import MAX_CHARACTERS

router = APIRouter(prefix="/v1/web/form", tags=["web"])


class NewForm(BaseModel):
    """What a customer sends by the form."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(min_length=1, max_length=MAX_CHARACTERS - MAX_TOPIC - 2)
    email: str = Field(max_length=320, pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")
    name: str | None = Field(None, max_length=200)
    topic: str | None = Field(None, max_length=MAX_TOPIC, description="Stands above the text")
    language: str | None = Field(None, pattern=r"^[a-z]{2}$", description="ISO 639-1")


class TakenForm(BaseModel):
    """The message is stored. The page is the customer's: it is as secret as the token in it."""

    conversation_token: str
    page: str = Field(description="The path of the private page")
    files: list[TakenFile] = Field(
        default_factory=list, description="What became of each file; the text is kept anyhow"
    )


@router.post(
    "",
    status_code=202,
    responses=responses(400, 403, 409, 413, 422, 429, 503),
    openapi_extra=described(NewForm, files=True),
    dependencies=[Depends(refuse_foreign)],
)
async def send_form_message(
    request: Request,
    use: With,
    response: Response,
    idempotency_key: Annotated[
        UUID | None, Header(description="A random UUID; the same one is the same message")
    ] = None,
) -> TakenForm:
    """Begin a conversation as the contact form does, as JSON or as a form with files.

    Many links, or the same text or address again and again, raise a doubt: then a person sees the message first.
    """
    async with use.uploads.read(request, NewForm) as sent:
        new = sent.message
        message = FormMessage(
            text=new.text,
            email=new.email.strip(),
            name=new.name,
            topic=new.topic,
            language=new.language,
            files=tuple(file.file for file in sent.files),
            for_person="files_only" if sent.files_only else None,
        )
        token = await begin_talk(use, message, key=idempotency_key or uuid4())
    response.headers["Cache-Control"] = "no-store"
    return TakenForm(
        conversation_token=token.text,
        page=f"/contact/{token.text}",
        files=[taken_file(file) for file in sent.files],
    )


@router.get("/messages", responses=responses(401, 404, 422, 503))
async def read_form_messages(
    use: With,
    token: Token,
    response: Response,
    after: Annotated[int, Query(ge=0, le=2**53)] = 0,
    wait: Annotated[int, Query(ge=0, le=LONGEST_WAIT, description="Seconds to wait for something new")] = 0,
) -> WebMessages:
    """The messages after the cursor."""
    view = await await_news(use, FORM, token, after=after, seconds=wait)
    response.headers["Cache-Control"] = "no-store"
    return seen_messages(use, view, after)
