"""The page of figures, made on the server."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.pages.analytics.render import figures_page, refused_page
from api.routes.analytics import AsGiven
from api.routes.pages import Framed, PageRoute, sentences
from api.routes.staff import AnalyticsReader
from api.routes.visitor import With
from infra.analytics.definitions import Key
from skills.errors import BadRequestError

_USUAL: Key = "csat"

router = APIRouter(include_in_schema=False, route_class=PageRoute)


@router.get("/analytics")
async def analytics_page(
    request: Request,
    given: AsGiven,
    use: With,
    frame: Framed,
    staff: AnalyticsReader,  # noqa: ARG001 - the name is the frame's
    metric: Annotated[Key | None, Query()] = None,
) -> Response:
    """All figures of a period, one of them in detail. On a company's first day that is today, which is not over.

    Where no figure is asked for, it is the first that there is something to say of.
    """
    try:
        question = given.question()
    except BadRequestError as error:
        return refused_page(frame, given.first, given.last, given.filters, metric or _USUAL, sentences(error))
    report = await use.analytics.report(question)
    if report.empty and report.as_of is not None and not request.query_params:
        report = await use.analytics.report(replace(given, last=report.as_of.date()).question())
    first: Key = next((one.metric.key for one in report.measured if one.now.denominator), _USUAL)
    return await asyncio.to_thread(figures_page, frame, report, metric or first)
