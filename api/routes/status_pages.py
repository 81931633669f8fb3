"""Where staff write the status page: what is due first, then incidents, planned work and components."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Form, Response

from api.pages.console.render import Frame, page
from api.pages.status.render import names_of
from api.routes.pages import Framed, PageRoute, see, sentences
from api.routes.staff import StatusWriter
from api.routes.status_api import RECENT
from api.routes.visitor import With
from api.wiring import Services
from infra.postgres.incidents import LONGEST_TEXT, LONGEST_TITLE, Written
from infra.status.components import BY_ID, IMPACTS, PHASES, SEVERITIES, Impact, Phase, Severity, State
from infra.status.snapshot import utc_now
from infra.status.timers import Kind, reminders
from skills.errors import BadRequestError, ConflictError, NotFoundError, SupportError

router = APIRouter(prefix="/status/manage", include_in_schema=False, route_class=PageRoute)

_REFUSALS = (BadRequestError, ConflictError, NotFoundError)
_DONE = {
    "opened": "A draft. Nobody outside sees it before you write an update.",
    "published": "It is on the public page.",
    "dismissed": "The draft is put away.",
    "maintenance": "The planned work is changed.",
    "component": "The component is set.",
}
_DUE: dict[Kind, str] = {
    "drafted": "Checks have opened a draft: publish or dismiss it",
    "notice_soon": "A public notice is due",
    "notice_late": "A public notice is late",
    "report_soon": "A report is due",
    "report_late": "A report is late",
}
_REASONS = {
    "": "",
    "api_not_ready": "the API says that it is not ready",
    "no_api": "no API has shown a sign of life",
    "no_worker": "no worker has shown a sign of life",
    "no_sender": "no sender has shown a sign of life",
    "queue_slow": "cases wait for a worker",
    "queue_stands": "cases have waited for a worker for long",
    "outbox_slow": "texts wait to be sent",
    "outbox_stands": "texts have waited to be sent for long",
    "provider": "the provider fails",
    "mailbox_unread": "the mailbox can't be read",
    "model_breaker": "the language model fails",
    "late": "a review is late",
}

Title = Annotated[str, Form(max_length=3 * LONGEST_TITLE)]
Body = Annotated[str, Form(max_length=3 * LONGEST_TEXT)]
Moment = Annotated[str, Form(max_length=40)]
Address = Annotated[str, Form(max_length=500)]
Parts = Annotated[list[str], Form()]


@router.get("")
async def manage_page(use: With, frame: Framed, writer: StatusWriter, done: str = "") -> Response:  # noqa: ARG001 - may
    """What is due, what goes on, and the forms."""
    return await _page(use, frame, notice=_DONE.get(done, ""))


@router.post("/incidents")
async def open_incident(
    use: With,
    frame: Framed,
    writer: StatusWriter,
    title: Title,
    severity: Annotated[Severity, Form()],
    impact: Annotated[Impact, Form()],
    components: Parts = [],  # noqa: B006 - FastAPI's own default, never changed
    started_at: Moment = "",
    text: Body = "",
) -> Response:
    """A draft; with a text it is published at once."""
    now = utc_now()

    async def work() -> None:
        written = Written(title, severity, impact, tuple(components), _moment(started_at) or now)
        incident_id = await use.status.incidents.open(written, by=writer, now=now)
        if text.strip():
            await use.status.incidents.update(incident_id, "investigating", text, by=writer, now=now)
            await use.status.publish()

    given = {"title": title, "text": text, "severity": severity, "impact": impact, "components": components}
    return await _done(use, frame, work(), "published" if text.strip() else "opened", given)


@router.post("/incidents/{incident_id}/updates")
async def update_incident(
    incident_id: UUID,
    use: With,
    frame: Framed,
    writer: StatusWriter,
    phase: Annotated[Phase, Form()],
    text: Body = "",
) -> Response:
    """Tell the public."""

    async def work() -> None:
        await use.status.incidents.update(incident_id, phase, text, by=writer, now=utc_now())
        await use.status.publish()

    return await _done(use, frame, work(), "published", {"of": str(incident_id), "told": text})


@router.post("/incidents/{incident_id}/dismiss")
async def dismiss_incident(incident_id: UUID, use: With, frame: Framed, writer: StatusWriter) -> Response:
    """A draft was nothing."""
    return await _done(use, frame, use.status.incidents.dismiss(incident_id, by=writer, now=utc_now()), "dismissed")


@router.post("/incidents/{incident_id}/report")
async def report_incident(
    incident_id: UUID, use: With, frame: Framed, writer: StatusWriter, text: Body = "", url: Address = ""
) -> Response:
    """What happened."""

    async def work() -> None:
        await use.status.incidents.report(incident_id, text, url, by=writer)
        await use.status.publish()

    return await _done(use, frame, work(), "published", {"of": str(incident_id), "report": text})


@router.post("/maintenance")
async def plan_maintenance(
    use: With,
    frame: Framed,
    writer: StatusWriter,
    title: Title,
    text: Body,
    starts_at: Moment,
    ends_at: Moment,
    components: Parts = [],  # noqa: B006 - as above
) -> Response:
    """Announce planned work."""

    async def work() -> None:
        began, ended = _moment(starts_at), _moment(ends_at)
        if began is None or ended is None:
            raise BadRequestError("planned work has a beginning and an end")
        await use.status.incidents.plan(title, text, components, began, ended, by=writer, now=utc_now())
        await use.status.publish()

    given = {"work_title": title, "work_text": text, "work_components": components}
    return await _done(use, frame, work(), "published", given)


@router.post("/maintenance/{maintenance_id}/end")
async def end_maintenance(maintenance_id: UUID, use: With, frame: Framed, writer: StatusWriter) -> Response:
    """Cancel it, or end it now."""

    async def work() -> None:
        await use.status.incidents.end_maintenance(maintenance_id, by=writer, now=utc_now())
        await use.status.publish()

    return await _done(use, frame, work(), "maintenance")


@router.post("/components/{component}")
async def set_component(
    component: str,
    use: With,
    frame: Framed,
    writer: StatusWriter,
    state: Annotated[Literal["operational", "degraded", "down", ""], Form()] = "",
) -> Response:
    """A word over the checks; empty leaves it to them."""
    said: State | None = state or None

    async def work() -> None:
        await use.status.board.override(component, said, by=writer)
        await use.status.publish()

    return await _done(use, frame, work(), "component")


async def _done(
    use: Services, frame: Frame, work: Awaitable[object], done: str, given: Mapping[str, object] | None = None
) -> Response:
    """Do it; what was refused is shown with the reason, and with what was typed."""
    try:
        await work
    except _REFUSALS as error:
        return await _page(use, frame, error=error, given=given)
    return see(f"/status/manage?done={done}")


async def _page(
    use: Services,
    frame: Frame,
    *,
    notice: str = "",
    error: SupportError | None = None,
    given: Mapping[str, object] | None = None,
) -> Response:
    now, desk = utc_now(), use.status
    incidents = await desk.incidents.listed(now - RECENT)
    due = [
        {"incident": one, "what": _DUE[kind], "late": kind.endswith("late"), "at": at}
        for one in incidents
        for kind, at in reminders(one.clock, desk.incidents.terms, now)[-1:]  # a late notice says more than a draft
    ]
    wrong, hint = ("", "") if error is None else sentences(error)
    return page(
        "status",
        Frame(frame.name, frame.role, frame.form_token, "/status/manage"),
        status=200 if error is None else 422,
        notice=notice,
        error=wrong,
        hint=hint,
        given=defaultdict(str, given or {}),
        due=sorted(due, key=lambda one: one["at"]),
        incidents=incidents,
        maintenance=[one for one in await desk.incidents.maintenance(now) if one.cancelled_at is None],
        standing=await desk.board.components(desk.rules.components),
        names=names_of,
        reasons=_REASONS,
        known=desk.rules.components,
        by_id=BY_ID,
        severities=SEVERITIES,
        impacts=IMPACTS,
        phases=PHASES,
        now=now,
    )


def _moment(text: str) -> datetime | None:
    """What a field for a time holds, in UTC; ``None`` when it is empty.

    Raises:
        BadRequestError: it is no time.
    """
    if not text.strip():
        return None
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise BadRequestError("that is no time", hint="write it as 2026-11-30 14:00, in UTC") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
