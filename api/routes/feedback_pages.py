"""What customers say of our help on pages without script: the contact form's private page, and the one behind a link.

Mail scanners ask for a link's page too: GET never says anything on a customer's behalf.
"""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Form, Header, Query, Response
from fastapi.responses import RedirectResponse

from api.feedback_desk import rate_conversation, tell_whether_it_helped, typed_comment, typed_rating
from api.pages.form.render import Draft, Notice, feedback_page
from api.routes.form import UNSEEN, Ours, Page, Reads, reader_of, see, show_conversation
from api.routes.visitor import With
from channels.web import FORM
from infra.postgres.surveys import LONGEST_COMMENT
from skills.errors import ConflictError

router = APIRouter(include_in_schema=False, route_class=Page)

Rated = Annotated[str, Form(max_length=10)]
Commented = Annotated[str, Form(max_length=3 * LONGEST_COMMENT)]
Lang = Annotated[str | None, Query(max_length=20)]
Accepted = Annotated[str | None, Header()]
_LATE = Notice("stale", "stale")


@router.post("/contact/{token}/resolution", dependencies=[Ours])
async def say_whether_it_helped(
    token: str, use: With, reader: Reads, helped: Annotated[Literal["yes", "no"], Form()]
) -> Response:
    """The page's buttons; back to the page, where it says what came of it."""
    known = use.tokens.check(token)
    await use.conversations.view(FORM, known.thread, limit=1)
    try:
        await tell_whether_it_helped(use, known, helped=helped == "yes")
    except ConflictError:
        late = Draft(use.form_stamps.new(), notice=_LATE)
        return await show_conversation(use, reader, known, late, status=409)
    return see(reader, known, "helped" if helped == "yes" else "open")


@router.post("/contact/{token}/feedback", dependencies=[Ours])
async def rate_here(token: str, use: With, reader: Reads, rating: Rated = "", comment: Commented = "") -> Response:
    """The page's survey; back to the page, which says thanks. Without a number it is asked again, comment and all."""
    known = use.tokens.check(token)
    await use.conversations.view(FORM, known.thread, limit=1)
    draft = Draft(use.form_stamps.new(), given={"comment": comment})
    if (number := typed_rating(rating)) is None:
        wrong = Draft(draft.stamp, draft.given, errors={"rating": reader.word("need_rating")})
        return await show_conversation(use, reader, known, wrong, status=422)
    try:
        await rate_conversation(use, known, number, typed_comment(comment))
    except ConflictError:
        late = Draft(draft.stamp, notice=_LATE)
        return await show_conversation(use, reader, known, late, status=409)
    return see(reader, known, "rated")


@router.get("/feedback/{token}")
async def show_survey(token: str, use: With, lang: Lang = None, accept_language: Accepted = None) -> Response:
    """The page of a survey."""
    survey = await use.surveys.find(use.survey_links.check(token))
    return feedback_page(reader_of(use, lang or survey.language, accept_language), Draft(""), survey, here=_at(token))


@router.post("/feedback/{token}")
async def take_survey(
    token: str,
    use: With,
    rating: Rated = "",
    comment: Commented = "",
    lang: Lang = None,
    accept_language: Accepted = None,
) -> Response:
    """The page's form; what it led to is shown by the page itself."""
    survey = await use.surveys.find(use.survey_links.check(token))
    reader = reader_of(use, lang or survey.language, accept_language)
    number = typed_rating(rating)
    if survey.too_late or number is None:
        errors = {} if survey.too_late else {"rating": reader.word("need_rating")}
        wrong = Draft("", given={"comment": comment}, errors=errors)
        return feedback_page(reader, wrong, survey, here=_at(token), status=409 if survey.too_late else 422)
    await use.surveys.rate(survey.id, number, typed_comment(comment))
    return RedirectResponse(
        _at(token) + (f"?lang={lang}" if lang == reader.language else ""), status_code=303, headers=UNSEEN
    )


def _at(token: str) -> str:
    return f"/feedback/{token}"
