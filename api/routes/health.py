"""Health and metrics, for whoever runs the service: of the process that answers (``api.endpoint`` for the others)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from typing import Literal

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel

from api.routes.visitor import With
from infra.breakers import Status
from skills.errors import DatabaseUnavailableError

router = APIRouter(tags=["health"])

_PATIENCE = 2.0


class Dependency(BaseModel):
    """Something that the service leans on. ``needed``: without it the service is not ready."""

    name: str
    status: Literal["up", "down"]
    needed: bool
    milliseconds: float


class BreakerState(BaseModel):
    """The circuit breaker of an outside service, as this process sees it."""

    name: str
    state: Literal["closed", "half-open", "open"]
    since: datetime
    reason: str | None
    """The code of its last failure."""


class Ready(BaseModel):
    """Whether this process can do its work now. ``degraded``: it can, without something that it would rather have."""

    status: Literal["ready", "degraded", "unavailable"]
    dependencies: list[Dependency]
    breakers: list[BreakerState]


class Live(BaseModel):
    """This process runs."""

    status: Literal["alive"]


@router.get("/health/live")
async def live() -> Live:
    """Whether the process runs; asks nobody else."""
    return Live(status="alive")


@router.get("/health/ready", responses={503: {"model": Ready}})
async def ready(use: With, response: Response) -> Ready:
    """Whether this process can work, how quickly each dependency answers, and which breakers are open."""
    database, signals = await asyncio.gather(
        _probe("postgres", use.database_answers(), needed=True), _probe("redis", use.signals.ping(), needed=False)
    )
    dependencies = [database, signals] if use.settings.redis_url is not None else [database]
    breakers = [_seen(status) for status in use.breakers.statuses()]
    if database.status == "down":
        response.status_code = 503
        return Ready(status="unavailable", dependencies=dependencies, breakers=breakers)
    degraded = signals.status == "down" or any(breaker.state != "closed" for breaker in breakers)
    return Ready(status="degraded" if degraded else "ready", dependencies=dependencies, breakers=breakers)


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics(use: With) -> Response:
    """Prometheus' text format."""
    try:
        backlog, outbox, dead, alerts = await asyncio.gather(
            use.leases.backlog(), use.outbox.backlog(), use.dead_letters.count_open(), use.alerts.noted.state()
        )
    except DatabaseUnavailableError:
        pass  # the counters of this process are worth having all the same
    else:
        use.metrics.queue_due.set(backlog.due)
        use.metrics.queue_oldest.set(backlog.oldest_seconds)
        use.metrics.outbox_pending.set(outbox.pending)
        use.metrics.outbox_troubled.labels(state="unknown").set(outbox.unknown)
        use.metrics.outbox_troubled.labels(state="failed").set(outbox.failed)
        use.metrics.dead_letters_open.set(dead)
        use.metrics.alerts_waiting.set(alerts.waiting)
        use.metrics.alerts_oldest.set(alerts.oldest_seconds)
        use.metrics.alerts_failed.set(alerts.failed)
        use.metrics.alerts_untold.set(alerts.untold)
    return Response(generate_latest(use.metrics.registry), media_type=CONTENT_TYPE_LATEST)


def _seen(status: Status) -> BreakerState:
    since = datetime.now(UTC) - timedelta(seconds=status.seconds)
    return BreakerState(name=status.name, state=status.state, since=since, reason=status.reason)


async def _probe(name: str, asked: Awaitable[bool], *, needed: bool) -> Dependency:
    began = time.perf_counter()
    try:
        async with asyncio.timeout(_PATIENCE):
            up = await asked
    except (TimeoutError, DatabaseUnavailableError):
        up = False
    return Dependency(
        name=name,
        status="up" if up else "down",
        needed=needed,
        milliseconds=round((time.perf_counter() - began) * 1000, 1),
    )
