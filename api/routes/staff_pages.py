"""Who may sign in, for admins: list, add, change a role, disable, enable, a new password."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Form, Response

from api.pages.console.render import Frame, page
from api.routes.pages import Framed, PageRoute, see, sentences
from api.routes.staff import StaffManager
from api.routes.visitor import With
from api.wiring import Services
from infra.staff.roles import ROLES, Role
from skills.errors import BadRequestError, ConflictError, NotFoundError, SupportError

router = APIRouter(prefix="/staff", include_in_schema=False, route_class=PageRoute)

_DONE = {
    "role": "The role is changed; it counts from their next request on.",
    "disabled": "They may not sign in any more, and are signed out everywhere.",
    "enabled": "They may sign in again.",
}
_REFUSALS = (BadRequestError, ConflictError, NotFoundError)


@router.get("")
async def staff_page(use: With, frame: Framed, admin: StaffManager, done: str = "") -> Response:  # noqa: ARG001 - may
    """Everybody who has an account."""
    return await _page(use, frame, notice=_DONE.get(done, ""))


@router.post("")
async def add_somebody(
    use: With,
    frame: Framed,
    admin: StaffManager,
    name: Annotated[str, Form()],
    role: Annotated[Role, Form()],
) -> Response:
    """A new account; its password is shown this once."""
    known = name.strip().casefold()
    try:
        password = await use.staff.accounts.add(known, role, by=admin)
    except _REFUSALS as error:
        return await _page(use, frame, error=error, name=name)
    return await _page(use, frame, notice=f"{known} can sign in.", whose=known, password=password)


@router.post("/{name}/role")
async def set_role(name: str, use: With, frame: Framed, admin: StaffManager, role: Annotated[Role, Form()]) -> Response:
    """Make somebody something else."""
    try:
        await use.staff.accounts.set_role(name, role, by=admin)
    except _REFUSALS as error:
        return await _page(use, frame, error=error)
    return see("/staff?done=role")


@router.post("/{name}/reset")
async def reset_password(name: str, use: With, frame: Framed, admin: StaffManager) -> Response:
    """A new password for somebody; it is shown this once, and their sessions end."""
    try:
        password = await use.staff.accounts.reset(name, by=admin)
    except _REFUSALS as error:
        return await _page(use, frame, error=error)
    return await _page(use, frame, whose=name, password=password)


@router.post("/{name}/{what}")
async def let_in_or_out(
    name: str, what: Literal["disable", "enable"], use: With, frame: Framed, admin: StaffManager
) -> Response:
    """Keep somebody out, or let them in again."""
    accounts = use.staff.accounts
    try:
        await (accounts.disable if what == "disable" else accounts.enable)(name, by=admin)
    except _REFUSALS as error:
        return await _page(use, frame, error=error)
    return see(f"/staff?done={what}d")


async def _page(
    use: Services,
    frame: Frame,
    *,
    notice: str = "",
    error: SupportError | None = None,
    name: str = "",
    whose: str = "",
    password: str = "",
) -> Response:
    wrong, hint = ("", "") if error is None else sentences(error)
    return page(
        "staff",
        Frame(frame.name, frame.role, frame.form_token, "/staff"),
        status=200 if error is None else 422,
        people=await use.staff.accounts.listed(),
        roles=ROLES,
        notice=notice,
        error=wrong,
        hint=hint,
        name=name,
        whose=whose,
        password=password,
    )
