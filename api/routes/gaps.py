"""Gaps for the staff: what no article answers, a suggested article, and a decision by the version that was read."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from api.gaps_desk import Approval, ReadGap
from api.problems import responses
from api.routes.staff import CustomerReader, KnowledgeWriter, StaffRoute
from api.routes.visitor import With
from infra.knowledge.article import language_code
from infra.knowledge.gaps import Gap
from infra.postgres.storable import MAX_CHARACTERS

router = APIRouter(prefix="/v1/knowledge/gaps", tags=["knowledge"], route_class=StaffRoute)

_PROBLEMS = responses(400, 401, 403, 404, 409, 422, 503)


class GapLine(BaseModel):
    """Questions that ask the same."""

    id: UUID
    version: str = Field(description="Goes back with the decision")
    question: str = Field(description="The one that is most like the others")
    questions: int
    customers: int = Field(description="How many different ones asked")
    answers: int = Field(description="How many a person of staff has answered")
    first_at: datetime
    last_at: datetime
    earlier_article_id: UUID | None = Field(description="Was approved for the same before, and it was asked again")


class GapList(BaseModel):
    """Gaps, those of the most customers first."""

    items: list[GapLine]


class AskedQuestion(BaseModel):
    """One question, and what a person of staff answered first."""

    case_id: UUID
    at: datetime
    text: str
    answer: str | None


class PlaceToCheck(BaseModel):
    """A place of a text to look at before it is everybody's."""

    kind: str = Field(description="mark, customer, name, email, phone, link, amount, date or figure")
    private: bool = Field(description="It may be somebody's own: an approval has to say that it was checked")
    reason: str
    sentence: str


class OtherAnswer(BaseModel):
    """A sentence of another answer."""

    kind: Literal["conflicts", "adds"]
    sentence: str
    instead: str | None = Field(description="The sentence of the text that it conflicts with")


class SuggestedArticle(BaseModel):
    """An article out of the answers, to be edited."""

    title: str
    text: str
    language: str
    answers: int = Field(description="How many it was chosen among")
    others: list[OtherAnswer]
    left_out: list[str] = Field(description="Sentences that say what was done for one customer")
    places: list[PlaceToCheck]


class WholeGap(GapLine):
    """A gap with all its questions, the oldest first."""

    asked: list[AskedQuestion]
    suggestion: SuggestedArticle | None = Field(description="null while nobody of staff has answered")


class NewArticle(BaseModel):
    """What a person makes of it."""

    model_config = ConfigDict(extra="forbid")

    version: str = Field(max_length=64)
    title: str = Field(min_length=1, max_length=200)
    text: str = Field(min_length=1, max_length=MAX_CHARACTERS)
    audience: Literal["public", "customers", "staff"] = "public"
    language: str | None = Field(None, max_length=20)
    checked: bool = Field(default=False, description="Every place that may be one customer's own was looked at")


class ApprovedArticle(BaseModel):
    """The article that is live now."""

    article_id: UUID


class Dismissal(BaseModel):
    """Why no article is wanted."""

    model_config = ConfigDict(extra="forbid")

    version: str = Field(max_length=64)
    reason: Literal["not_ours", "case_by_case", "answered_already", "other"]


@router.get("", responses=_PROBLEMS)
async def list_gaps(
    use: With,
    staff: CustomerReader,
    at_least: Annotated[int, Query(ge=1, le=1000, description="Questions of a gap")] = 1,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> GapList:
    """What customers asked lately and no article answers."""
    return GapList(items=[_line(gap) for gap in await use.gaps.waiting(reader=staff, at_least=at_least, limit=limit)])


@router.get("/{gap_id}", responses=_PROBLEMS)
async def read_gap(gap_id: UUID, use: With, staff: CustomerReader) -> WholeGap:
    """One gap with its questions and answers, and a suggested article. That you read them is written down."""
    return _whole(await use.gaps.read(gap_id, reader=staff))


@router.post("/{gap_id}/approve", status_code=201, responses=_PROBLEMS)
async def approve_gap(gap_id: UUID, article: NewArticle, use: With, staff: KnowledgeWriter) -> ApprovedArticle:
    """Make an article of it, under your name; it is searched from then on."""
    language = None if article.language is None else language_code(article.language)
    approval = Approval(article.title, article.text, article.audience, language, article.checked)
    return ApprovedArticle(article_id=await use.gaps.approve(gap_id, article.version, approval, by=staff))


@router.post("/{gap_id}/dismiss", status_code=204, responses=_PROBLEMS)
async def dismiss_gap(gap_id: UUID, dismissal: Dismissal, use: With, staff: KnowledgeWriter) -> None:
    """No article is wanted. It comes back when it has grown well beyond what it is."""
    await use.gaps.dismiss(gap_id, dismissal.version, dismissal.reason, by=staff)


def _line(gap: Gap) -> GapLine:
    return GapLine(
        id=gap.id,
        version=gap.version,
        question=gap.example.question,
        questions=len(gap.asked),
        customers=gap.customers,
        answers=len(gap.answered),
        first_at=gap.asked[0].at,
        last_at=gap.asked[-1].at,
        earlier_article_id=gap.earlier,
    )


def _whole(read: ReadGap) -> WholeGap:
    suggestion = read.suggestion
    return WholeGap(
        **_line(read.gap).model_dump(),
        asked=[
            AskedQuestion(case_id=one.case_id, at=one.at, text=one.text, answer=one.answer) for one in read.gap.asked
        ],
        suggestion=None
        if suggestion is None
        else SuggestedArticle(
            title=suggestion.title,
            text=suggestion.text,
            language=suggestion.language,
            answers=suggestion.answers,
            others=[
                OtherAnswer(kind=other.kind, sentence=other.sentence, instead=other.instead)
                for other in suggestion.others
            ],
            left_out=list(suggestion.left_out),
            places=[
                PlaceToCheck(kind=place.kind, private=place.private, reason=place.reason, sentence=place.sentence)
                for place in read.places
            ],
        ),
    )
