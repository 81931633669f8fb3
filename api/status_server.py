"""The status page as a process of its own, which stays up when the rest is down.

It needs neither PostgreSQL nor Redis: it serves the last snapshot that it could get hold of, from the API over HTTP or
from the file that the scheduler writes, and keeps a copy in a file for its own next start. It asks the API's health
endpoint itself, so it knows by its own eyes whether the service answers; what it can't see it says that it can't see.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated

import httpx
import structlog
from fastapi import FastAPI, Header, Request, Response

from api.pages.files import page_files
from api.pages.routes import SECURITY_HEADERS
from api.pages.status.render import ASSETS, document, history, html, json, page
from api.problems import install
from infra.status.feed import feed
from infra.status.snapshot import (
    LARGEST,
    OLD,
    Reach,
    Seen,
    Snapshot,
    as_reached,
    newer,
    parsed,
    read,
    utc_now,
    write,
    written,
)
from infra.tasks import end
from skills.errors import ConfigurationError, NotFoundError

LOOK_SECONDS = 10.0
"""Between two looks at the service."""
_PATIENCE = 3.0
_TWICE = 2
"""Looks in a row that have to fail before the service counts as away: one may be lost on the way."""

_log = structlog.get_logger(__name__)


class Lookout:
    """Sees how the service is, from outside.

    Args:
        origin: the API's address; ``None`` where it can't be reached from here, and only the file tells.
        file: where the newest snapshot is kept, and where one that the scheduler wrote may be found.
        company: whose page it is while nothing is known.
        clock: the time, in UTC.
    """

    def __init__(
        self,
        origin: str | None,
        file: Path,
        *,
        company: str = "Customer support",
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._origin = origin
        self._file = file
        self._company = company
        self._clock = clock
        self._snapshot: Snapshot | None = None
        self._failures = 0
        """Looks in a row that failed, whatever the reason was each time."""
        self._last: Reach = "fresh"

    async def run(self) -> None:
        """Look, again and again."""
        async with httpx.AsyncClient(timeout=_PATIENCE) as client:
            while True:
                await self.look(client)
                await asyncio.sleep(LOOK_SECONDS)

    async def look(self, client: httpx.AsyncClient) -> None:
        """One look at the file and at the service."""
        known = newer(self._snapshot, await asyncio.to_thread(read, self._file))
        if self._origin is not None:
            told = await self._ask(client, self._origin)
            best = newer(known, told)
            if best is not None and best is told and best is not known:
                await self._keep(best)
            known = best
        self._snapshot = known

    def seen(self) -> Seen:
        """What a reader gets now."""
        now = self._clock()
        snapshot = self._snapshot or Snapshot(company=self._company, made_at=now)
        reach: Reach = "fresh"
        if self._failures >= _TWICE:
            reach = self._last
        elif now - snapshot.made_at > OLD:
            reach = "old"
        return Seen(as_reached(snapshot, reach), reach, now)

    async def _ask(self, client: httpx.AsyncClient, origin: str) -> Snapshot | None:
        """The health, and the snapshot that the API has. An API whose database is away still has its last one."""
        try:
            async with asyncio.timeout(2 * _PATIENCE):
                ready = (await client.get(f"{origin}/health/ready")).is_success
                answer = await client.get(f"{origin}/status.json")
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            _log.warning("status.unreachable", error=type(error).__name__)
            self._note("unreachable")
            return None
        self._note("fresh" if ready else "not_ready")
        if not ready or not answer.is_success or len(answer.content) > LARGEST:
            return None  # while it is not ready its states are its own guess; ours is made here
        return parsed(answer.content)

    def _note(self, seen: Reach) -> None:
        self._failures = 0 if seen == "fresh" else self._failures + 1
        self._last = seen

    async def _keep(self, snapshot: Snapshot) -> None:
        try:
            await asyncio.to_thread(write, self._file, written(snapshot))
        except ConfigurationError as error:  # it is served from memory all the same
            _log.warning("status.not_kept", error=str(error))


IfNoneMatch = Annotated[str | None, Header()]


def create_status_app(lookout: Lookout) -> FastAPI:
    """The page at ``/`` and ``/status``, its JSON, its feed, its style sheets, and whether this process lives."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        looking = asyncio.create_task(lookout.run())
        try:
            yield
        finally:
            await end([looking])

    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    install(app)

    @app.api_route("/", methods=["GET", "HEAD"])
    @app.api_route("/status", methods=["GET", "HEAD"])
    async def status_page(if_none_match: IfNoneMatch = None) -> Response:
        return page(lookout.seen(), if_none_match)

    @app.get("/status.json")
    async def status_json(if_none_match: IfNoneMatch = None) -> Response:
        return document(lookout.seen(), if_none_match)

    @app.get("/status/history.atom")
    async def status_feed(request: Request, if_none_match: IfNoneMatch = None) -> Response:
        return history(lookout.seen(), f"{str(request.base_url).rstrip('/')}/status", if_none_match)

    @app.get("/health/live")
    async def live() -> dict[str, str]:
        return {"status": "alive"}

    @app.get("/assets/{path:path}")
    async def asset(path: str) -> Response:
        name = f"assets/{path}"
        if name not in ASSETS:
            raise NotFoundError("there is no such file")
        file = page_files()[name]
        headers = {**SECURITY_HEADERS, "ETag": file.etag, "Cache-Control": "public, max-age=300"}
        return Response(file.body, media_type=file.media_type, headers=headers)

    return app


def export(seen: Seen, folder: Path, address: str) -> list[Path]:
    """Write the page as files for any web host; each is put there whole.

    Args:
        seen: what they say.
        folder: where to.
        address: where the page will be, for the feed.

    Raises:
        ConfigurationError: they can't be written.
    """
    files = {name: page_files()[name].body.decode() for name in ASSETS}
    files["status.json"] = json(seen)
    files["status/history.atom"] = feed(seen.snapshot, address).decode()
    files["index.html"] = html(seen)  # last: what it links to is there
    for name, text in files.items():
        write(folder / name, text)
    return [folder / name for name in files]
