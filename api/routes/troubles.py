"""What needs a person though nobody asked for one: sends that failed or may have, and messages that were given up.

The same as ``csagent deliveries``; whoever is signed in is who acts.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from api.problems import responses
from api.routes.staff import Settler, StaffRoute, WorkLister
from api.routes.visitor import With
from infra.postgres.outbox import Finding

router = APIRouter(prefix="/v1/review", tags=["review"], route_class=StaffRoute)

_PROBLEMS = responses(400, 401, 403, 404, 409, 413, 422, 503)


class Troubles(BaseModel):
    """Texts that did not arrive or may not have, and messages that were given up."""

    outbox: list[dict[str, Any]]
    dead_letters: list[dict[str, Any]]


class Settlement(BaseModel):
    """What became of a text: looked up at the provider, or decided."""

    model_config = ConfigDict(extra="forbid")

    finding: Finding


@router.get("/troubles", responses=_PROBLEMS)
async def list_troubles(use: With, staff: WorkLister) -> Troubles:  # noqa: ARG001 - signed in is enough
    """Unknown and failed sends that nobody has settled, and dead letters."""
    return Troubles(
        outbox=[asdict(trouble) for trouble in await use.outbox.troubled()],
        dead_letters=[asdict(letter) for letter in await use.dead_letters.open()],
    )


@router.post("/deliveries/{outbox_id}", status_code=204, responses=_PROBLEMS)
async def settle_delivery(outbox_id: UUID, found: Settlement, use: With, staff: Settler) -> None:
    """Say what became of an unknown or failed send: ``arrived``, ``send_again`` or ``given_up``. The first one counts.

    What waited behind it in its conversation then goes on.
    """
    await use.outbox.settle_by_hand(outbox_id, found.finding, staff)
    await use.signals.outbox_waits()
