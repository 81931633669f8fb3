"""Which embedding model answers: one row says it, and changes in one moment.

Died half-way: while a model is filled, nothing has changed for anybody; after the switch the old model's row says that
it leaves until the last of its vectors is gone, so that the next run goes on dropping.
"""

from __future__ import annotations

from psycopg import sql

from infra.knowledge.switching import Model
from infra.postgres.database import Database
from infra.postgres.queries import load
from skills.errors import NotFoundError


class PostgresEmbeddingModels:
    """Implements ``infra.knowledge.reindexing.EmbeddingModels``. Every method raises DatabaseUnavailableError."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sql = load("embedding_models")

    async def answering(self) -> Model | None:
        """The one that answers; ``None`` while no article was ever added."""
        async with self._database.connection() as connection:
            row = await (await connection.execute(self._sql["answering"])).fetchone()
        return None if row is None else Model(row["model"], row["dimensions"])

    async def begin(self, model: Model) -> None:
        """From now on this one is filled beside the one that answers."""
        values = {"model": model.name, "dimensions": model.dimensions}
        async with self._database.connection() as connection:
            await connection.execute(self._sql["begin"], values)

    async def count_waiting(self, model: str) -> int:
        """Passages without a vector of it."""
        async with self._database.transaction() as connection:
            await connection.execute("set local statement_timeout = '60s'")
            row = await (await connection.execute(self._sql["count_waiting"], {"model": model})).fetchone()
        assert row is not None  # an aggregate always has a row
        return int(row["waiting"])

    async def switch(self, model: str) -> bool:
        """Let it answer, unless a passage waits for its vector; says whether it does now.

        Raises:
            NotFoundError: nobody began to fill it.
        """
        values = {"model": model}
        async with self._database.transaction() as connection:
            await connection.execute("set local statement_timeout = '60s'")
            await connection.execute(self._sql["lock"])
            row = await (await connection.execute(self._sql["any_waiting"], values)).fetchone()
            assert row is not None  # it has no table
            if row["waiting"]:
                return False
            await connection.execute(self._sql["retire"], values)
            promoted = await connection.execute(self._sql["promote"], values)
            if promoted.rowcount == 0:
                raise NotFoundError(f"the model {model} is not being filled")
        return True

    async def leaving(self) -> list[str]:
        """The models that answered before and still have vectors."""
        async with self._database.connection() as connection:
            return [row["model"] for row in await (await connection.execute(self._sql["leaving"])).fetchall()]

    async def drop(self, model: str) -> int:
        """Remove what is left of a model that leaves, in steps that hold up nobody; returns how many vectors it had.

        Raises:
            NotFoundError: it does not leave, so nothing was removed.
        """
        if model not in await self.leaving():
            raise NotFoundError(f"the model {model} does not leave")
        values = {"model": model}
        dropped = 0
        async with self._database.connection() as connection:
            while (step := await connection.execute(self._sql["drop_vectors"], values)).rowcount:
                dropped += step.rowcount
            while (await connection.execute(self._sql["drop_cache"], values)).rowcount:
                pass
            for row in await (await connection.execute(self._sql["index_of"], values)).fetchall():
                # Concurrently: searches that run are waited for, and none waits.
                statement = sql.SQL("drop index concurrently if exists {}").format(sql.Identifier(row["name"]))
                await connection.execute("set statement_timeout = 0")
                try:
                    await connection.execute(statement)
                finally:
                    await connection.execute("reset statement_timeout")
            await connection.execute(self._sql["forget"], values)
        return dropped
