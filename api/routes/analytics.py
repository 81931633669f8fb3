"""Figures for the staff: definitions, the figures of a period, and the same as a file."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from api.problems import responses
from api.routes.staff import AnalyticsReader, Reviewer, StaffRoute
from api.routes.visitor import With
from infra.analytics.definitions import INTERVALS, METRICS, Dimension, Key, Method, Unit
from infra.analytics.export import Format, as_csv, as_parquet
from infra.analytics.periods import Period, Step, last_days
from infra.analytics.report import Filters, Question, Report, Served
from infra.analytics.words import finding
from infra.postgres.storable import refuse_unstorable
from skills.turn import CaseId

router = APIRouter(prefix="/v1/analytics", tags=["analytics"], route_class=StaffRoute)

USUAL_DAYS = 30
ANY = "*"
"""A label that lets everything through: what a form sends where nothing is chosen."""
_LONGEST_LABEL = 200
_PROBLEMS = responses(401, 403, 422, 503)
_WRITTEN: Mapping[Format, tuple[Callable[[Report], bytes], str]] = {
    "csv": (as_csv, "text/csv; charset=utf-8"),
    "parquet": (as_parquet, "application/vnd.apache.parquet"),
}
_Text = Annotated[str | None, Query(max_length=_LONGEST_LABEL)]


class Definition(BaseModel):
    """What a figure means."""

    model_config = ConfigDict(from_attributes=True)

    key: Key
    name: str
    meaning: str
    numerator: str = Field(description="What is counted or measured")
    denominator: str = Field(description="Of what")
    moment: str = Field(description="By which moment something belongs to a period")
    unit: Unit = Field(description="Seconds and money as they are, a share from 0 to 1")
    method: Method = Field(description="How it is summed up, and with that its interval")
    better: Literal["more", "less"] | None
    beware: str = Field(description="What the figure can't say")


class Definitions(BaseModel):
    """All of them, and how the intervals are made."""

    metrics: list[Definition]
    intervals: dict[Method, str]


class FigureOut(BaseModel):
    """A value with its 95 % interval."""

    model_config = ConfigDict(from_attributes=True, title="Figure")

    value: float | None = Field(description="null: nothing to measure")
    low: float | None = Field(description="Where the interval begins; null: too little to say")
    high: float | None
    numerator: float | None = Field(description="How many were counted, or the sum; null for a median")
    denominator: int = Field(description="Of how many")


class PointOut(BaseModel):
    """A figure of a piece of the period; the end is excluded."""

    model_config = ConfigDict(from_attributes=True, title="Point")

    start: datetime
    end: datetime
    figure: FigureOut


class PartOut(BaseModel):
    """A figure of what has one label, and what it was in the period before."""

    model_config = ConfigDict(from_attributes=True, title="Part")

    label: str = Field(description="Empty: what has none")
    now: FigureOut
    before: FigureOut


class MeasuredOut(BaseModel):
    """One metric of the period."""

    model_config = ConfigDict(title="Measured")

    key: Key
    name: str
    unit: Unit
    finding: str
    now: FigureOut
    before: FigureOut
    differs: bool = Field(description="The two intervals don't touch, which is strict")
    over_time: list[PointOut]
    parts: dict[Dimension, list[PartOut]]


class ReviewerOut(BaseModel):
    """What one person did in the period."""

    model_config = ConfigDict(from_attributes=True, title="Reviewer")

    name: str
    days: int = Field(description="On which they did any of it")
    decisions: dict[str, int] = Field(description="By what was decided")
    replies: int = Field(description="That they wrote in cases of theirs")
    seconds: float | None = Field(description="Median from a request to their decision")


class Figures(BaseModel):
    """The figures of a period and of the one of the same length before. Days are UTC."""

    first: date
    last: date
    step: Step
    filters: dict[Dimension, str | None]
    as_of: datetime | None = Field(description="Up to when events are in it")
    served: Served = Field(description="By which server")
    notice: str | None = Field(description="What to know of these figures")
    metrics: list[MeasuredOut]
    reviewers: list[ReviewerOut]


class Judgement(BaseModel):
    """What somebody found who read a case that is over."""

    model_config = ConfigDict(extra="forbid")

    case_id: UUID
    solved: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for as it was given; it may be no period."""

    first: date
    last: date
    step: Step | None
    filters: Filters

    def question(self) -> Question:
        """The same, as what can be answered.

        Raises:
            BadRequestError: the period can't be, or has too many steps.
        """
        period = Period(self.first, self.last)
        question = Question(period, self.step or period.usual_step, self.filters)
        period.steps(question.step)
        return question


async def wanted(
    first: Annotated[date | None, Query(alias="from", description="First day; 30 days ago otherwise")] = None,
    last: Annotated[date | None, Query(alias="to", description="Last day, included; yesterday otherwise")] = None,
    step: Annotated[Step | None, Query(description="How the period is cut; by its length otherwise")] = None,
    channel: _Text = None,
    language: _Text = None,
    segment: _Text = None,
    topic: _Text = None,
) -> Wanted:
    """What is asked for. An empty label is what has none, ``*`` is any.

    Raises:
        InvalidMessageError: a label holds what can't be stored.
    """
    given = [None if label == ANY else label for label in (channel, language, segment, topic)]
    for label in filter(None, given):
        refuse_unstorable(label)
    usual = last_days(USUAL_DAYS, datetime.now(UTC).date())
    since, until = first or min(usual.first, last or usual.first), last or max(usual.last, first or usual.last)
    return Wanted(since, until, step, Filters(*given))


AsGiven = Annotated[Wanted, Depends(wanted)]


async def question_of(given: AsGiven) -> Question:
    """What is asked for, as what can be answered."""
    return given.question()


Asked = Annotated[Question, Depends(question_of)]


@router.get("/definitions", responses=responses(401, 403))
async def read_definitions(staff: AnalyticsReader) -> Definitions:  # noqa: ARG001 - the permission is enough
    """What each figure means, how it is computed, and what it can't say."""
    return Definitions(metrics=[Definition.model_validate(metric) for metric in METRICS], intervals=INTERVALS)


@router.get("", responses=_PROBLEMS)
async def read_figures(question: Asked, use: With, staff: AnalyticsReader) -> Figures:  # noqa: ARG001 - the permission is enough
    """All figures of a period, beside the period before, over time, and by channel, language, segment and topic."""
    return await asyncio.to_thread(shown, await use.analytics.report(question))


@router.get(
    "/export",
    response_class=Response,
    responses={
        200: {
            "content": {"text/csv": {}, "application/vnd.apache.parquet": {}},
            "description": "A line for every figure",
        },
        **_PROBLEMS,
    },
)
async def export_figures(
    question: Asked,
    use: With,
    staff: AnalyticsReader,  # noqa: ARG001 - as above
    file_format: Annotated[Format, Query(alias="format")] = "csv",
) -> Response:
    """The same as one flat table. Parquet needs pyarrow on the server."""
    report = await use.analytics.report(question)
    name = f"csagent-figures-{question.period.first}-{question.period.last}.{file_format}"
    write, kind = _WRITTEN[file_format]
    made = await asyncio.to_thread(write, report)
    return Response(made, media_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})


@router.post("/judgements", status_code=204, responses=responses(400, 401, 403, 409, 422, 503))
async def judge(judgement: Judgement, use: With, staff: Reviewer) -> None:
    """Say whether a case that is over, and that you have read, is solved: what verified self-service is made of."""
    await use.analytics_rows.judge(CaseId(judgement.case_id), solved=judgement.solved, person=staff)


def shown(report: Report) -> Figures:
    """A report as it goes out."""
    filters: Mapping[Dimension, str | None] = {
        "channel": report.question.filters.channel,
        "language": report.question.filters.language,
        "segment": report.question.filters.segment,
        "topic": report.question.filters.topic,
    }
    return Figures(
        first=report.question.period.first,
        last=report.question.period.last,
        step=report.question.step,
        filters=dict(filters),
        as_of=report.as_of,
        served=report.served,
        notice=report.notice,
        metrics=[
            MeasuredOut(
                key=one.metric.key,
                name=one.metric.name,
                unit=one.metric.unit,
                finding=finding(one),
                now=FigureOut.model_validate(one.now),
                before=FigureOut.model_validate(one.before),
                differs=one.differs,
                over_time=[PointOut.model_validate(point) for point in one.over_time],
                parts={
                    dimension: [PartOut.model_validate(part) for part in parts]
                    for dimension, parts in one.parts.items()
                },
            )
            for one in report.measured
        ],
        reviewers=[ReviewerOut.model_validate(one) for one in report.reviewers],
    )
