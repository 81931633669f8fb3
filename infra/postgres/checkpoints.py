"""One saver and one serializer a turn: checkpoints sealed with the customer's key, written in the turn's own commit.

While the graph runs, the saver keeps what LangGraph wants to save; ``flush`` writes it through the connection of the
finishing transaction. If that rolls back, no checkpoint was ever there. A fresh turn starts on an empty thread: its
history is in the messages table, so nothing of an earlier turn can leak into it and turn 200 costs what turn 2 cost.

What lies in Postgres readable: ids, versions and counters. Every channel of the state is an object (``skills.turn``),
so all of them go through the serializer, and a bare string does too, which LangGraph would store as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any
from uuid import UUID

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    WRITES_IDX_MAP,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    get_checkpoint_id,
    get_serializable_checkpoint_metadata,
)
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.checkpoint.postgres.base import PRUNE_DELETE_THREADS_SQL
from langgraph.checkpoint.serde.base import SerializerProtocol
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from psycopg.types.json import Jsonb

from infra.crypto.keyring import CustomerKey, SealBrokenError
from infra.postgres.database import Connection, Database
from skills.turn import CHECKPOINTED

_INNER = JsonPlusSerializer(allowed_msgpack_modules=CHECKPOINTED)
_MARK = "+sealed"


class SealedSerializer(SerializerProtocol):
    """Seals every value with the customer's key, the thread as associated data.

    A value of another thread, an altered one and a plain one are all refused, and only the types of
    ``skills.turn.CHECKPOINTED`` come back to life.
    """

    def __init__(self, key: CustomerKey, thread_id: str) -> None:
        self._key = key
        self._context = f"checkpoint\x1f{thread_id}".encode()

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
        """LangGraph's type name with a mark, and the sealed bytes."""
        kind, data = _INNER.dumps_typed(obj)
        return kind + _MARK, self._key.seal_bytes(data, self._context)

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        """The value again.

        Raises:
            SealBrokenError: it was not sealed by this key for this thread.
        """
        kind, sealed = data
        if not kind.endswith(_MARK):
            raise SealBrokenError("a checkpoint holds a value that was never sealed")
        return _with_tuples(_INNER.loads_typed((kind.removesuffix(_MARK), self._key.open_bytes(sealed, self._context))))


def _with_tuples(value: Any) -> Any:
    """Msgpack knows no tuples; in our own objects every list was one."""
    if isinstance(value, list):
        return [_with_tuples(item) for item in value]
    if isinstance(value, CHECKPOINTED) and is_dataclass(value) and not isinstance(value, type):
        changed = {}
        for field in fields(value):
            before = getattr(value, field.name)
            after = _with_tuples(before)
            if after is not before:
                changed[field.name] = tuple(after) if isinstance(after, list) else after
        return replace(value, **changed) if changed else value
    return value


class TurnCheckpointer(AsyncPostgresSaver):
    """The checkpointer of one turn of one case.

    Args:
        database: read from when a paused turn resumes; ``None`` for a fresh turn, which has nothing to read.
        key: the customer's.
        case_id: the thread.
    """

    def __init__(self, database: Database | None, key: CustomerKey, case_id: UUID) -> None:
        # The parent wants a connection of its own; every use of it is overridden here, or given one by flush.
        super().__init__(conn=None, serde=SealedSerializer(key, str(case_id)))  # type: ignore[arg-type] # see above
        self.key = key
        self._database = database
        self._thread_id = str(case_id)
        self._checkpoints: list[tuple[RunnableConfig, Checkpoint, CheckpointMetadata, ChannelVersions]] = []
        self._writes: list[tuple[RunnableConfig, Sequence[tuple[str, Any]], str, str]] = []

    @property
    def checkpoint_id(self) -> str:
        """The id of the newest checkpoint that was kept."""
        return self._checkpoints[-1][1]["id"]

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """The paused turn's checkpoint; nothing for a fresh turn."""
        if self._database is None:
            return None
        async with self._database.connection() as connection:
            reader = AsyncPostgresSaver(connection, serde=self.serde)
            return await reader.aget_tuple(config)

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Keep a checkpoint for the flush."""
        self._checkpoints.append((config, checkpoint, metadata, new_versions))
        configurable = config["configurable"]
        return {
            "configurable": {
                "thread_id": configurable["thread_id"],
                "checkpoint_ns": configurable.get("checkpoint_ns", ""),
                "checkpoint_id": checkpoint["id"],
            }
        }

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Keep a task's writes for the flush."""
        self._writes.append((config, writes, task_id, task_path))

    async def flush(self, connection: Connection, *, replace: bool) -> None:
        """Write all that was kept, within the caller's transaction and pipeline.

        Args:
            connection: of the finishing transaction.
            replace: drop what the thread had before, which an earlier turn left.
        """
        if replace:
            for statement in PRUNE_DELETE_THREADS_SQL:
                await connection.execute(statement, ([self._thread_id],))
        async with connection.cursor() as cursor:
            for config, checkpoint, metadata, versions in self._checkpoints:
                values = checkpoint["channel_values"]
                namespace = config["configurable"].get("checkpoint_ns", "")
                inline = {k: v for k, v in values.items() if v is None or isinstance(v, bool | int | float)}
                blobs = {k: v for k, v in values.items() if k not in inline}
                changed = {k: v for k, v in versions.items() if k in blobs}
                if changed:
                    await cursor.executemany(
                        self.UPSERT_CHECKPOINT_BLOBS_SQL,
                        self._dump_blobs(self._thread_id, namespace, blobs, changed),
                    )
                await cursor.execute(
                    self.UPSERT_CHECKPOINTS_SQL,
                    (
                        self._thread_id,
                        namespace,
                        checkpoint["id"],
                        get_checkpoint_id(config),
                        Jsonb({**checkpoint, "channel_values": inline}),
                        Jsonb(get_serializable_checkpoint_metadata(config, metadata)),
                    ),
                )
            for config, writes, task_id, task_path in self._writes:
                place = config["configurable"]
                rows = self._dump_writes(
                    self._thread_id, place.get("checkpoint_ns", ""), place["checkpoint_id"], task_id, task_path, writes
                )
                upsert = all(write[0] in WRITES_IDX_MAP for write in writes)
                statement = self.UPSERT_CHECKPOINT_WRITES_SQL if upsert else self.INSERT_CHECKPOINT_WRITES_SQL
                await cursor.executemany(statement, rows)
