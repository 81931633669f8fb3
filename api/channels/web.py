"""The web's channels: chat and form. They need no provider, so they are always there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from api.bodies import MAX_UPLOAD
from api.channels.channel import Channel, Inlet
from api.routes import form, form_api, web
from api.wiring import Services
from channels.protocol import OutboundChannel
from channels.web import CHAT, FORM
from channels.web.outbound import WebOutbound


@asynccontextmanager
async def _outbound(_services: Services) -> AsyncIterator[Sequence[OutboundChannel]]:
    yield WebOutbound(CHAT), WebOutbound(FORM)


WEB = Channel(
    outbound=_outbound,
    inlets=(
        Inlet(web.router, MAX_UPLOAD),
        Inlet(form.router, MAX_UPLOAD, form.too_large),
        Inlet(form_api.router, MAX_UPLOAD),
    ),
)
