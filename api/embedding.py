"""What other sites' scripts may read of our answers (CORS): the chat's, and those that Agent Inbox asks for.

The chat's only on the sites that embed it, Agent Inbox's only where the operator has one opened. Cookies are never
asked for and never allowed; a request is known by the token or the key that it carries.
"""

from __future__ import annotations

from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import problem
from channels.web.origins import Origins

PATHS = ("/v1/web/", "/v1/files/")
"""Where the chat's requests go."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a kind of page on another site asks for."""

    paths: tuple[str, ...]
    """Beginnings of the paths that it may ask; of no other is anything said."""
    headers: str
    """Which it sends."""
    exposed: str
    """Which of the answer's it may read."""
    refusal: str
    """What a site is told that may not."""
    setting: str
    """Which setting would let it."""


CHAT = Terms(
    PATHS,
    "Authorization, Content-Type, Idempotency-Key, Last-Event-ID",
    "Date, Retry-After, X-Request-Id",
    "This site may not embed the chat",
    "CSAGENT_CHAT__ORIGINS",
)
AGENT_INBOX = Terms(
    ("/langgraph/",),
    "Authorization, Content-Type, X-Api-Key",
    "Content-Location, Retry-After, X-Request-Id",
    "No Agent Inbox on this site may read from here",
    "CSAGENT_STAFF__INBOX_ORIGINS",
)


_PREFLIGHT = {"Access-Control-Allow-Methods": "GET, POST", "Access-Control-Max-Age": "7200"}
"""Two hours are as long as any browser remembers."""


class Embedding:
    """Answers preflights, and says on every answer who may read it.

    Args:
        app: who answers.
        origins: which sites may.
        terms: what.
    """

    def __init__(self, app: ASGIApp, *, origins: Origins, terms: Terms = CHAT) -> None:
        self._app = app
        self._origins = origins
        self._terms = terms

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer a preflight."""
        if scope["type"] != "http" or not scope["path"].startswith(self._terms.paths):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        where = self._origins.of(origin, headers.get("host"))
        readable = where is not None and self._origins.allows(where)
        added = [(b"vary", b"Origin")]
        if readable and origin is not None:
            added.append((b"access-control-allow-origin", origin.encode("latin-1")))
            added.append((b"access-control-expose-headers", self._terms.exposed.encode()))

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *added]
            await send(message)

        if scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            answer = (
                Response(status_code=204, headers={**_PREFLIGHT, "Access-Control-Allow-Headers": self._terms.headers})
                if readable
                else problem(403, self._terms.refusal, hint=f"{self._terms.setting} lists those that may")
            )
            await answer(scope, receive, marked)
        else:
            await self._app(scope, receive, marked)
