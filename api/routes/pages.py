"""The console's pages: what a route of theirs has to know of its reader, and errors that people can read."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from api.pages.console.render import Frame, page
from api.problems import UnauthorizedError, answer, unexpected
from api.routes.staff import MustChangePasswordError, SignedIn, StaffRoute
from skills.errors import SupportError

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

_STORE = {"Cache-Control": "no-store"}
_LONGEST_PATH = 500


async def frame_of(request: Request, actor: SignedIn) -> Frame:
    """What a page has to know of whoever is signed in; a page about an error too."""
    frame = Frame(actor.name, actor.role, actor.form_token, request.url.path)
    request.state.frame = frame
    return frame


Framed = Annotated[Frame, Depends(frame_of)]


class OpenPageRoute(APIRoute):
    """A page for whoever comes. An error is a page too."""

    def get_route_handler(self) -> Handler:
        """The handler, with errors as pages."""
        return _told(super().get_route_handler())


class PageRoute(StaffRoute):
    """A page of the staff's. Who has not signed in is led there and back."""

    def get_route_handler(self) -> Handler:
        """The handler, with errors as pages."""
        return _told(super().get_route_handler())


def see(path: str) -> RedirectResponse:
    """Go on there; by GET, whatever was asked."""
    return RedirectResponse(path, status_code=303, headers=_STORE)


def local(path: str) -> str:
    """A path of ours, or the empty one: never an address that a link smuggled in, and none that no page of ours has."""
    plain = path.startswith("/") and not path.startswith("//") and path.isprintable() and "\\" not in path
    return path if plain and len(path) <= _LONGEST_PATH else ""


def _told(handle: Handler) -> Handler:
    async def told(request: Request) -> Response:
        try:
            return await handle(request)
        except UnauthorizedError:
            reading = request.method in {"GET", "HEAD"}
            where = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            return see(f"/sign-in?next={quote(where, safe='/')}" if reading else "/sign-in")
        except MustChangePasswordError:
            return see("/account")
        except Exception as error:  # noqa: BLE001 - it is written down, as for programs; the reader gets a page
            return await trouble(request, error)

    return told


async def trouble(request: Request, error: Exception) -> Response:
    """An error as a page, under the status and with the headers that a program would get."""
    known = isinstance(error, (SupportError, HTTPException, RequestValidationError))
    problem = await (answer if known else unexpected)(request, error)
    told = json.loads(bytes(problem.body))
    frame: Frame = getattr(request.state, "frame", Frame())
    shown = page(
        "trouble",
        frame,
        status=problem.status_code,
        heading=told["title"],
        detail=_sentence(told.get("detail") or "That did not work."),
        hint=_sentence(told.get("hint") or ""),
        back="/sign-in",
        back_label="To the start",
    )
    if "retry-after" in problem.headers:
        shown.headers["Retry-After"] = problem.headers["retry-after"]
    return shown


def _sentence(text: str) -> str:
    begun = text[:1].upper() + text[1:]
    return begun if not begun or begun[-1] in ".!?" else f"{begun}."


def sentences(error: SupportError) -> tuple[str, str]:
    """An error's message and hint, as sentences."""
    return _sentence(str(error)), _sentence(error.hint or "")
