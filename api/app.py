"""The HTTP service."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uuid_utils.compat import uuid7

from api.pages.routes import router as pages
from api.problems import install, problem
from api.routes import health, review, web
from api.wiring import Services, open_services
from infra.settings import Settings

MAX_BODY = 256 * 1024
"""Bytes of a request's body; the longest message is 20,000 characters."""


def create_app(settings: Settings) -> FastAPI:
    """The application. Servers are connected to when it starts, not when it is made."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        async with open_services(settings, process="api") as services:
            app.state.services = services
            try:
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
    for router in (web.router, review.router, health.router, pages):
        app.include_router(router)
    app.middleware("http")(_with_request_id)
    app.add_middleware(BodyLimit, limit=MAX_BODY)
    return app


def services_of(app: FastAPI) -> Services:
    """What a started application runs on."""
    services: Services = app.state.services
    return services


async def _with_request_id(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Every log line of a request carries its id; so does the answer."""
    request_id = str(uuid7())
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request=request_id)
    response = await call_next(request)
    response.headers["X-Request-Id"] = request_id
    return response


class BodyLimit:
    """Refuses a body that is too large, by its announced length or as soon as it has come."""

    def __init__(self, app: ASGIApp, *, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, unless it is too large."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if announced.isdigit() and int(announced) > self._limit:
            await self._refuse(scope, receive, send)
            return
        taken, refused = 0, False

        async def counted() -> Message:
            nonlocal taken, refused
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self._limit:
                refused = True
                return {"type": "http.disconnect"}
            return message

        async def guarded(message: Message) -> None:
            if not refused:
                await send(message)

        try:
            await self._app(scope, counted, guarded)
        except Exception:
            if not refused:
                raise
        if refused:
            await self._refuse(scope, receive, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = problem(413, "The request is too large", hint=f"at most {self._limit // 1024} KiB")
        await response(scope, receive, send)
