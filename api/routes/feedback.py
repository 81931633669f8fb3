"""What customers say of our help: by a button on a page, on a page behind a link, and whether it helped at all.

A link's page is asked for by mail scanners too: GET never rates.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BaseModel, ConfigDict, Field

from api.pages.feedback import feedback_page
from api.pages.routes import SECURITY_HEADERS
from api.problems import responses
from api.routes.visitor import Token, With
from channels.web import CHAT, FORM
from infra.postgres.surveys import LONGEST_COMMENT

router = APIRouter(tags=["web"])

_HEADERS = {**SECURITY_HEADERS, "Cache-Control": "no-store"}
_PAGES = (CHAT, FORM)
_RATINGS = {str(number): number for number in range(1, 6)}


class Helped(BaseModel):
    """Whether the customer's matter is settled."""

    model_config = ConfigDict(extra="forbid")

    helped: bool


class Rating(BaseModel):
    """How our help was, from 1 (poor) to 5 (very good)."""

    model_config = ConfigDict(extra="forbid")

    rating: int = Field(ge=1, le=5)
    comment: str | None = Field(None, max_length=LONGEST_COMMENT)


@router.post("/v1/web/resolution", status_code=204, responses=responses(400, 401, 404, 409, 413, 422, 503))
async def say_whether_it_helped(said: Helped, use: With, token: Token) -> None:
    """Yes settles the matter; no opens it again, and offers a person. Saying the same twice has the effect of once."""
    conversation_id = await use.lives.helped(_PAGES, token.thread, helped=said.helped)
    await use.signals.outbox_waits()
    await use.signals.conversation_changed(conversation_id)


@router.post("/v1/web/feedback", status_code=204, responses=responses(400, 401, 404, 409, 413, 422, 503))
async def rate(said: Rating, use: With, token: Token) -> None:
    """Say how our help was, or change it within a day."""
    survey_id = await use.surveys.of_page(_PAGES, token.thread)
    await use.surveys.rate(survey_id, said.rating, said.comment)


@router.get("/feedback/{token}", include_in_schema=False)
async def feedback(token: str, use: With) -> Response:
    """The page of a survey."""
    survey = await use.surveys.find(use.survey_links.check(token))
    return HTMLResponse(feedback_page(survey), headers=_HEADERS)


@router.post("/feedback/{token}", include_in_schema=False)
async def take_feedback(
    token: str,
    use: With,
    rating: Annotated[str, Form(max_length=10)] = "",
    comment: Annotated[str, Form(max_length=3 * LONGEST_COMMENT)] = "",
) -> Response:
    """The page's form; what it led to is shown by the page itself."""
    survey = await use.surveys.find(use.survey_links.check(token))
    if survey.too_late or rating not in _RATINGS:
        return HTMLResponse(
            feedback_page(survey, missing=True), status_code=409 if survey.too_late else 400, headers=_HEADERS
        )
    # A browser counts a line break as one character and sends two.
    text = comment.replace("\r\n", "\n")[:LONGEST_COMMENT]
    await use.surveys.rate(survey.id, _RATINGS[rating], text)
    return RedirectResponse(f"/feedback/{token}", status_code=303, headers=_HEADERS)
