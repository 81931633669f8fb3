"""Takes in what the public form brings, from its page or by its API, and shows how its conversations stand."""

from __future__ import annotations

import time
from dataclasses import replace
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import Request
from starlette.exceptions import HTTPException

from api.wiring import Services
from channels.web import FORM
from channels.web.form import FormMessage, flooding, form_envelope, suspect
from channels.web.signature import ConversationToken
from infra.postgres.conversations import View
from infra.postgres.inbox import Receipt

_PAGES = 10
"""Times a hundred messages that a conversation's page shows at most."""


class TooOftenError(HTTPException):
    """The same text came so often that it is not taken; nothing was stored."""

    def __init__(self) -> None:
        super().__init__(429, "The same text came too often within the hour", {"Retry-After": "3600"})


async def begin_talk(use: Services, message: FormMessage, *, key: UUID, doubted: bool = False) -> ConversationToken:
    """Store the first message of a conversation; the same key is the same one.

    Raises:
        TooOftenError: not taken, for it is one of a flood.
        ConflictError: the key came before with another text.
        InvalidMessageError: it can't be stored.
        DatabaseUnavailableError: nothing was stored.
    """
    repeats = await use.form_arrivals.count(text=message.text, address=message.email or "")
    if flooding(message.text, same_text=repeats.text):
        raise TooOftenError
    if suspect(message.text, same_text=repeats.text, same_address=repeats.address, doubted=doubted):
        message = replace(message, for_person="suspect")
    token = use.tokens.issue(key)
    await store(use, token, message, key=key, begins=True)
    return token


async def store(
    use: Services, token: ConversationToken, message: FormMessage, *, key: UUID, begins: bool = False
) -> Receipt:
    """Store one message of a conversation.

    Raises:
        ConflictError: the key came before with another text.
        InvalidMessageError: it can't be stored.
        DatabaseUnavailableError: nothing was stored.
    """
    began = time.perf_counter()
    settle = use.settings.settle.of(FORM)
    receipt = await use.inbox.receive(form_envelope(token, message, key=key, begins=begins), settle=settle)
    use.metrics.received.labels(channel=FORM, duplicate=str(receipt.duplicate).lower()).inc()
    use.metrics.acknowledged.labels(channel=FORM).observe(time.perf_counter() - began)
    if receipt.waits:
        await use.signals.case_waits(receipt.case_id, after=settle.total_seconds())
    return receipt


async def whole_view(use: Services, token: ConversationToken) -> View:
    """A conversation from its beginning.

    Raises:
        NotFoundError: nothing was ever written in it.
    """
    view = await use.conversations.view(FORM, token.thread)
    messages = view.messages
    for _ in range(_PAGES):
        if not view.messages:
            break
        view = await use.conversations.view(FORM, token.thread, after=messages[-1].position)
        messages = (*messages, *view.messages)
    return replace(view, messages=messages)


def refuse_foreign(request: Request) -> None:
    """Turn away what a page of somebody else makes a visitor's browser send.

    Browsers say where a request comes from. Our pages send no referrer, and with it no origin: old browsers that say
    nothing else are let through, for the form needs no cookie that could be abused.

    Raises:
        HTTPException: 403.
    """
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin", "null")
    foreign_site = site is not None and site not in {"same-origin", "none"}
    foreign_origin = site is None and origin != "null" and urlsplit(origin).netloc != request.headers.get("host")
    if foreign_site or foreign_origin:
        raise HTTPException(403, "This came from another site")
