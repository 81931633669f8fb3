"""Signing in and out: by a name and a password, or through the company's OpenID provider.

Whoever opens the sign-in page gets a random cookie that its form is bound to; signing in puts a session's token in its
place, so nothing that was known of a browser before is of any use afterwards.
"""

from __future__ import annotations

from typing import Annotated
from uuid import uuid4

import structlog
from fastapi import APIRouter, Form, Query, Request, Response

from api.pages.console.render import Frame, page
from api.problems import ForbiddenError, UnauthorizedError
from api.routes.pages import OpenPageRoute, PageRoute, local, see, sentences
from api.routes.staff import Given, SignedIn, cookie_of, network, refuse_foreign, signed_in
from api.routes.visitor import With
from api.staff_door import FLOW_SECONDS, OIDC_BACK, flow_cookie, session_cookie, unsigned
from api.wiring import Services
from infra.postgres.staff import Account, SignInRefusedError
from infra.staff.oidc import Flow, ProviderRefusedError
from skills.errors import NotFoundError, SupportError, TooManyError, UnavailableError

router = APIRouter(include_in_schema=False, route_class=OpenPageRoute)
staff_router = APIRouter(include_in_schema=False, route_class=PageRoute)

_log = structlog.get_logger(__name__)

Next = Annotated[str, Query(alias="next")]
_STATUS: tuple[tuple[type[SupportError], int], ...] = (
    (SignInRefusedError, 401),
    (TooManyError, 429),
    (ForbiddenError, 403),
    (ProviderRefusedError, 401),
    (UnavailableError, 503),
)


@router.get("/sign-in")
async def sign_in_page(request: Request, use: With, given: Given, then: Next = "", out: str = "") -> Response:
    """Where one signs in; whoever has, is led on."""
    try:
        actor = await signed_in(request, given, use)
    except UnauthorizedError:
        return _page(request, use, then=local(then), notice="You are signed out." if out else "")
    return see(local(then) or _home(Frame(actor.name, actor.role)))


@router.post("/sign-in")
async def sign_in(
    request: Request,
    use: With,
    name: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    then: Annotated[str, Form(alias="next")] = "",
) -> Response:
    """Begin a session, if name and password are somebody's."""
    then = local(then)
    try:
        await refuse_foreign(request, use, use.staff.form_token(cookie_of(request, use) or uuid4().hex))
        _refuse_passwords(use)
        account = await use.staff.accounts.sign_in(name, password, address=network(request))
    except (SignInRefusedError, TooManyError, ForbiddenError) as error:
        return _page(request, use, then=then, error=error, name=name[:100])
    return await _begin(request, use, account, then)


@router.get("/sign-in/provider")
async def leave_for_provider(request: Request, use: With, then: Next = "") -> Response:
    """Send the browser to the company's provider."""
    if use.staff.provider is None:
        raise NotFoundError("there is no provider to sign in with", hint="CSAGENT_STAFF__OIDC__ISSUER names one")
    try:
        address, flow = await use.staff.provider.begin()
    except UnavailableError as error:
        return _page(request, use, then=local(then), error=error)
    response = see(address)
    kept = use.staff.kept_flow(flow, local(then))
    flow_cookie(secure=_secure(request, use)).put(response, kept, seconds=FLOW_SECONDS)
    return response


@router.get(OIDC_BACK)
async def come_from_provider(
    request: Request,
    use: With,
    state: Annotated[str, Query(max_length=500)] = "",
    code: Annotated[str, Query(max_length=4000)] = "",
    error: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Begin a session for whom the provider vouches for."""
    cookie = flow_cookie(secure=_secure(request, use))
    kept = use.staff.flow_of(request.cookies.get(cookie.name, ""))
    if use.staff.provider is None:
        raise NotFoundError("there is no provider to sign in with")
    try:
        flow, then = _begun(kept, denied=bool(error) or not code)
        who = await use.staff.provider.finish(flow, state=state, code=code)
        account = await use.staff.accounts.sign_in_by_provider(who.issuer, who.subject, name=who.name, role=who.role)
    except (ProviderRefusedError, SignInRefusedError, UnavailableError) as refusal:
        _log.warning("staff.provider_refused", reason=getattr(refusal, "reason", type(refusal).__name__))
        response = _page(request, use, then="" if kept is None else kept[1], error=refusal)
    else:
        response = await _begin(request, use, account, then)
    cookie.clear(response)
    return response


@staff_router.post("/sign-out")
async def sign_out(request: Request, use: With, actor: SignedIn) -> Response:
    """End this session."""
    if actor.session is not None:
        await use.staff.sessions.end(actor.session, actor.session.id)
    response = see("/sign-in?out=1")
    session_cookie(secure=_secure(request, use)).clear(response)
    return response


def _refuse_passwords(use: Services) -> None:
    if not use.staff.passwords:
        raise ForbiddenError("nobody signs in with a password here", hint="use the company's provider")


def _begun(kept: tuple[Flow, str] | None, *, denied: bool) -> tuple[Flow, str]:
    """The flow that this browser was sent away with, if it brings back what it should."""
    if kept is None:
        raise ProviderRefusedError("flow", hint="it took too long, or began in another browser; sign in again")
    if denied:
        raise ProviderRefusedError("denied", hint="the provider did not sign you in")
    return kept


async def _begin(request: Request, use: Services, account: Account, then: str) -> Response:
    token = await use.staff.sessions.begin(
        account.id,
        request.headers.get("user-agent", ""),
        proven=account.password_hash,
        former=cookie_of(request, use) or "",
    )
    if token is None:
        return _page(request, use, then=then, error=SignInRefusedError(hint="the account was changed meanwhile"))
    response = see(then or _home(Frame(account.name, account.role)))
    hand_out(request, use, response, token)
    return response


def hand_out(request: Request, use: Services, response: Response, token: str) -> None:
    """Have the browser keep a session's token."""
    cookie = session_cookie(secure=_secure(request, use))
    cookie.put(response, token, seconds=int(use.staff.sessions.life.total_seconds()))


def _page(
    request: Request,
    use: Services,
    *,
    then: str,
    notice: str = "",
    error: SupportError | None = None,
    name: str = "",
) -> Response:
    kept = cookie_of(request, use)
    value = kept or unsigned()
    status = 200 if error is None else next((code for kind, code in _STATUS if isinstance(error, kind)), 400)
    wrong, hint = ("", "") if error is None else sentences(error)
    response = page(
        "sign_in",
        Frame(form_token=use.staff.form_token(value)),
        status=status,
        then=then,
        notice=notice,
        error=wrong,
        hint=hint,
        name=name,
        provider=use.staff.provider_label if use.staff.provider is not None else "",
        passwords=use.staff.passwords,
    )
    if kept is None:
        session_cookie(secure=_secure(request, use)).put(response, value)
    return response


def _home(frame: Frame) -> str:
    return frame.pages[0][0] if frame.pages else "/account"


def _secure(request: Request, use: Services) -> bool:
    return use.staff.secure(request.url.scheme)
