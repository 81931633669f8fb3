"""Runs the pages and the stand-in API on a free port of this machine, and cuts connections on demand."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace, TracebackType
from typing import Self

import uvicorn
from fastapi import FastAPI, Response

from api.embedding import Embedding
from api.pages.routes import router as pages
from api.problems import install
from api.routes import console
from api.routes.staff import signed_in
from api.routes.visitor import services
from channels.web.origins import Origins
from infra.settings import Settings
from tests.browser.chat_api import ChatApi
from tests.browser.review_api import ReviewApi

SITE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Thimblewick</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<script src="{chat}/chat.js" defer{options}></script></head>
<body><main><h1>Planters</h1><p>Made to last.</p><p><a href="{next}">Another page</a></p></main></body></html>"""
"""A page of a shop that embeds the chat."""

SITE_POLICY = (
    "default-src 'none'; script-src {chat}; connect-src {chat}; style-src 'none'; form-action 'none'; base-uri 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
"""As strict as a site can be that embeds anything."""


class PageServer:
    """A context manager that listens while it is open. ``chat`` and ``review`` are what a test plays with."""

    def __init__(self) -> None:
        self.chat = ChatApi(cut=self._cut)
        self.review = ReviewApi(cut=self._cut)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._started = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        app = FastAPI(lifespan=self._lifespan, openapi_url=None)
        install(app)
        app.dependency_overrides[signed_in] = self.review.signed_in
        app.dependency_overrides[services] = lambda: SimpleNamespace(settings=Settings(_env_file=None))
        app.add_api_route("/sign-in", self._door)
        for router in (console.router, pages, self.chat.router, self.review.router):
            app.include_router(router)
        app.add_api_route("/shop/{page}", self._shop)
        app.add_middleware(Embedding, origins=Origins([self.site]))
        self._server = uvicorn.Server(
            uvicorn.Config(app, log_config=None, access_log=False, ws="none", timeout_graceful_shutdown=1)
        )
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]})

    @property
    def url(self) -> str:
        """Where the pages are."""
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    @property
    def site(self) -> str:
        """Another site, as a browser sees it."""
        return f"http://localhost:{self._socket.getsockname()[1]}"

    async def _door(self) -> Response:
        return Response(
            '<!doctype html><html lang="en"><title>Sign in</title><main><h1>Sign in</h1></main>', media_type="text/html"
        )

    async def _shop(self, page: int, options: str = "") -> Response:
        html = SITE.format(chat=self.url, next=f"/shop/{page + 1}", options=options and f" {options}")
        policy = SITE_POLICY.format(chat=self.url)
        return Response(html, media_type="text/html", headers={"Content-Security-Policy": policy})

    def cut(self) -> None:
        """Reset every connection, as a network that goes away does."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._cut)

    def _cut(self) -> None:
        for connection in list(self._server.server_state.connections):
            transport = getattr(connection, "transport", None)
            if transport is not None:
                transport.abort()

    @asynccontextmanager
    async def _lifespan(self, _app: FastAPI) -> AsyncIterator[None]:
        self._loop = asyncio.get_running_loop()
        self.chat.loop = self._loop
        self._started.set()
        yield

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._started.wait(10), "the stand-in server did not start"
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.chat.close()
        self._server.should_exit = True
        self._thread.join(10)
        self._socket.close()
