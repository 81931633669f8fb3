"""Who asks on the web: the conversation that a request's token names, on the site whose page made the request."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Header, Request

from api.problems import ForbiddenError, UnauthorizedError
from api.wiring import Services
from channels.web.inbound import first_key
from channels.web.signature import ConversationToken
from skills.errors import NotFoundError


async def services(request: Request) -> Services:
    """What the app was started with."""
    return request.app.state.services  # type: ignore[no-any-return] # Starlette's state is untyped


async def bearer(authorization: Annotated[str | None, Header()] = None) -> str | None:
    """The token in the Authorization header, if there is one."""
    if authorization is None:
        return None
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise UnauthorizedError("the Authorization header is not 'Bearer <token>'")
    return token.strip()


Given = Annotated[str | None, Depends(bearer)]
With = Annotated[Services, Depends(services)]


async def origin_of(
    use: With,
    origin: Annotated[str | None, Header(include_in_schema=False)] = None,
    host: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> str | None:
    """The site whose page asks; ``None`` is a page of ours, or no browser."""
    return use.origins.of(origin, host)


Where = Annotated[str | None, Depends(origin_of)]


async def token_of(given: Given, use: With, where: Where) -> ConversationToken:
    """The conversation that the request is about."""
    if given is None:
        raise UnauthorizedError("a conversation token is missing", hint="send it as Authorization: Bearer …")
    return checked(use, given, where)


def checked(use: Services, given: str, where: str | None) -> ConversationToken:
    """The token that this text is, presented from there.

    Raises:
        NotFoundError: there is no such conversation, or not for that site.
    """
    if not use.origins.allows(where):
        raise NotFoundError("there is no such conversation")
    return use.tokens.check(given, origin=where)


def issued(use: Services, idempotency_key: str | None, where: str | None) -> ConversationToken:
    """The token of a talk that begins there.

    Raises:
        ForbiddenError: the chat may not be used on that site.
        InvalidMessageError: the key is no UUID.
    """
    if not use.origins.allows(where):
        raise ForbiddenError("this site may not embed the chat", hint="CSAGENT_CHAT__ORIGINS lists those that may")
    return use.tokens.issue(first_key(idempotency_key), origin=where)


Token = Annotated[ConversationToken, Depends(token_of)]
