"""What customers say of our help by the buttons of a page: whether it helped, and how it was."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from api.feedback_desk import rate_conversation, tell_whether_it_helped
from api.problems import responses
from api.routes.visitor import Token, With
from infra.postgres.surveys import LONGEST_COMMENT

router = APIRouter(prefix="/v1/web", tags=["web"])


class Helped(BaseModel):
    """Whether the customer's matter is settled."""

    model_config = ConfigDict(extra="forbid")

    helped: bool


class Rating(BaseModel):
    """How our help was, from 1 (poor) to 5 (very good)."""

    model_config = ConfigDict(extra="forbid")

    rating: int = Field(ge=1, le=5)
    comment: str | None = Field(None, max_length=LONGEST_COMMENT)


@router.post("/resolution", status_code=204, responses=responses(400, 401, 404, 409, 413, 422, 503))
async def say_whether_it_helped(said: Helped, use: With, token: Token) -> None:
    """Yes settles the matter; no opens it again, and offers a person. Saying the same twice has the effect of once."""
    await tell_whether_it_helped(use, token, helped=said.helped)


@router.post("/feedback", status_code=204, responses=responses(400, 401, 404, 409, 413, 422, 503))
async def rate(said: Rating, use: With, token: Token) -> None:
    """Say how our help was, or change it within a day."""
    await rate_conversation(use, token, said.rating, said.comment)
