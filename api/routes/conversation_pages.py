"""The pages of conversations and customers. They show nothing of a customer's themselves; their requests do."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from fastapi import APIRouter, Response

from api.pages.console.render import page
from api.routes.pages import Framed, PageRoute
from api.routes.staff import WorkLister
from api.routes.visitor import With

router = APIRouter(include_in_schema=False, route_class=PageRoute)

_HERE = "/conversations"


@router.api_route("/conversations", methods=["GET", "HEAD"])
async def conversations_page(frame: Framed, staff: WorkLister) -> Response:  # noqa: ARG001 - the name is the frame's
    """The list, with search and filters."""
    return page("conversations", frame)


@router.api_route("/conversations/{case_id}", methods=["GET", "HEAD"])
async def conversation_page(case_id: UUID, use: With, frame: Framed, staff: WorkLister) -> Response:  # noqa: ARG001 - as above
    """One conversation."""
    return page("conversation", replace(frame, here=_HERE), case_id=case_id, reopen_days=use.settings.life.reopen_days)


@router.api_route("/customers/{customer_id}", methods=["GET", "HEAD"])
async def customer_page(customer_id: UUID, frame: Framed, staff: WorkLister) -> Response:  # noqa: ARG001 - as above
    """One customer, across channels."""
    return page("customer", replace(frame, here=_HERE), customer_id=customer_id)
