"""What staff write for the status page, for programs: incidents, updates, reports, planned work, overrides.

Whatever is written is published at once; the next round of the checks would do it, too.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Path
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api.problems import responses
from api.routes.staff import StaffRoute, StatusWriter
from api.routes.visitor import With
from infra.postgres.incidents import LONGEST_TEXT, LONGEST_TITLE, StaffIncident, Written
from infra.status.components import Impact, Phase, Severity, State
from infra.status.snapshot import Maintenance, Update, utc_now
from infra.status.timers import Kind, reminders

router = APIRouter(prefix="/v1/status", tags=["status"], route_class=StaffRoute)

_PROBLEMS = responses(400, 401, 403, 404, 409, 422, 503)
RECENT = timedelta(days=90)

_Title = Annotated[str, Field(min_length=1, max_length=LONGEST_TITLE)]
_Text = Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT)]
_Components = Annotated[list[str], Field(min_length=1, max_length=20)]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ComponentState(BaseModel):
    """A component as staff see it."""

    id: str
    state: State = Field(description="What counts: a person's word, else the checks'")
    checks: State
    since: datetime
    reason: str = Field(description="A code; empty when all is well")
    checked_at: datetime
    override_by: str | None
    override_at: datetime | None


class Due(BaseModel):
    """What staff have to do about an incident, and by when."""

    kind: Kind
    due_at: datetime


class IncidentLine(BaseModel):
    """An incident as staff see it."""

    id: UUID
    title: str
    severity: Severity
    impact: Impact
    components: list[str]
    started_at: datetime
    ended_at: datetime | None
    published_at: datetime | None = Field(description="null: a draft, which nobody outside sees")
    opened_by: str = Field(description="Who, or checks")
    report: str | None
    report_url: str | None
    reported_at: datetime | None
    updates: list[Update]
    due: list[Due]


class StatusBoardView(BaseModel):
    """Everything that staff see."""

    components: list[ComponentState]
    incidents: list[IncidentLine]
    maintenance: list[Maintenance]


class NewIncident(_Asked):
    """A draft; its first update publishes it."""

    title: _Title
    severity: Severity
    impact: Impact = "down"
    components: _Components
    started_at: AwareDatetime | None = Field(None, description="null: now")


class NewUpdate(_Asked):
    """What the public is told."""

    phase: Phase
    text: _Text


class NewReport(_Asked):
    """What happened: a text, an address, or both."""

    text: str = Field("", max_length=LONGEST_TEXT)
    url: str = Field("", max_length=500)


class NewMaintenance(_Asked):
    """Planned work."""

    title: _Title
    text: _Text
    components: _Components
    starts_at: AwareDatetime
    ends_at: AwareDatetime


class NewEnd(_Asked):
    """When planned work ends. null: now; what has not begun is cancelled."""

    ends_at: AwareDatetime | None = None


class Override(_Asked):
    """A person's word over the checks'; null takes it back."""

    state: Literal["operational", "degraded", "down"] | None


class Made(BaseModel):
    """The id of what was made."""

    id: UUID


@router.get("", responses=_PROBLEMS)
async def read_status_board(use: With, staff: StatusWriter) -> StatusBoardView:  # noqa: ARG001 - that it is somebody
    """Components, incidents with their drafts and what is due, and planned work of the last 90 days."""
    since = utc_now() - RECENT
    return StatusBoardView(
        components=[
            ComponentState.model_validate(one, from_attributes=True)
            for one in await use.status.board.components(use.status.rules.components)
        ],
        incidents=[_line(use, one) for one in await use.status.incidents.listed(since)],
        maintenance=await use.status.incidents.maintenance(since),
    )


@router.post("/incidents", status_code=201, responses=_PROBLEMS)
async def open_incident(use: With, staff: StatusWriter, asked: NewIncident) -> Made:
    """Begin a draft."""
    now = utc_now()
    written = Written(asked.title, asked.severity, asked.impact, tuple(asked.components), asked.started_at or now)
    return Made(id=await use.status.incidents.open(written, by=staff, now=now))


@router.get("/incidents/{incident_id}", responses=_PROBLEMS)
async def read_incident(use: With, incident_id: UUID, staff: StatusWriter) -> IncidentLine:  # noqa: ARG001 - as above
    """One incident."""
    return _line(use, await use.status.incidents.one(incident_id))


@router.put("/incidents/{incident_id}", responses=_PROBLEMS, status_code=204)
async def change_incident(use: With, incident_id: UUID, staff: StatusWriter, asked: NewIncident) -> None:
    """Correct title, severity, impact, components or beginning."""
    now = utc_now()
    began = asked.started_at or (await use.status.incidents.one(incident_id)).started_at
    written = Written(asked.title, asked.severity, asked.impact, tuple(asked.components), began)
    await use.status.incidents.change(incident_id, written, by=staff, now=now)
    await use.status.publish()


@router.post("/incidents/{incident_id}/updates", status_code=201, responses=_PROBLEMS)
async def update_incident(use: With, incident_id: UUID, staff: StatusWriter, asked: NewUpdate) -> Made:
    """Tell the public. The first update publishes the draft, `resolved` ends it."""
    made = await use.status.incidents.update(incident_id, asked.phase, asked.text, by=staff, now=utc_now())
    await use.status.publish()
    return Made(id=made)


@router.post("/incidents/{incident_id}/dismiss", status_code=204, responses=_PROBLEMS)
async def dismiss_incident(use: With, incident_id: UUID, staff: StatusWriter) -> None:
    """Put a draft away that was nothing."""
    await use.status.incidents.dismiss(incident_id, by=staff, now=utc_now())


@router.put("/incidents/{incident_id}/report", status_code=204, responses=_PROBLEMS)
async def report_incident(use: With, incident_id: UUID, staff: StatusWriter, asked: NewReport) -> None:
    """Say what happened, once it is over."""
    await use.status.incidents.report(incident_id, asked.text, asked.url, by=staff)
    await use.status.publish()


@router.post("/maintenance", status_code=201, responses=_PROBLEMS)
async def plan_maintenance(use: With, staff: StatusWriter, asked: NewMaintenance) -> Made:
    """Announce planned work, before it begins."""
    made = await use.status.incidents.plan(
        asked.title, asked.text, asked.components, asked.starts_at, asked.ends_at, by=staff, now=utc_now()
    )
    await use.status.publish()
    return Made(id=made)


@router.post("/maintenance/{maintenance_id}/end", status_code=204, responses=_PROBLEMS)
async def end_maintenance(use: With, maintenance_id: UUID, staff: StatusWriter, asked: NewEnd) -> None:
    """Cancel it, end it, or let it end at another time."""
    await use.status.incidents.end_maintenance(maintenance_id, by=staff, now=utc_now(), ends_at=asked.ends_at)
    await use.status.publish()


@router.put("/components/{component}/override", status_code=204, responses=_PROBLEMS)
async def override_component(
    use: With, component: Annotated[str, Path(max_length=40)], staff: StatusWriter, asked: Override
) -> None:
    """Say how a component is, whatever the checks say; or leave it to them again."""
    await use.status.board.override(component, asked.state, by=staff)
    await use.status.publish()


def _line(use: With, one: StaffIncident) -> IncidentLine:
    due = reminders(one.clock, use.status.incidents.terms, utc_now())
    return IncidentLine(
        id=one.id,
        title=one.title,
        severity=one.severity,
        impact=one.impact,
        components=list(one.components),
        started_at=one.started_at,
        ended_at=one.ended_at,
        published_at=one.published_at,
        opened_by=one.opened_by,
        report=one.report,
        report_url=one.report_url,
        reported_at=one.reported_at,
        updates=list(one.updates),
        due=[Due(kind=kind, due_at=at) for kind, at in due],
    )
