"""Errors over HTTP: problem+json (RFC 9457), one status for each of our errors, and never what the sender wrote.

A request that is turned away because too much is going on is a 503 with ``Retry-After``, and counted. Only requests
that stored nothing are: what was acknowledged is committed, and no error can take it back.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from skills.errors import (
    BadRequestError,
    ConfigurationError,
    ConflictError,
    Crowd,
    DatabaseBusyError,
    InvalidMessageError,
    NotFoundError,
    NotProvenError,
    SupportError,
    TooManyError,
    UnavailableError,
)

_AFTER_TOO_MANY = "600"
"""Seconds after which to try again what is limited by the hour."""
_LONGEST_RETRY = 5
"""Seconds after which the last of those who were turned away together should try again."""

_log = structlog.get_logger(__name__)

_STATUS: tuple[tuple[type[SupportError], int, str], ...] = (
    (InvalidMessageError, 422, "The message can't be accepted"),
    (BadRequestError, 422, "The request makes no sense"),
    (NotFoundError, 404, "Not found"),
    (NotProvenError, 403, "Prove who you are first"),
    (ConflictError, 409, "Conflict"),
    (TooManyError, 429, "Too many requests"),
    (UnavailableError, 503, "Not available at the moment"),
    (ConfigurationError, 500, "The service is not set up"),
)


class Problem(BaseModel):
    """An error as RFC 9457 has it."""

    type: str = Field("about:blank", description="A URI that names the kind of problem")
    title: str
    status: int
    detail: str | None = None
    hint: str | None = Field(None, description="What would work instead")
    changes: dict[str, Any] | None = Field(None, description="What is different now, with a conflict")
    errors: list[dict[str, Any]] | None = Field(None, description="Which fields are wrong, and why")


class ProblemResponse(JSONResponse):
    """A response whose body is a problem."""

    media_type = "application/problem+json"


class UnauthorizedError(SupportError):
    """A key is missing, or it is none of ours."""


class ForbiddenError(SupportError):
    """That is allowed to others, not to whoever asks."""


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems of a route, for the OpenAPI document."""
    return {
        status: {"model": Problem, "content": {"application/problem+json": {}}, "description": "A problem"}
        for status in statuses
    }


def install(app: FastAPI) -> None:
    """Answer every error with a problem."""
    app.add_exception_handler(SupportError, _support_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, unexpected)


def problem(status: int, title: str, **extra: Any) -> ProblemResponse:
    """One problem as a response."""
    body = Problem(title=title, status=status, **extra).model_dump(exclude_none=True)
    headers = {"Cache-Control": "no-store"}  # a conflict shows what a customer wrote meanwhile
    if status == 503:  # noqa: PLR2004 - HTTP's number
        headers["Retry-After"] = "2"
    if status == 401:  # noqa: PLR2004 - HTTP's number
        headers["WWW-Authenticate"] = "Bearer"
    return ProblemResponse(body, status_code=status, headers=headers)


async def answer(request: Request, error: Exception) -> Response:
    """What this application answers to an error, for whoever shows it in another form.

    Raises:
        Exception: the error itself, which nothing here knows.
    """
    for kind in type(error).__mro__:
        handler = request.app.exception_handlers.get(kind)
        if handler is not None and kind is not Exception:
            response: Response = await handler(request, error)
            return response
    raise error


def count_shed(app: FastAPI, count: Callable[[FastAPI, Crowd], None]) -> None:
    """Have every request counted that is turned away because too much is going on."""

    async def turned_away(request: Request, error: Exception) -> ProblemResponse:
        assert isinstance(error, DatabaseBusyError)
        count(request.app, error.crowd)
        return await _support_error(request, error)

    app.add_exception_handler(DatabaseBusyError, turned_away)


async def _support_error(_request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, SupportError)
    if isinstance(error, UnauthorizedError):
        return problem(401, "Sign in first", detail=str(error), hint=error.hint)
    if isinstance(error, ForbiddenError):
        return problem(403, "Not allowed", detail=str(error), hint=error.hint)
    status, title = next(
        ((status, title) for kind, status, title in _STATUS if isinstance(error, kind)), (500, "Something went wrong")
    )
    changes = error.changes if isinstance(error, ConflictError) else None
    response = problem(status, title, detail=str(error), hint=error.hint, changes=changes or None)
    if isinstance(error, TooManyError):
        response.headers["Retry-After"] = _AFTER_TOO_MANY
    if isinstance(error, DatabaseBusyError):
        # Not all at the same time, or the crowd is turned away together and comes back together.
        response.headers["Retry-After"] = str(random.randint(1, _LONGEST_RETRY))  # noqa: S311 - it only has to differ
    return response


async def _validation_error(_request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, RequestValidationError)
    # Where and why, never the value: it may be a customer's text, or something that can't be written as JSON.
    errors = [{"at": [str(part) for part in item["loc"]], "why": item["msg"]} for item in error.errors()]
    return problem(422, "The request makes no sense", detail=errors[0]["why"] if errors else None, errors=errors)


async def _http_error(_request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, HTTPException)
    response = problem(error.status_code, str(error.detail))
    response.headers.update(error.headers or {})
    return response


async def unexpected(request: Request, error: Exception) -> ProblemResponse:
    """What nobody reckoned with: written down, and told without a word of it."""
    _log.error("request.failed", path=request.url.path, exc_info=error)
    return problem(500, "Something went wrong", detail="it was written down; nothing was stored half")
