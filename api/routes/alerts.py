"""What the staff were told of, for leads and admins: how it went, what failed, and the programs that are told.

The page and the API show the same. Nothing in it is a customer's.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import APIRouter, Form, Query, Response
from pydantic import BaseModel

from api.alert_desk import AlertDesk
from api.pages.console.render import Frame, page
from api.problems import responses
from api.routes.pages import Framed, PageRoute, see, sentences
from api.routes.staff import Settler, StaffManager, StaffRoute
from api.routes.visitor import With
from api.wiring import Services
from infra.alerts.alert import Kind, link, raised, time_left, words
from infra.postgres.alerts import ListedAlert
from infra.staff.roles import may
from skills.errors import BadRequestError, ConflictError, NotFoundError, SupportError

router = APIRouter(prefix="/v1/alerts", tags=["alerts"], route_class=StaffRoute)
pages = APIRouter(prefix="/alerts", include_in_schema=False, route_class=PageRoute)

_PROBLEMS = responses(400, 401, 403, 404, 409, 422, 503)
_ON_A_PAGE = 30
_REFUSALS = (BadRequestError, ConflictError, NotFoundError)
_DONE = {
    "test": "A test goes out. It stands below, with how it went.",
    "retry": "It is tried again now.",
    "enable": "It is told again what comes from now on.",
    "disable": "It is told nothing more.",
    "remove": "It is removed.",
}


class Send(BaseModel):
    """How telling one receiver went. ``to`` is an account's or a webhook's name, ``error`` a code."""

    id: UUID
    medium: Literal["email", "webhook"]
    to: str
    state: Literal["pending", "sending", "sent", "failed", "withdrawn"]
    attempts: int
    error: str | None
    next_at: datetime | None
    settled_at: datetime | None


class ListedAlertBody(BaseModel):
    """One thing that the staff were told of. ``subject_id`` is the escalation's, dead letter's, text's or webhook's."""

    id: UUID
    kind: Kind
    subject_id: UUID
    case_id: UUID | None
    severity: str | None
    channel: str | None
    due_at: datetime | None
    created_at: datetime
    sends: list[Send]


class AlertList(BaseModel):
    """The newest first, and how telling goes altogether."""

    waiting: int
    oldest_seconds: float
    failed: int
    untold: int
    items: list[ListedAlertBody]


class Tested(BaseModel):
    """How many are told that telling works."""

    sends: int


@router.get("", responses=_PROBLEMS)
async def list_alerts(
    use: With,
    staff: Settler,  # noqa: ARG001 - may
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: UUID | None = None,
    failed: bool = False,
) -> AlertList:
    """What the staff were told of. ``before``: older than this one; ``failed``: only what somebody was not told of."""
    state = await use.alerts.noted.state()
    listed = await use.alerts.noted.listed(limit=limit, before=before, failed=failed)
    items = [ListedAlertBody.model_validate(asdict(alert)) for alert in listed]
    return AlertList.model_validate({**asdict(state), "items": items})


@router.post("/test", responses=_PROBLEMS)
async def test_alerts(use: With, staff: Settler) -> Tested:
    """Tell every webhook, and you if your account has an address, that telling works."""
    return Tested(sends=await use.alerts.noted.test(by=staff))


@router.post("/sends/{send_id}/retry", status_code=204, responses=_PROBLEMS)
async def retry_send(send_id: UUID, use: With, staff: Settler) -> None:  # noqa: ARG001 - may
    """Try again now, and for as long as a new one."""
    await use.alerts.sends.retry(send_id)


@pages.get("")
async def alerts_page(
    use: With,
    frame: Framed,
    staff: Settler,  # noqa: ARG001 - may
    done: str = "",
    failed: bool = False,
    before: UUID | None = None,
) -> Response:
    """What the staff were told of."""
    return await _page(use, frame, notice=_DONE.get(done, ""), failed=failed, before=before)


@pages.post("/test")
async def send_test(use: With, frame: Framed, staff: Settler) -> Response:
    """Tell everybody there is that telling works."""
    if await use.alerts.noted.test(by=staff):
        return see("/alerts?done=test")
    nobody = BadRequestError(
        "There is nobody to tell: no webhook, and your account has no address", hint="set one on the page My account"
    )
    return await _page(use, frame, error=nobody)


@pages.post("/sends/{send_id}/retry")
async def retry_from_page(send_id: UUID, use: With, frame: Framed, staff: Settler) -> Response:  # noqa: ARG001 - may
    """Try again now."""
    try:
        await use.alerts.sends.retry(send_id)
    except _REFUSALS as error:
        return await _page(use, frame, error=error)
    return see("/alerts?done=retry")


@pages.post("/webhooks")
async def add_webhook(
    use: With,
    frame: Framed,
    admin: StaffManager,
    name: Annotated[str, Form(max_length=60)],
    url: Annotated[str, Form(max_length=2000)],
) -> Response:
    """A further program that is told; its secret is shown this once."""
    known = name.strip().casefold()
    try:
        secret = await use.alerts.endpoints.add(known, url, by=admin)
    except _REFUSALS as error:
        return await _page(use, frame, error=error, typed=(name, url))
    return await _page(use, frame, secret=(known, secret))


@pages.post("/webhooks/{name}/rotate")
async def rotate_webhook(name: str, use: With, frame: Framed, admin: StaffManager) -> Response:
    """A new secret; the old one signs beside it for a day."""
    try:
        secret = await use.alerts.endpoints.rotate(name, by=admin)
    except _REFUSALS as error:
        return await _page(use, frame, error=error)
    return await _page(use, frame, secret=(name, secret))


@pages.post("/webhooks/{name}/{what}")
async def change_webhook(
    name: str, what: Literal["disable", "enable", "remove"], use: With, frame: Framed, admin: StaffManager
) -> Response:
    """Tell it nothing more, or again; or forget it."""
    try:
        await changes(use.alerts)[what](name, by=admin)
    except _REFUSALS as error:
        return await _page(use, frame, error=error)
    return see(f"/alerts?done={what}")


def changes(desk: AlertDesk) -> dict[str, Callable[..., Coroutine[Any, Any, None]]]:
    """What can become of a webhook."""
    endpoints = desk.endpoints
    return {"enable": endpoints.enable, "disable": endpoints.disable, "remove": endpoints.remove}


async def _page(
    use: Services,
    frame: Frame,
    *,
    notice: str = "",
    error: SupportError | None = None,
    secret: tuple[str, str] | None = None,
    typed: tuple[str, str] = ("", ""),
    failed: bool = False,
    before: UUID | None = None,
) -> Response:
    wrong, hint = ("", "") if error is None else sentences(error)
    listed = await use.alerts.noted.listed(limit=_ON_A_PAGE, before=before, failed=failed)
    admin = frame.role is not None and may(frame.role, "staff.manage")
    endpoints = await use.alerts.endpoints.listed()
    return page(
        "alerts",
        Frame(frame.name, frame.role, frame.form_token, "/alerts"),
        status=200 if error is None else 422,
        notice=notice,
        error=wrong,
        hint=hint,
        secret=secret,
        typed=typed,
        failed=failed,
        state=await use.alerts.noted.state(),
        mail=use.alerts.mail,
        admin=admin,
        # An address may hold a token of its own: whoever can't change it is shown the host.
        endpoints=[{**asdict(one), "shown": one.url if admin else urlsplit(one.url).netloc} for one in endpoints],
        alerts=[_shown(one) for one in listed],
        older=listed[-1].id if len(listed) == _ON_A_PAGE else None,
    )


def _shown(alert: ListedAlert) -> dict[str, Any]:
    late = alert.due_at is not None and alert.due_at <= alert.created_at
    return {
        **asdict(alert),
        "words": words(alert.kind),
        "urgency": None if alert.severity is None else raised(alert.severity, late=late),
        "left": time_left(alert.due_at, alert.created_at),
        "link": link(alert, ""),
    }
