"""Open questions out of the turns that left them, and what people decide of them.

Questions and answers are opened here and kept nowhere. That a case's words were shown is written down in its own
history. A decision is one transaction under one lock: it is refused when any of its turns was decided since it was
read, and an approval puts the article in within it. Broken off before the commit nothing has happened; after it, the
article is there and the questions are settled.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb
from uuid_utils.compat import uuid7

from infra.crypto.keyring import KeyDestroyedError, Keyring, SealBrokenError
from infra.knowledge.gaps import Asked, Decided, Gap, Reason
from infra.knowledge.ingest import Entry
from infra.postgres.articles import PostgresArticles
from infra.postgres.database import Connection, Database
from infra.postgres.queries import load
from infra.postgres.seals import key_of, name_of
from infra.postgres.views import note_view
from skills.errors import ConflictError
from skills.turn import ArticleId, CaseId, CustomerId


class Gaps:
    """Reads open questions and keeps decisions. Every method raises DatabaseUnavailableError.

    Args:
        database: where turns and decisions are.
        keyring: opens what was said.
        articles: takes what is approved.
    """

    def __init__(self, database: Database, keyring: Keyring, articles: PostgresArticles) -> None:
        self._database = database
        self._keyring = keyring
        self._articles = articles
        self._sql = load("gaps")

    async def asked(self, *, since: datetime, limit: int) -> list[Asked]:
        """The turns since then that left a question open, the newest ``limit``.

        Whose customer was erased is left out. Nothing is written down yet: see ``read_by``.
        """
        async with self._database.connection() as connection:
            cursor = await connection.execute(self._sql["open_turns"], {"since": since, "limit": limit})
            turns = await cursor.fetchall()
            cursor = await connection.execute(self._sql["said"], {"turns": [row["turn_id"] for row in turns]})
            said: dict[UUID, list[dict[str, Any]]] = {}
            for row in await cursor.fetchall():
                said.setdefault(row["turn_id"], []).append(row)
            cases = list({row["case_id"] for row in turns})
            named = await (await connection.execute(self._sql["names"], {"cases": cases})).fetchall()
        names = {row["id"]: row for row in named}
        found = (self._asked(row, said.get(row["turn_id"], []), names.get(row["customer_id"])) for row in turns)
        return [one for one in found if one is not None]

    async def read_by(self, reader: str, cases: Collection[CaseId]) -> None:
        """Write down that somebody was shown words of these cases; of none, there is nothing to write."""
        note_view("case.read")
        if not cases:
            return
        once = sorted(set(cases))
        values = {"ids": [uuid7() for _ in once], "cases": once, "actor": reader}
        async with self._database.connection() as connection:
            await connection.execute(self._sql["log_reads"], values)

    async def approve(self, gap: Gap, entry: Entry, model: str, by: str) -> None:
        """Put the article in, and settle the gap's questions with it.

        Raises:
            ConflictError: somebody decided meanwhile, or another embedding model answers; nothing was changed.
        """
        async with self._database.transaction() as connection:
            await self._refuse_decided(connection, gap)
            await self._articles.put_in(connection, [entry], model, by)
            await self._decide(connection, gap, by, action="approved", article_id=entry.article.id)

    async def dismiss(self, gap: Gap, reason: Reason, by: str) -> None:
        """Settle the gap's questions without an article.

        Raises:
            ConflictError: somebody decided meanwhile; nothing was changed.
        """
        async with self._database.transaction() as connection:
            await self._refuse_decided(connection, gap)
            await self._decide(connection, gap, by, action="dismissed", reason=reason)

    async def _refuse_decided(self, connection: Connection, gap: Gap) -> None:
        await connection.execute(self._sql["one_at_a_time"])
        cursor = await connection.execute(self._sql["decided"], {"turns": _turns(gap)})
        now = {row["turn_id"]: row["decision_id"] for row in await cursor.fetchall()}
        if now != {one.turn_id: one.decided.id for one in gap.asked if one.decided is not None}:
            raise ConflictError("somebody decided on this meanwhile", hint="read the gaps again")

    async def _decide(
        self,
        connection: Connection,
        gap: Gap,
        by: str,
        *,
        action: str,
        article_id: ArticleId | None = None,
        reason: Reason | None = None,
    ) -> None:
        decision_id, turns = uuid7(), _turns(gap)
        decision = {"id": decision_id, "action": action, "article_id": article_id, "reason": reason, "by": by}
        await connection.execute(self._sql["decide"], decision)
        await connection.execute(self._sql["put_turns"], {"decision_id": decision_id, "turns": turns})
        told = {"decision": str(decision_id), "questions": len(turns)}
        told |= {"article_id": str(article_id)} if reason is None else {"reason": reason}
        event = {"id": uuid7(), "kind": f"gap.{action}", "actor": by, "data": Jsonb(told)}
        await connection.execute(self._sql["log_decision"], event)

    def _asked(
        self, turn: Mapping[str, Any], said: Sequence[Mapping[str, Any]], named: Mapping[str, Any] | None
    ) -> Asked | None:
        try:
            texts = [(row["author"], self._opened(row)) for row in said]
            name = None if named is None else name_of(self._keyring, named)
        except (KeyDestroyedError, SealBrokenError):
            return None  # one that does not open must not hide the others
        asks = "\n".join(text for author, text in texts if author == "customer").strip()
        if not asks:
            return None
        return Asked(
            turn_id=turn["turn_id"],
            case_id=CaseId(turn["case_id"]),
            customer_id=CustomerId(turn["customer_id"]),
            at=turn["started_at"],
            language=turn["language"],
            text=asks,
            answer=next((text for author, text in texts if author == "human"), None),
            name=name,
            decided=None
            if turn["decision_id"] is None
            else Decided(turn["decision_id"], turn["article_id"], turn["decided_at"]),
        )

    def _opened(self, row: Mapping[str, Any]) -> str:
        return key_of(self._keyring, row).open(bytes(row["body_sealed"]), place="messages.body_sealed", row=row["id"])


def _turns(gap: Gap) -> list[UUID]:
    return [one.turn_id for one in gap.asked]
