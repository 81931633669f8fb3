"""The public status page. It is the same for everybody: no cookie, nothing of a customer's, and caches may keep it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Request, Response

from api.pages.status.render import document, history, page
from api.routes.visitor import With
from infra.status.feed import MEDIA_TYPE
from infra.status.snapshot import Snapshot

router = APIRouter(tags=["status"])

IfNoneMatch = Annotated[str | None, Header(include_in_schema=False)]


@router.api_route("/status", methods=["GET", "HEAD"], include_in_schema=False)
async def status_page(use: With, if_none_match: IfNoneMatch = None) -> Response:
    """How things are, for people."""
    return page(await use.status.seen(), if_none_match, mails=use.status.rules.mails)


@router.get("/status.json", response_model=Snapshot)
async def status_json(use: With, if_none_match: IfNoneMatch = None) -> Response:
    """How things are, for programs: components with 90 days each, incidents and planned work, newest first."""
    return document(await use.status.seen(), if_none_match)


@router.get("/status/history.atom", response_class=Response, responses={200: {"content": {MEDIA_TYPE: {}}}})
async def status_feed(request: Request, use: With, if_none_match: IfNoneMatch = None) -> Response:
    """What happened, as an Atom feed."""
    base = use.settings.public_url or str(request.base_url)
    return history(await use.status.seen(), f"{base.rstrip('/')}/status", if_none_match)
