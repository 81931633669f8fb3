"""Where Pub/Sub tells that the mailbox has changed.

The token on it is checked; then the push is only a hint, and what it says is not used: not the history id, for pushes
are lost, doubled and overtake each other. A run over the mailbox is asked for, in the database, and the answer does not
wait for it: the changes are durable at Google, the cursor is durable here, and the run by the clock comes anyway.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from api.problems import UnauthorizedError, responses
from api.routes.visitor import Given, With
from channels.gmail.signature import Expected, ForgedPushError, PushTokens
from infra.postgres.mailboxes import Mailbox
from skills.errors import NotFoundError

router = APIRouter(prefix="/v1/gmail", tags=["gmail"])

JOB = "gmail_sync"
"""The scheduler's job that runs over the mailbox."""


def push_tokens(request: Request, use: With) -> PushTokens:
    """What checks tokens, with the keys that it has fetched; one an application."""
    gmail = use.settings.gmail
    if gmail.mailbox is None or gmail.push_audience is None or gmail.push_account is None:
        raise NotFoundError("no mailbox is set up to be told of here")
    held: PushTokens | None = getattr(request.app.state, "push_tokens", None)
    if held is None:
        held = PushTokens(Expected(gmail.push_audience, gmail.push_account), certs_url=gmail.certs_url)
        request.app.state.push_tokens = held
    return held


@router.post("/push", status_code=204, responses=responses(401, 404, 413, 422, 503))
async def take_push(
    request: Request, use: With, tokens: Annotated[PushTokens, Depends(push_tokens)], given: Given
) -> Response:
    """Pub/Sub says that something changed in the mailbox: it is looked at soon."""
    if given is None:
        raise UnauthorizedError("the push has no token", hint="give the subscription a service account to sign with")
    try:
        await tokens.check(given)
    except ForgedPushError as error:
        raise UnauthorizedError(str(error)) from None
    mailbox = use.settings.gmail.mailbox
    told = _address(await request.body())
    if mailbox is not None and told in {mailbox, use.settings.gmail.subject}:
        await Mailbox(use.database, mailbox, holder="push", job=JOB).want()
    # One about another mailbox, or of no shape that we know, is taken too: it would only come again.
    return Response(status_code=204)


def _address(body: bytes) -> str:
    try:
        notice: Any = json.loads(base64.b64decode(json.loads(body)["message"]["data"], validate=True))
        return str(notice["emailAddress"]).lower()
    except (ValueError, KeyError, TypeError, binascii.Error, RecursionError):
        return ""
