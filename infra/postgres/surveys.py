"""How it was, from 1 to 5: asked once for every end of a case, and told once, with a day to change one's mind.

The row of a survey is made by the statement that resolves the case (``lives.sql``). A page asks by itself; by mail and
WhatsApp a text asks, later, from the scheduler. Broken off before the commit of that text, the next round writes it;
after it, the row says that it was asked.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb
from uuid_utils.compat import uuid7

from infra.crypto.keyring import KeyDestroyedError, Keyring
from infra.postgres.database import Connection, Database
from infra.postgres.life import window_open
from infra.postgres.lives import Lives
from infra.postgres.notes import write_note
from infra.postgres.queries import load
from infra.postgres.seals import key_of
from infra.postgres.storable import refuse_unstorable
from skills.conclude import text_for
from skills.errors import BadRequestError, ConflictError, NotFoundError
from skills.turn import CaseId, ChannelName, Language

BY_LINK, BY_NUMBER = "email", "whatsapp"
"""The channels on which a text asks: with a link, and for a number in the next message."""
CHANGE = timedelta(days=1)
"""How long after the first rating it can be changed."""
BATCH = 200
LONGEST_COMMENT = 2_000


@dataclass(frozen=True, slots=True)
class Survey:
    """A survey as a page shows it."""

    id: UUID
    rating: int | None
    language: Language | None
    too_late: bool
    """It was rated, and the time for changes is over."""


@dataclass(frozen=True, slots=True)
class ReadSurvey:
    """The newest survey of a case as staff see it. ``withdrawn`` says why nobody was asked."""

    resolution_number: int
    answered_by: str
    asked_at: datetime | None
    withdrawn: str | None
    rating: int | None
    rated_at: datetime | None
    comment: str | None


class Surveys:
    """Asks and takes ratings.

    Args:
        database: where they are.
        keyring: seals texts and comments.
        lives: locks cases and knows their facts.
        link: the address at which a survey is answered.
    """

    def __init__(self, database: Database, keyring: Keyring, lives: Lives, *, link: Callable[[UUID], str]) -> None:
        self._database = database
        self._keyring = keyring
        self._lives = lives
        self._link = link
        self._sql = load("surveys")
        self._page = load("lives")["open_or_newest"]

    async def ask(self, limit: int = BATCH) -> int:
        """Write the texts that are due; how many there were."""
        async with self._database.connection() as connection:
            due = {"channels": [BY_LINK, BY_NUMBER], "limit": limit}
            rows = await (await connection.execute(self._sql["to_ask"], due)).fetchall()
        return sum([await self._ask(row["id"], row["case_id"]) for row in rows])

    async def _ask(self, survey_id: UUID, case_id: UUID) -> bool:
        survey = {"id": survey_id}
        async with self._database.transaction() as connection:
            facts = await self._lives.facts(connection, case_id)
            unasked = await (await connection.execute(self._sql["unasked"], survey)).fetchone()
            if unasked is None:
                return False  # another scheduler was quicker, or it was answered meanwhile
            standing = facts["status"] == "resolved" and facts["resolution_number"] == unasked["resolution_number"]
            if not standing or facts["opted_out"] or not window_open(facts, facts["now"]):
                reason = "reopened" if not standing else "opted_out" if facts["opted_out"] else "window_closed"
                await connection.execute(self._sql["withdraw"], {**survey, "reason": reason})
                return False
            language = facts["language"] or facts["own_language"]
            if facts["channel"] == BY_LINK:
                text = text_for(language, "survey_by_link").format(link=self._link(survey_id))
            else:
                text = text_for(language, "survey_by_number")
            try:
                message_id = await write_note(
                    connection, self._keyring, facts, text, kind="survey", intent_id=survey_id
                )
            except KeyDestroyedError:
                await connection.execute(self._sql["withdraw"], {**survey, "reason": "erased"})
                return False
            await connection.execute(self._sql["asked"], {**survey, "message_id": message_id})
            values = {"event_id": uuid7(), "kind": "survey.asked", "case_id": case_id, "actor": "scheduler"}
            await connection.execute(self._sql["log"], {**values, "data": Jsonb({"channel": facts["channel"]})})
        return True

    async def find(self, survey_id: UUID) -> Survey:
        """One survey, for its page. Nothing changes by looking.

        Raises:
            NotFoundError: there is none with this id.
        """
        async with self._database.connection() as connection:
            row = await self._row(connection, survey_id)
        return Survey(survey_id, row["rating"], row["language"] or row["own_language"], row["too_late"])

    async def of_page(self, channels: Collection[ChannelName], thread: str) -> UUID:
        """The survey that the page of a conversation may answer.

        Raises:
            NotFoundError: nothing was ever written in this thread.
            ConflictError: nobody is asked in it now.
        """
        indexes = [self._keyring.thread_index(channel, thread) for channel in channels]
        async with self._database.connection() as connection:
            found = await connection.execute(self._page, {"channels": list(channels), "indexes": indexes})
            if (case := await found.fetchone()) is None:
                raise NotFoundError("there is no such conversation")
            row = await (await connection.execute(self._sql["of_page"], {"case_id": case["id"]})).fetchone()
        if row is None:
            raise ConflictError("nobody asked how this was", hint="say it in a message; we read those too")
        return UUID(str(row["id"]))

    async def rate(self, survey_id: UUID, rating: int, comment: str | None = None) -> CaseId:
        """Take a rating, or another one within a day of the first.

        Raises:
            NotFoundError: there is none with this id.
            BadRequestError: the rating is none, or the comment too long.
            ConflictError: the day is over, or the customer was erased.
        """
        if not 1 <= rating <= 5:  # noqa: PLR2004 - what is asked for
            raise BadRequestError("a rating is a number from 1 to 5")
        said = (comment or "").strip()
        if len(said) > LONGEST_COMMENT:
            raise BadRequestError(f"the comment is too long: at most {LONGEST_COMMENT:,} characters")
        if said:
            refuse_unstorable(said)
        async with self._database.transaction() as connection:
            await connection.execute(self._sql["lock"], {"id": survey_id})
            row = await self._row(connection, survey_id)
            if row["too_late"]:
                raise ConflictError("you have rated this already", hint="a rating can be changed for a day")
            sealed = key_id = None
            if said:
                try:
                    key = key_of(self._keyring, row)
                except KeyDestroyedError:
                    raise ConflictError("this customer's data was erased") from None
                key_id, sealed = key.id, key.seal(said, place="surveys.comment_sealed", row=survey_id)
            await connection.execute(self._sql["rate"], rating_values(survey_id, rating, key_id, sealed))
        return CaseId(row["case_id"])

    async def _row(self, connection: Connection, survey_id: UUID) -> dict[str, Any]:
        row = await (await connection.execute(self._sql["read"], {"id": survey_id, "change": CHANGE})).fetchone()
        if row is None:
            raise NotFoundError("there is no such survey")
        return row


async def read_survey(connection: Connection, keyring: Keyring, case_id: CaseId) -> ReadSurvey | None:
    """A case's newest survey, for staff."""
    row = await (await connection.execute(load("surveys")["of_case"], {"case_id": case_id})).fetchone()
    if row is None:
        return None
    comment = row["comment_sealed"]
    return ReadSurvey(
        resolution_number=row["resolution_number"],
        answered_by=row["answered_by"],
        asked_at=row["asked_at"],
        withdrawn=row["withdrawn"],
        rating=row["rating"],
        rated_at=row["rated_at"],
        comment=None
        if comment is None
        else key_of(keyring, row).open(bytes(comment), place="surveys.comment_sealed", row=row["id"]),
    )


def rating_values(survey_id: UUID, rating: int, key_id: UUID | None, comment_sealed: bytes | None) -> dict[str, Any]:
    """The values of ``surveys.sql``, ``rate``."""
    return {
        "id": survey_id,
        "rating": rating,
        "key_id": key_id,
        "comment_sealed": comment_sealed,
        "event_id": uuid7(),
    }
