"""The contact form and its private page, for browsers: no script is needed, and every answer is a page.

A message that can't be taken comes back as the form with all that was typed. Only files have to be chosen again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import uuid4

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from api.bodies import names_of
from api.form_desk import TooOftenError, begin_talk, refuse_foreign, store, whole_view
from api.news import await_news
from api.pages.form.render import Draft, Just, Notice, Reader, Said, contact_page, talk_page, trouble_page
from api.pages.form.words import language_of
from api.routes.visitor import With
from api.shown_files import shown_file
from api.wiring import Services
from channels.attachments import Attachment
from channels.web import FORM
from channels.web.form import MAX_TOPIC, FormMessage
from channels.web.form_stamp import Stamp
from channels.web.signature import ConversationToken
from infra.postgres.inbox import MAX_CHARACTERS
from skills.errors import ConflictError, DatabaseUnavailableError, NotFoundError

EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_LONGEST_EMAIL = 320
_LONGEST_NAME = 200
UNSEEN = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
"""Headers of what leads to a private page."""
_AWAIT = 3.0
"""Seconds that the private page waits for an answer when somebody asks for one."""


class Page(APIRoute):
    """A route whose errors are pages too."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's own handler, and a page for what it raises."""
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            try:
                return await handle(request)
            except NotFoundError:
                return _trouble(request, "not_found", 404)
            except DatabaseUnavailableError:
                return _trouble(request, "busy", 503)
            except RequestValidationError:
                return _trouble(request, "refused", 422)
            except HTTPException as error:
                return _trouble(request, "large" if error.status_code == 413 else "refused", error.status_code)  # noqa: PLR2004 - HTTP's number

        return handled


router = APIRouter(prefix="/contact", include_in_schema=False, route_class=Page)


def reader_of(use: Services, lang: str | None = None, accept_language: str | None = None) -> Reader:
    """Who reads the page."""
    language = language_of(lang, accept_language)
    return Reader(language, chosen=lang == language, limits=use.uploads.limits)


async def _reader(
    use: With,
    lang: str | None = None,
    accept_language: Annotated[str | None, Header()] = None,
) -> Reader:
    return reader_of(use, lang, accept_language)


Reads = Annotated[Reader, Depends(_reader)]
Ours = Depends(refuse_foreign)


@router.get("")
async def show_form(use: With, reader: Reads) -> Response:
    """The form, with a stamp of its own."""
    return contact_page(reader, Draft(stamp=use.form_stamps.new()))


@router.post("", dependencies=[Ours])
async def send_form(request: Request, use: With, reader: Reads) -> Response:
    """Store a first message and lead to its private page; or show the form again and say why not."""
    async with use.uploads.form(request) as (given, files):
        stamp = use.form_stamps.read(given.get("stamp", ""))
        text = given.get("message", "").strip() or names_of(files)
        errors = _errors(reader, given, files)
        if errors:
            draft = Draft(stamp=_kept(use, given, stamp), given=given, errors=errors, files_lost=bool(files))
            return contact_page(reader, draft, status=422)
        doubt = _doubt(use, given, stamp)
        if doubt is not None:
            asked = use.form_stamps.new(key=stamp.key if stamp else None, asked=True)
            return contact_page(
                reader, Draft(asked, given, notice=Notice("once_more", doubt), files_lost=bool(files)), status=422
            )
        assert stamp is not None  # without one there is a doubt
        message = FormMessage(
            text=text,
            email=given["email"].strip(),
            name=given.get("name", "").strip() or None,
            topic=given.get("topic", "").strip() or None,
            language=reader.language,
            files=tuple(file.file for file in files),
            for_person=None if given.get("message", "").strip() else "files_only",
        )
        try:
            token = await begin_talk(use, message, key=stamp.key, doubted=bool(given.get("website")))
        except ConflictError:
            sent = f"/contact/{use.tokens.issue(stamp.key).text}{reader.query}"
            notice = Notice("twice", "twice", sent)
            draft = Draft(use.form_stamps.new(asked=True), given, notice=notice, files_lost=bool(files))
            return contact_page(reader, draft, status=409)
        except TooOftenError as error:
            draft = Draft(use.form_stamps.new(), given, notice=Notice("flood", "flood"), files_lost=bool(files))
            return contact_page(reader, draft, status=error.status_code)
        except DatabaseUnavailableError:
            draft = Draft(given["stamp"], given, notice=Notice("busy", "busy"), files_lost=bool(files))
            return contact_page(reader, draft, status=503)
    return see(reader, token, "new")


@router.get("/{token}")
async def show_talk(
    token: str,
    use: With,
    reader: Reads,
    look: Annotated[str | None, Query(max_length=20)] = None,
    new: Annotated[str | None, Query(max_length=20)] = None,
    sent: Annotated[str | None, Query(max_length=20)] = None,
    said: Annotated[Said | None, Query()] = None,
) -> Response:
    """How the conversation stands; just after sending, or when asked to look, an answer is waited for a moment."""
    known = use.tokens.check(token)
    if look is not None or new is not None or sent is not None or said == "open":
        seen = await whole_view(use, known)
        newest = seen.messages[-1]
        # Whoever writes more to a person waits for no answer now; whoever asks for one may just have got it.
        soon = seen.activity == "working" or (seen.activity == "person" and look is not None)
        unanswered = seen.activity == "idle" and newest.author == "customer"
        if soon or unanswered or (said == "open" and newest.author != "system"):
            await await_news(use, FORM, known, after=newest.position, seconds=_AWAIT)
    just = "new" if new is not None else said
    return await show_conversation(use, reader, known, Draft(stamp=use.form_stamps.new()), just=just)


@router.post("/{token}", dependencies=[Ours])
async def write_back(token: str, request: Request, use: With, reader: Reads) -> Response:
    """Store a further message; or show the page again and say why not."""
    known = use.tokens.check(token)
    await use.conversations.view(FORM, known.thread, limit=1)
    async with use.uploads.form(request) as (given, files):
        stamp = use.form_stamps.read(given.get("stamp", ""))
        asks, written = given.get("ask") == "person", given.get("message", "").strip()
        text = written or (reader.word("asked_person") if asks else names_of(files) if files else "")
        draft = Draft(_kept(use, given, stamp), given, files_lost=bool(files))
        if not text:
            errors = {"message": reader.word("need_message")}
        elif len(text) > MAX_CHARACTERS:
            errors = {"message": reader.word("long_message", count=len(text), most=MAX_CHARACTERS)}
        else:
            errors = {}
        if errors:
            wrong = Draft(draft.stamp, given, errors, files_lost=draft.files_lost)
            return await show_conversation(use, reader, known, wrong, status=422)
        message = FormMessage(
            text=text,
            files=tuple(file.file for file in files),
            for_person="asked" if asks else None if written else "files_only",
        )
        try:
            await store(use, known, message, key=stamp.key if stamp else uuid4())
        except ConflictError:
            again = Draft(use.form_stamps.new(), given, notice=Notice("twice", "twice"), files_lost=draft.files_lost)
            return await show_conversation(use, reader, known, again, status=409)
    return see(reader, known, "sent")


def _errors(reader: Reader, given: dict[str, str], files: tuple[Attachment, ...]) -> dict[str, str]:
    """What is wrong with a form, by field, in the order of the page."""
    message, email = given.get("message", "").strip(), given.get("email", "").strip()
    room = MAX_CHARACTERS - MAX_TOPIC - 2
    found = {
        "message": reader.word("need_message")
        if not message and not files
        else reader.word("long_message", count=len(message), most=room)
        if len(message) > room
        else None,
        "topic": reader.word("long_topic", most=MAX_TOPIC) if len(given.get("topic", "")) > MAX_TOPIC else None,
        "email": reader.word("need_email")
        if not email
        else reader.word("bad_email")
        if not EMAIL.fullmatch(email) or len(email) > _LONGEST_EMAIL
        else None,
        "name": reader.word("long_name", most=_LONGEST_NAME) if len(given.get("name", "")) > _LONGEST_NAME else None,
    }
    return {name: error for name, error in found.items() if error is not None}


def _doubt(use: Services, given: dict[str, str], stamp: Stamp | None) -> Literal["once_more", "too_old"] | None:
    """Why a sender is asked to send again. Once: whoever does is taken at their word, and a person has a look."""
    limits = use.settings.form
    if stamp is None:
        return "too_old"
    age = datetime.now(UTC) - stamp.opened_at
    if age > timedelta(hours=limits.oldest_hours):
        return "too_old"
    if stamp.asked:
        return None
    too_fast = age < timedelta(seconds=limits.fastest_seconds)
    return "once_more" if too_fast or given.get("website") else None


def _kept(use: Services, given: dict[str, str], stamp: Stamp | None) -> str:
    """The stamp that a form goes on with: its own, while it is one."""
    return given["stamp"] if stamp is not None else use.form_stamps.new()


async def show_conversation(
    use: Services,
    reader: Reader,
    token: ConversationToken,
    draft: Draft,
    *,
    just: Just | None = None,
    status: int = 200,
) -> Response:
    """The private page as it is now."""
    view = await whole_view(use, token)
    files = {seen.id: [shown_file(use, entry) for entry in seen.files] for seen in view.messages}
    return talk_page(reader, draft, view, files, here=f"/contact/{token.text}", just=just, status=status)


def see(reader: Reader, token: ConversationToken, what: Literal["new", "sent"] | Said) -> Response:
    """To the private page, where it says what became of it; reloading it sends nothing."""
    lang = f"&lang={reader.language}" if reader.chosen else ""
    asked = f"{what}=1" if what in {"new", "sent"} else f"said={what}"
    place = "" if what == "new" else "#latest" if what in {"sent", "open"} else "#said"
    return RedirectResponse(f"/contact/{token.text}?{asked}{lang}{place}", status_code=303, headers=UNSEEN)


def too_large(request: Request, _limit: int) -> Response:
    """A page for a form whose files are far more than is ever taken."""
    return _trouble(request, "large", 413)


def _trouble(request: Request, name: Literal["not_found", "large", "refused", "busy"], status: int) -> Response:
    use: Services = request.app.state.services
    reader = reader_of(use, request.query_params.get("lang"), request.headers.get("accept-language"))
    return trouble_page(reader, name, status=status)
