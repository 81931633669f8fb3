"""What a customer may see of a conversation: its messages, in the order in which they appeared, from a cursor on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from infra.crypto.keyring import Keyring
from infra.postgres.database import Database
from infra.postgres.files import FileEntry, list_files
from infra.postgres.queries import load
from infra.postgres.seals import key_of
from skills.errors import NotFoundError
from skills.turn import Author, ChannelName, ConversationId

Activity = Literal["idle", "working", "person"]
"""What the customer may be told: nothing is going on, the agent is at it, or a person is looking at it."""


Asks = Literal["helped", "survey"]
"""What the page should offer now: say whether the answer helped, or say how it was."""


@dataclass(frozen=True, slots=True)
class SeenMessage:
    """A message as the customer sees it. ``position`` is the cursor: it grows by visibility, with gaps."""

    id: UUID
    position: int
    author: Author
    text: str
    at: datetime
    files: tuple[FileEntry, ...] = ()
    """Its attachments; a mail as it came in is not for its sender to read here."""


@dataclass(frozen=True, slots=True)
class View:
    """A conversation from a cursor on."""

    conversation_id: ConversationId
    activity: Activity
    messages: tuple[SeenMessage, ...]
    asks: Asks | None = None


class Conversations:
    """Reads conversations for those who hold their token."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring
        self._sql = load("conversations")

    async def view(self, channel: ChannelName, thread: str, *, after: int = 0, limit: int = 100) -> View:
        """The messages after a position.

        Raises:
            NotFoundError: nothing was ever written in this thread.
        """
        async with self._database.connection() as connection:
            cursor = await connection.execute(
                self._sql["find"],
                {"channel": channel, "thread_index": self._keyring.thread_index(channel, thread)},
            )
            head = await cursor.fetchone()
            if head is None:
                raise NotFoundError("there is no such conversation")
            cursor = await connection.execute(
                self._sql["messages_after"], {"conversation_id": head["id"], "after": after, "limit": limit}
            )
            rows = await cursor.fetchall()
            files = await list_files(
                connection, self._keyring, [row["id"] for row in rows if row["has_files"]], originals=False
            )
        activity: Activity = "idle"
        if head["owner"] == "human" or head["paused"]:
            activity = "person"
        elif head["working"]:
            activity = "working"
        return View(
            conversation_id=ConversationId(head["id"]),
            activity=activity,
            messages=tuple(
                SeenMessage(
                    id=row["id"],
                    position=row["position"],
                    author=row["author"],
                    text=key_of(self._keyring, row).open(
                        bytes(row["body_sealed"]), place="messages.body_sealed", row=row["id"]
                    ),
                    at=row["at"],
                    files=files.get(row["id"], ()),
                )
                for row in rows
            ),
            asks=head["asks"],
        )
