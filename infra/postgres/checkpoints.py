"""One saver and one serializer a turn: checkpoints sealed with the customer's key, written in the turn's own commit.

While the graph runs, the saver keeps what LangGraph wants to save; ``rows`` hands it to the transaction that pauses the
turn. If that is refused, no checkpoint was ever there. A fresh turn starts on an empty thread: its history is in the
messages table, so nothing of an earlier turn can leak into it and turn 200 costs what turn 2 cost. There are no
subgraphs, hence one namespace, the empty one.

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
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    get_checkpoint_id,
    get_serializable_checkpoint_metadata,
)
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.checkpoint.serde.base import SerializerProtocol
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from psycopg.types.json import Jsonb

from infra.crypto.keyring import CustomerKey, SealBrokenError
from infra.postgres.database import Database
from skills.turn import CHECKPOINTED

_TABLES = (
    ("checkpoint_ids", "checkpoint_parents", "checkpoints", "checkpoint_metadata"),
    ("blob_channels", "blob_versions", "blob_types", "blobs"),
    ("write_checkpoints", "write_tasks", "write_paths", "write_places", "write_channels", "write_types", "writes"),
)
"""What ``save_thread`` calls the columns of checkpoints, checkpoint_blobs and checkpoint_writes."""
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
        # The parent wants a connection of its own; every use of it is overridden here.
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
        """Keep a checkpoint until the turn's end."""
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
        """Keep a task's writes until the turn's end."""
        self._writes.append((config, writes, task_id, task_path))

    def rows(self) -> dict[str, list[Any]]:
        """All that was kept, a list for each column of the three tables, as ``save_thread`` takes them."""
        checkpoints = [self._checkpoint_row(*kept) for kept in self._checkpoints]
        blobs = [row for kept in self._checkpoints for row in self._blob_rows(kept[1], kept[3])]
        writes: dict[tuple[str, str, int], tuple[Any, ...]] = {}
        for config, values, task_id, task_path in self._writes:
            place = config["configurable"]
            dumped = self._dump_writes(self._thread_id, "", place["checkpoint_id"], task_id, task_path, values)
            for _, _, checkpoint_id, task, path, index, channel, kind, blob in dumped:
                # Errors, interrupts and resumptions have fixed places below zero, where the newest counts.
                if index < 0 or (checkpoint_id, task, index) not in writes:
                    writes[checkpoint_id, task, index] = (checkpoint_id, task, path, index, channel, kind, blob)
        tables = (checkpoints, blobs, list(writes.values()))
        return {
            name: [row[place] for row in rows]
            for names, rows in zip(_TABLES, tables, strict=True)
            for place, name in enumerate(names)
        }

    def _checkpoint_row(
        self, config: RunnableConfig, checkpoint: Checkpoint, metadata: CheckpointMetadata, _versions: ChannelVersions
    ) -> tuple[Any, ...]:
        inline, _ = _apart(checkpoint)
        return (
            checkpoint["id"],
            get_checkpoint_id(config),
            Jsonb({**checkpoint, "channel_values": inline}),
            Jsonb(get_serializable_checkpoint_metadata(config, metadata)),
        )

    def _blob_rows(self, checkpoint: Checkpoint, versions: ChannelVersions) -> list[tuple[Any, ...]]:
        _, blobs = _apart(checkpoint)
        changed = {channel: version for channel, version in versions.items() if channel in blobs}
        return [row[2:] for row in self._dump_blobs(self._thread_id, "", blobs, changed)]


def _apart(checkpoint: Checkpoint) -> tuple[dict[str, Any], dict[str, Any]]:
    """The values that stand in the checkpoint itself, and those that go sealed into rows of their own."""
    values = checkpoint["channel_values"]
    inline = {k: v for k, v in values.items() if v is None or isinstance(v, bool | int | float)}
    return inline, {k: v for k, v in values.items() if k not in inline}
