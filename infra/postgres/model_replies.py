"""A model's answers, kept sealed while their turn is unfinished, so that a crash does not pay for them twice.

A turn keeps its id over crashes, and the same messages make the same prompt: the successor finds what the dead worker
was told. The turn's commit forgets them. The database away: the model is asked, as if nothing had been kept.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from uuid import UUID

from graph.handling import CURRENT_WORK
from infra.postgres.checkpoints import TurnCheckpointer
from infra.postgres.database import Database
from infra.postgres.queries import load
from skills.errors import DatabaseUnavailableError
from skills.ports import Answer, StructuredModel
from skills.turn import TurnId


class KeptReplies:
    """``skills.ports.StructuredModel`` around another one.

    Args:
        model: who is asked.
        database: where answers are kept.
    """

    def __init__(self, model: StructuredModel, database: Database) -> None:
        self._model = model
        self._database = database
        self._sql = load("model_replies")

    @property
    def name(self) -> str:
        """The asked model's."""
        return self._model.name

    async def fill(self, *, instructions: str, material: str, form: type[Answer]) -> Answer:
        """The kept answer of this turn to this very prompt, else the model's, which is then kept."""
        work = CURRENT_WORK.get()
        if work is None or not isinstance(work.checkpointer, TurnCheckpointer):
            return await self._model.fill(instructions=instructions, material=material, form=form)
        turn_id, key = work.lease.turn_id, work.checkpointer.key
        prompt_hash = _hash(self.name, instructions, material, form)
        context = b"model_replies.reply_sealed\x1f" + turn_id.bytes + prompt_hash
        with suppress(DatabaseUnavailableError):
            kept = await self._find(turn_id, prompt_hash, key.id)
            if kept is not None:
                return form.model_validate_json(key.open_bytes(kept, context))
        answer = await self._model.fill(instructions=instructions, material=material, form=form)
        with suppress(DatabaseUnavailableError):
            async with self._database.connection() as connection:
                await connection.execute(
                    self._sql["keep"],
                    {
                        "turn_id": turn_id,
                        "prompt_hash": prompt_hash,
                        "key_id": key.id,
                        "reply_sealed": key.seal_bytes(answer.model_dump_json().encode(), context),
                    },
                )
        return answer

    async def _find(self, turn_id: TurnId, prompt_hash: bytes, key_id: UUID) -> bytes | None:
        async with self._database.connection() as connection:
            cursor = await connection.execute(
                self._sql["find"], {"turn_id": turn_id, "prompt_hash": prompt_hash, "key_id": key_id}
            )
            row = await cursor.fetchone()
        return None if row is None else bytes(row["reply_sealed"])


def _hash(name: str, instructions: str, material: str, form: type[Answer]) -> bytes:
    parts = (name, form.__module__, form.__qualname__, instructions, material)
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).digest()
