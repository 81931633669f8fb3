"""Runs the pages and the stand-in API on a free port of this machine, and cuts connections on demand."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self

import uvicorn
from fastapi import FastAPI

from api.pages.routes import router as pages
from api.problems import install
from tests.browser.chat_api import ChatApi
from tests.browser.review_api import ReviewApi


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
        for router in (pages, self.chat.router, self.review.router):
            app.include_router(router)
        self._server = uvicorn.Server(
            uvicorn.Config(app, log_config=None, access_log=False, ws="none", timeout_graceful_shutdown=1)
        )
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]})

    @property
    def url(self) -> str:
        """Where the pages are."""
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

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
