"""What a test reaches: the lines of Python that it runs, and the blocks of SQL that it executes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from coverage import Coverage
from psycopg import AsyncCursor

from infra.postgres import queries

Reached = frozenset[tuple[str, int | str]]
"""Files, and the lines or blocks in them."""


class Tracer:
    """Watches this process from now on. It is for a forked child: there is no way back."""

    def __init__(self, files: Sequence[str], root: Path) -> None:
        self._modules = {file: str(root / file) for file in files if file.endswith(".py")}
        self._blocks: dict[str, tuple[str, str]] = {}
        self._executed: set[tuple[str, str]] = set()
        for file in files:
            if file.endswith(".sql"):
                blocks = queries.parse((root / file).read_text(encoding="utf-8"))
                self._blocks |= {statement: (file, block) for block, statement in blocks.items()}
        self._watch_statements()
        self._coverage = Coverage(data_file=None, config_file=False, include=list(self._modules.values()))
        self._coverage.start()

    def begin(self, test: str) -> None:
        """From here on everything counts for this test."""
        self._executed.clear()
        self._coverage.switch_context(test)

    def end(self, test: str) -> Reached:
        """What this test has reached."""
        data = self._coverage.get_data()
        data.set_query_context(test)
        lines = {(file, line) for file, path in self._modules.items() for line in data.lines(path) or ()}
        return frozenset(lines | self._executed)

    def _watch_statements(self) -> None:
        execute = AsyncCursor.execute

        async def watched(cursor: Any, query: Any, *arguments: Any, **options: Any) -> Any:
            if isinstance(query, str) and (place := self._blocks.get(query)):
                self._executed.add(place)
            return await execute(cursor, query, *arguments, **options)

        cast("Any", AsyncCursor).execute = watched
