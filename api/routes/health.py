"""Health and metrics, for whoever runs the service."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from typing import Literal

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel

from api.routes.web import With
from skills.errors import DatabaseUnavailableError

router = APIRouter(tags=["health"])

_PATIENCE = 2.0


class Dependency(BaseModel):
    """Something that the service leans on. ``needed``: without it the service is not ready."""

    name: str
    status: Literal["up", "down"]
    needed: bool
    milliseconds: float


class Ready(BaseModel):
    """Whether this process can take messages now."""

    status: Literal["ready", "degraded", "unavailable"]
    dependencies: list[Dependency]


class Live(BaseModel):
    """This process runs."""

    status: Literal["alive"]


@router.get("/health/live")
async def live() -> Live:
    """Whether the process runs; asks nobody else."""
    return Live(status="alive")


@router.get("/health/ready", responses={503: {"model": Ready}})
async def ready(use: With, response: Response) -> Ready:
    """Whether messages can be taken, and how quickly each dependency answers."""
    database, signals = await asyncio.gather(
        _probe("postgres", use.database_answers(), needed=True), _probe("redis", use.signals.ping(), needed=False)
    )
    dependencies = [database, signals] if use.settings.redis_url is not None else [database]
    if database.status == "down":
        response.status_code = 503
        return Ready(status="unavailable", dependencies=dependencies)
    degraded = any(dependency.status == "down" for dependency in dependencies)
    return Ready(status="degraded" if degraded else "ready", dependencies=dependencies)


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics(use: With) -> Response:
    """Prometheus' text format."""
    try:
        backlog, outbox = await asyncio.gather(use.leases.backlog(), use.outbox.backlog())
    except DatabaseUnavailableError:
        pass  # the counters of this process are worth having all the same
    else:
        use.metrics.queue_due.set(backlog.due)
        use.metrics.queue_oldest.set(backlog.oldest_seconds)
        use.metrics.outbox_pending.set(outbox.pending)
        use.metrics.outbox_troubled.labels(state="unknown").set(outbox.unknown)
        use.metrics.outbox_troubled.labels(state="failed").set(outbox.failed)
    return Response(generate_latest(use.metrics.registry), media_type=CONTENT_TYPE_LATEST)


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
