"""Notices of the status page by mail: asked for on the page, confirmed and ended by the link in the mails.

Opening a link changes nothing, for mail scanners open links, too: a button does, or a mail program's own request
(RFC 8058). Whether an address is on the list nobody learns who has not got its mails.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Response
from fastapi.responses import HTMLResponse

from api.pages.routes import SECURITY_HEADERS
from api.pages.status.render import notice_page
from api.routes.visitor import With
from channels.addresses import mail_address
from infra.status.snapshot import utc_now
from skills.errors import NotFoundError, TooManyError

router = APIRouter(include_in_schema=False)

_HEADERS = {**SECURITY_HEADERS, "Cache-Control": "no-store", "X-Robots-Tag": "noindex, nofollow"}
_GONE = "This address is not on the list. You can ask for notices again on the status page."


@router.post("/status/subscribe")
async def subscribe(use: With, address: Annotated[str, Form(max_length=500)] = "") -> Response:
    """Have a first mail sent. The answer is the same for every address."""
    if not use.status.rules.mails:
        raise NotFoundError("there are no notices by mail here")
    known = mail_address(address)
    if known is None:
        return _page(use, "That is no mail address. Go back and correct it.", status=422)
    try:
        await use.subscribers.ask(known)
    except TooManyError:
        return _page(use, "Too many people ask at the moment. Please try again in an hour.", status=429)
    return _page(use, "We have sent a mail to this address, unless it is on the list. Open the link in it to confirm.")


@router.get("/status/subscription/{token}")
async def subscription(token: str, use: With) -> Response:
    """What the link in the mails shows: a button to confirm, or one to end."""
    try:
        confirmed = await use.subscribers.confirmed(use.subscription_links.check(token))
    except NotFoundError:
        return _page(use, _GONE, status=404)
    if confirmed:
        return _page(use, "You get notices of outages and planned work.", token, end=True)
    return _page(use, "Do you want notices of outages and planned work by mail?", token, confirm=True)


@router.post("/status/subscription/{token}/confirm")
async def confirm(token: str, use: With) -> Response:
    """They do."""
    try:
        await use.subscribers.confirm(use.subscription_links.check(token), utc_now())
    except NotFoundError:
        return _page(use, _GONE, status=404)
    return _page(use, "You will get notices from now on. Every one has a link to end them.", token, end=True)


@router.post("/status/subscription/{token}/end")
async def end(token: str, use: With) -> Response:
    """No more, and the address is erased. Said twice it is the same."""
    try:
        await use.subscribers.end(use.subscription_links.check(token))
    except NotFoundError:
        return _page(use, _GONE, status=404)
    return _page(use, "You will get no more notices. We have deleted the address.")


def _page(
    use: With, text: str, token: str = "", *, confirm: bool = False, end: bool = False, status: int = 200
) -> Response:
    shown = notice_page(use.status.rules.company, text, token, confirm=confirm, end=end)
    return HTMLResponse(shown, status_code=status, headers=_HEADERS)
