"""The page of figures, made on the server."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.pages.analytics.render import figures_page, refused_page
from api.routes.analytics import AsGiven
from api.routes.pages import Framed, PageRoute, sentences
from api.routes.staff import AnalyticsReader
from api.routes.visitor import With
from infra.analytics.definitions import Key
from skills.errors import BadRequestError

router = APIRouter(include_in_schema=False, route_class=PageRoute)


@router.get("/analytics")
async def analytics_page(
    given: AsGiven,
    use: With,
    frame: Framed,
    staff: AnalyticsReader,  # noqa: ARG001 - the name is the frame's
    metric: Annotated[Key, Query()] = "csat",
) -> Response:
    """All figures of a period, one of them in detail."""
    try:
        question = given.question()
    except BadRequestError as error:
        return refused_page(frame, given.first, given.last, given.filters, metric, sentences(error))
    return figures_page(frame, await use.analytics.report(question), metric)
