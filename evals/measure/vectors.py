"""Vectors by content hash in a file of this machine: a second run embeds nothing again."""

from __future__ import annotations

import os
import sqlite3
from array import array
from collections.abc import Mapping, Sequence
from pathlib import Path

_AT_ONCE = 500


def cache_folder() -> Path:
    """Where what is kept between runs lies: under ``XDG_CACHE_HOME``, else ``~/.cache``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "csagent"


def vectors_file() -> Path:
    """Where they lie. Deleting it costs time and nothing else."""
    return cache_folder() / "vectors.sqlite"


class FileVectorCache:
    """Implements ``infra.models.cache.VectorCache``. Several processes may use one file at a time."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(file, timeout=60, isolation_level=None)
        self._connection.execute("pragma journal_mode = wal")
        self._connection.execute("pragma synchronous = off")
        self._connection.execute(
            "create table if not exists vectors (model text, digest blob, vector blob, primary key (model, digest)) "
            "without rowid"
        )

    async def find(self, model: str, digests: Sequence[bytes]) -> Mapping[bytes, list[float]]:
        """Those that are known."""
        found: dict[bytes, list[float]] = {}
        for start in range(0, len(digests), _AT_ONCE):
            some = digests[start : start + _AT_ONCE]
            marks = ",".join("?" * len(some))
            rows = self._connection.execute(
                f"select digest, vector from vectors where model = ? and digest in ({marks})",  # noqa: S608 - marks only
                [model, *some],
            )
            found.update((digest, array("f", vector).tolist()) for digest, vector in rows)
        return found

    async def keep(self, model: str, vectors: Mapping[bytes, Sequence[float]]) -> None:
        """Remember these."""
        rows = [(model, digest, array("f", vector).tobytes()) for digest, vector in vectors.items()]
        self._connection.executemany("insert or ignore into vectors values (?, ?, ?)", rows)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
