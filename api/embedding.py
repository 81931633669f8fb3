"""What other sites' scripts may read of our answers (CORS): those of the chat, and only on the sites that embed it.

Cookies are never asked for and never allowed; a request is known by the token that it carries.
"""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import problem
from channels.web.origins import Origins

PATHS = ("/v1/web/", "/v1/files/")
"""Where the chat's requests go."""

_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key, Last-Event-ID",
    "Access-Control-Max-Age": "7200",
}
"""Two hours are as long as any browser remembers."""
_EXPOSED = "Date, Retry-After, X-Request-Id"


class Embedding:
    """Answers preflights, and says on every answer who may read it.

    Args:
        app: who answers.
        origins: where the chat may be embedded.
    """

    def __init__(self, app: ASGIApp, *, origins: Origins) -> None:
        self._app = app
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer a preflight."""
        if scope["type"] != "http" or not scope["path"].startswith(PATHS):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        where = self._origins.of(origin, headers.get("host"))
        readable = where is not None and self._origins.allows(where)
        added = [(b"vary", b"Origin")]
        if readable and origin is not None:
            added.append((b"access-control-allow-origin", origin.encode("latin-1")))
            added.append((b"access-control-expose-headers", _EXPOSED.encode()))

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *added]
            await send(message)

        if scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            answer = (
                Response(status_code=204, headers=_PREFLIGHT)
                if readable
                else problem(403, "This site may not embed the chat", hint="CSAGENT_CHAT__ORIGINS lists those that may")
            )
            await answer(scope, receive, marked)
        else:
            await self._app(scope, receive, marked)
