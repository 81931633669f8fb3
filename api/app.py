"""The HTTP service."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache
from importlib.metadata import version
from typing import Any

import structlog
from fastapi import APIRouter, FastAPI, Request
from starlette.datastructures import Headers
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uuid_utils.compat import uuid7

from api.bodies import MAX_UPLOAD
from api.channels import CHANNELS, code_channels
from api.channels.channel import Channel, Inlet
from api.embedding import AGENT_INBOX, Embedding
from api.heartbeat import beating
from api.pages.routes import router as pages
from api.problems import count_shed, install
from api.routes import (
    agent_inbox,
    alerts,
    analytics,
    analytics_page,
    answers,
    console,
    conversation_pages,
    conversations,
    customers,
    dead_letters,
    feedback,
    files,
    gaps,
    health,
    identity,
    knowledge,
    review,
    review_desk,
    sign_in,
    staff_pages,
    status,
    status_api,
    status_pages,
    status_subscriptions,
    troubles,
)
from api.terms import build_inbox_origins, build_origins
from api.wiring import Services, open_services
from infra.settings import Settings

_OURS = (
    identity.router,
    review.router,
    review_desk.router,
    files.router,
    files.staff_router,
    customers.router,
    conversations.router,
    conversations.customer_router,
    conversation_pages.router,
    gaps.router,
    knowledge.router,
    analytics.router,
    analytics_page.router,
    dead_letters.router,
    alerts.router,
    alerts.pages,
    troubles.router,
    health.router,
    feedback.router,
    sign_in.router,
    sign_in.staff_router,
    console.router,
    staff_pages.router,
    agent_inbox.open_router,
    agent_inbox.router,
    status.router,
    status_api.router,
    status_pages.router,
    status_subscriptions.router,
    pages,
)


@lru_cache(maxsize=4)
def _ways_in(channels: tuple[Channel, ...]) -> tuple[list[Inlet], list[BaseRoute]]:
    """All that can be asked, for every application of this process: FastAPI takes most of a second to read it."""
    inlets = [
        *(inlet for channel in channels for inlet in channel.inlets),
        Inlet(answers.router, MAX_UPLOAD),
        *map(Inlet, _OURS),
    ]
    router = APIRouter()
    for inlet in inlets:
        router.include_router(inlet.router, max_body_size=inlet.max_body)
    return inlets, router.routes


def create_app(settings: Settings, channels: Sequence[Channel] = CHANNELS) -> FastAPI:
    """The application. Servers are connected to when it starts, not when it is made."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        async with open_services(settings, process="api") as services:
            app.state.services = services
            app.state.code_channels = code_channels(services, channels)
            try:
                async with beating(services, "api"):
                    yield {}
            finally:
                services.stopping.set()

    app = FastAPI(
        title="csagent",
        version=version("csagent"),
        summary="Customer support that loses nothing, sends nothing twice, and asks a person when it should.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
    )
    install(app)
    count_shed(app, lambda app, reason: services_of(app).metrics.request_shed(reason))
    inlets, routes = _ways_in(tuple(channels))
    app.router.routes.extend(routes)
    app.add_middleware(Embedding, origins=build_origins(settings))
    app.add_middleware(Embedding, origins=build_inbox_origins(settings), terms=AGENT_INBOX)
    app.add_middleware(Door, larger={path: inlet for inlet in inlets for path in inlet.larger_paths})
    return app


def services_of(app: FastAPI) -> Services:
    """What a started application runs on."""
    services: Services = app.state.services
    return services


_USUAL = Inlet(APIRouter())
"""Where nothing else is said."""


class Door:
    """Gives every request an id, for its log lines and its answer, and turns away a body that is announced too large.

    FastAPI's own limit cuts off a body that grows too large unannounced; an announced one it answers in plain text.

    Args:
        app: who answers.
        larger: beginnings of paths that take larger bodies, each with its inlet.
    """

    def __init__(self, app: ASGIApp, *, larger: Mapping[str, Inlet]) -> None:
        self._app = app
        self._larger = larger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on under its id, or turn it away."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = str(uuid7())
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request=request_id)

        async def tagged(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        announced = Headers(scope=scope).get("content-length", "0")
        inlets = [inlet for path, inlet in self._larger.items() if scope["path"].startswith(path)]
        inlet = max(inlets, key=lambda one: one.max_body, default=_USUAL)
        if announced.isdigit() and int(announced) > inlet.max_body:
            refusal = inlet.too_large(Request(scope), inlet.max_body)
            await refusal(scope, receive, tagged)
        else:
            await self._app(scope, receive, tagged)
