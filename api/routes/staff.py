"""Who of the staff asks, and whether they may: every route of theirs names a permission, and can't forget to.

Two ways lead in: a staff key as the bearer (programs), and a session's cookie (the pages). A cookie goes out with
requests that other sites make too, so whatever changes something has to show that it comes from a page of ours.

A router of the staff's is made with ``route_class=StaffRoute``. Its routes are refused when they are made without a
permission, and an answer with a customer's data (``customers.read``) is withheld unless a row was written that says
who saw it.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Header, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from api.problems import ForbiddenError, UnauthorizedError
from api.routes.visitor import With
from api.staff_door import network_of, session_cookie
from api.wiring import Services
from infra.postgres.staff_sessions import Session
from infra.postgres.views import watched
from infra.staff.roles import Permission, Role, may

BACKGROUND = "x-background"
"""Sent with what a page asks by itself, so that an open page keeps nobody signed in."""
FORM_TOKEN = "x-form-token"  # noqa: S105 - a header's name
_FORM = "application/x-www-form-urlencoded"
_FIELDS = 20
_READING = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks. ``session`` is ``None`` where a staff key was shown; ``form_token`` binds forms to the session."""

    name: str
    role: Role
    session: Session | None = None
    form_token: str = ""


class MustChangePasswordError(ForbiddenError):
    """Whoever asks has a password that somebody else made."""


async def key_of(authorization: Annotated[str | None, Header()] = None) -> str | None:
    """The staff key in the Authorization header. Another scheme there is a proxy's, not ours to judge."""
    scheme, _, key = (authorization or "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else None


Given = Annotated[str | None, Depends(key_of)]


async def signed_in(request: Request, given: Given, use: With) -> Actor:
    """Who of the staff asks.

    Raises:
        UnauthorizedError: nobody does, or nobody any more.
        ForbiddenError: it is a browser of theirs, but not a page of ours.
    """
    if given is not None:
        holder = use.staff.key_holder(given)
        if holder is None:
            raise UnauthorizedError("this needs a staff key", hint="`csagent up` prints it; CSAGENT_STAFF_KEYS has it")
        return Actor(*holder)
    cookie = cookie_of(request, use)
    session = None if cookie is None else await use.staff.sessions.find(cookie, touch=BACKGROUND not in request.headers)
    if cookie is None or session is None:
        raise UnauthorizedError(
            "sign in first", hint="at /sign-in; programs send a staff key as Authorization: Bearer …"
        )
    token = use.staff.form_token(cookie)
    if request.method not in _READING:
        await refuse_foreign(request, use, token)
    return Actor(session.name, session.role, session, token)


def cookie_of(request: Request, use: Services) -> str | None:
    """What this browser's session cookie holds."""
    return request.cookies.get(session_cookie(secure=use.staff.secure(request.url.scheme)).name)


def network(request: Request) -> str:
    """Where a request comes from, as tries to sign in are counted."""
    return "" if request.client is None else network_of(request.client.host)


async def refuse_foreign(request: Request, use: Services, token: str) -> None:
    """Raise ForbiddenError for a request that another site's page made, or that does not say where it was made.

    Every browser of today says it in ``Sec-Fetch-Site`` or ``Origin``. Where neither is, the request has to bring the
    token that belongs to its cookie: a form of ours in its field ``token``, everything else as a header.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None:
        ours = site == "same-origin"
    elif origin is not None:
        ours = use.origins.of(origin, request.headers.get("host")) is None
    else:
        brought: object = request.headers.get(FORM_TOKEN)
        if brought is None and request.headers.get("content-type", "").startswith(_FORM):
            brought = (await request.form(max_files=0, max_fields=_FIELDS)).get("token")
        ours = isinstance(brought, str) and _same(brought, token)
    if not ours:
        raise ForbiddenError("another site's page asked for this", hint="do it on a page of this service")


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode())


@dataclass(frozen=True, slots=True)
class Needs:
    """A dependency: the name of whoever asks, who has this permission."""

    permission: Permission

    async def __call__(self, actor: Annotated[Actor, Depends(signed_in)]) -> str:
        """The name.

        Raises:
            ForbiddenError: their role has no such permission, or they have to choose a password first.
        """
        if actor.session is not None and actor.session.must_change:
            raise MustChangePasswordError("choose a password of your own first", hint="on the page /account")
        if not may(actor.role, self.permission):
            raise ForbiddenError(f"the role {actor.role} may not do this ({self.permission})", hint="ask an admin")
        return actor.name


SignedIn = Annotated[Actor, Depends(signed_in)]
"""Anybody of the staff, for what is their own."""
WorkLister = Annotated[str, Depends(Needs("work.list"))]
CustomerReader = Annotated[str, Depends(Needs("customers.read"))]
Reviewer = Annotated[str, Depends(Needs("review"))]
Settler = Annotated[str, Depends(Needs("work.settle"))]
KnowledgeReader = Annotated[str, Depends(Needs("knowledge.read"))]
KnowledgeWriter = Annotated[str, Depends(Needs("knowledge.write"))]
AnalyticsReader = Annotated[str, Depends(Needs("analytics.read"))]
StaffManager = Annotated[str, Depends(Needs("staff.manage"))]


def permissions_of(dependant: Dependant) -> frozenset[Permission | None]:
    """What a route asks for; ``None`` among it is somebody who is signed in. Empty: it is anybody's."""
    found: set[Permission | None] = set()
    for inner in dependant.dependencies:
        if isinstance(inner.call, Needs):
            found.add(inner.call.permission)
        elif inner.call is signed_in:
            found.add(None)
        else:
            found |= permissions_of(inner)
    return frozenset(found)


class UnwatchedViewError(RuntimeError):
    """A route was about to show a customer's data without writing down to whom."""


class StaffRoute(APIRoute):
    """A route of the staff's. Its answers are kept by no browser and nothing between.

    Raises:
        TypeError: it does not say who may use it.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with the looks at customers' data counted."""
        asked = permissions_of(self.dependant)
        if not asked:
            raise TypeError(f"{self.path}: a route of the staff's says who may use it (api.routes.staff)")
        handle = super().get_route_handler()
        shows_customers = "customers.read" in asked

        async def counted(request: Request) -> Response:
            with watched() as views:
                response = await handle(request)
            if shows_customers and response.status_code < 300 and not views:  # noqa: PLR2004 - it shows something
                raise UnwatchedViewError(f"{self.path} showed a customer's data to nobody knows whom")
            response.headers["Cache-Control"] = "no-store"
            return response

        return counted
