"""The web's channels: chat and form. They need no provider, so they are always there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from api.bodies import MAX_UPLOAD
from api.channels.channel import Channel, Inlet
from api.routes import feedback_pages, form, form_api, web
from api.scheduler import Done, Job
from api.wiring import Services
from channels.protocol import OutboundChannel
from channels.web import CHAT, FORM
from channels.web.outbound import WebOutbound
from infra.postgres.schedule import Beat, Reign


@asynccontextmanager
async def _outbound(_services: Services) -> AsyncIterator[Sequence[OutboundChannel]]:
    yield WebOutbound(CHAT), WebOutbound(FORM)


def _jobs(services: Services) -> Sequence[Job]:
    async def forget(_reign: Reign) -> Done:
        return Done({"forgotten": await services.form_arrivals.forget()})

    return (Job("form_arrivals", Beat(timedelta(hours=1)), forget),)


WEB = Channel(
    outbound=_outbound,
    inlets=(
        Inlet(web.router, MAX_UPLOAD),
        Inlet(form.router, MAX_UPLOAD, form.too_large),
        Inlet(form_api.router, MAX_UPLOAD),
        Inlet(feedback_pages.router),
    ),
    jobs=_jobs,
)
