"""Takes in what customers say of our help, from the chat's buttons and from pages that work without script."""

from __future__ import annotations

from api.wiring import Services
from channels.storable import storable
from channels.web import CHAT, FORM
from channels.web.signature import ConversationToken
from infra.postgres.surveys import LONGEST_COMMENT

_PAGES = (CHAT, FORM)
RATINGS = range(1, 6)


async def tell_whether_it_helped(use: Services, token: ConversationToken, *, helped: bool) -> None:
    """Yes settles the matter; no opens it again, and offers a person. Saying the same twice has the effect of once.

    Raises:
        NotFoundError: nothing was ever written in this conversation.
        ConflictError: something is being worked on, or it was settled long ago.
    """
    conversation_id = await use.lives.helped(_PAGES, token.thread, helped=helped)
    await use.signals.outbox_waits()
    await use.signals.conversation_changed(conversation_id)


async def rate_conversation(use: Services, token: ConversationToken, rating: int, comment: str | None) -> None:
    """Keep how our help was, or another rating within a day.

    Raises:
        NotFoundError: nothing was ever written in this conversation.
        ConflictError: nobody asks in it now, or the day is over.
    """
    survey_id = await use.surveys.of_page(_PAGES, token.thread)
    await use.surveys.rate(survey_id, rating, comment)


def typed_rating(text: str) -> int | None:
    """The number that a page's form sent, if it is one of the five."""
    return next((number for number in RATINGS if str(number) == text), None)


def typed_comment(text: str) -> str:
    """A page's comment as it can be kept: a browser counts a line break as one character and sends two."""
    return storable(text)[:LONGEST_COMMENT]
