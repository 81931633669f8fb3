"""The console's pages that scripts fill, and one's own account."""

from __future__ import annotations

import re
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response

from api.pages.console.render import Frame, page
from api.routes.pages import Framed, PageRoute, see, sentences
from api.routes.sign_in import hand_out
from api.routes.staff import Actor, KnowledgeReader, SignedIn, WorkLister, network
from api.routes.visitor import With
from api.wiring import Services
from infra.postgres.staff import SignInRefusedError
from infra.staff.passwords import SHORTEST
from skills.errors import BadRequestError, ConflictError, SupportError, TooManyError

router = APIRouter(include_in_schema=False, route_class=PageRoute)

Password = Annotated[str, Form()]

_DONE = {
    "password": "The password is changed.",
    "session": "That session is over.",
    "address": "Alerts go there from now on.",
    "no-address": "You get no alerts by mail any more.",
}
_STATUS = ((TooManyError, 429), (ConflictError, 409))
_BROWSERS = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone|iPad", "iOS"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


@router.api_route("/review", methods=["GET", "HEAD"])
async def review_page(use: With, frame: Framed, staff: WorkLister) -> Response:  # noqa: ARG001 - the name is the frame's
    """The reviewer's desk. The page itself shows nothing of a customer's; its requests do."""
    return page("review", frame, reopen_days=use.settings.life.reopen_days)


@router.api_route("/knowledge", methods=["GET", "HEAD"])
async def knowledge_page(frame: Framed, staff: KnowledgeReader) -> Response:  # noqa: ARG001 - as above
    """The search over the articles."""
    return page("knowledge", frame)


@router.get("/account")
async def account_page(use: With, frame: Framed, actor: SignedIn, done: str = "") -> Response:
    """Who one is here, one's password and one's sessions."""
    notice = _DONE.get(done, "")
    return await _account(use, frame, actor, notice=notice)


@router.post("/account/password")
async def change_password(
    request: Request, use: With, frame: Framed, actor: SignedIn, old: Password = "", new: Password = ""
) -> Response:
    """Choose another password."""
    if actor.session is None:
        raise BadRequestError("a staff key has no password")
    try:
        await use.staff.accounts.change_password(actor.name, old, new, keep=actor.session.id, address=network(request))
    except SignInRefusedError:
        wrong = BadRequestError("the password until now is another one", hint="nothing was changed")
        return await _account(use, frame, actor, error=wrong, status=422)
    except (BadRequestError, TooManyError, ConflictError) as error:
        status = next((code for kind, code in _STATUS if isinstance(error, kind)), 422)
        return await _account(use, frame, actor, error=error, status=status)
    response = see("/account?done=password")
    token = await use.staff.sessions.renew(actor.session)
    if token is not None:
        hand_out(request, use, response, token)
    return response


@router.post("/account/address")
async def set_address(
    use: With, frame: Framed, actor: SignedIn, address: Annotated[str, Form(max_length=300)] = ""
) -> Response:
    """Where alerts for oneself go."""
    if actor.session is None:
        raise BadRequestError("a staff key has no address")
    try:
        await use.staff.accounts.set_address(actor.name, address, by=actor.name)
    except BadRequestError as error:
        return await _account(use, frame, actor, error=error, status=422)
    return see(f"/account?done={'address' if address.strip() else 'no-address'}")


@router.post("/account/sessions/end")
async def end_every_session(use: With, actor: SignedIn) -> Response:
    """Sign out everywhere, here too."""
    if actor.session is not None:
        await use.staff.sessions.end_every(actor.session)
    return see("/sign-in?out=1")


@router.post("/account/sessions/{session_id}/end")
async def end_session(session_id: UUID, use: With, actor: SignedIn) -> Response:
    """Sign out somewhere else."""
    if actor.session is not None:
        await use.staff.sessions.end(actor.session, session_id)
    return see("/account?done=session")


async def _account(
    use: Services,
    frame: Frame,
    actor: Actor,
    *,
    notice: str = "",
    error: SupportError | None = None,
    status: int = 200,
) -> Response:
    session = actor.session
    listed = [] if session is None else await use.staff.sessions.of_account(session.account_id)
    wrong, hint = ("", "") if error is None else sentences(error)
    return page(
        "account",
        Frame(frame.name, frame.role, frame.form_token, "/account"),
        status=status,
        notice=notice,
        error=wrong,
        hint=hint,
        own_password=session is not None and session.issuer is None,
        must_change=session is not None and session.must_change,
        shortest=SHORTEST,
        address=None if session is None else await use.staff.accounts.address(session.name) or "",
        mail=use.alerts.mail,
        sessions=[_shown(one, current=session is not None and one.id == session.id) for one in listed],
    )


def _shown(one: Any, *, current: bool) -> dict[str, Any]:
    return {
        "id": one.id,
        "browser": browser_name(one.agent),
        "created_at": one.created_at,
        "seen_at": one.seen_at,
        "current": current,
    }


def browser_name(agent: str) -> str:
    """What people call a browser, of what it calls itself: "Firefox on Linux"."""
    browser = next((name for mark, name in _BROWSERS if re.search(rf"\b{mark}", agent)), None)
    system = next((name for mark, name in _SYSTEMS if re.search(mark, agent)), None)
    return " on ".join(filter(None, (browser, system))) or "An unknown browser"
