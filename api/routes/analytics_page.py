"""The page of figures, made on the server. ``/analytics`` asks for the staff key and shows it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from api.pages.analytics.render import figures_page
from api.routes.analytics import Asked
from api.routes.staff import Staff
from api.routes.visitor import With
from infra.analytics.definitions import Key

router = APIRouter(include_in_schema=False)


@router.get("/analytics/page", response_class=HTMLResponse)
async def page(
    question: Asked,
    use: With,
    staff: Staff,  # noqa: ARG001 - signed in is enough
    metric: Annotated[Key, Query()] = "csat",
) -> HTMLResponse:
    """All figures of a period, one of them in detail."""
    return figures_page(await use.analytics.report(question), metric)
