"""What each of our statements takes in the server itself, under whatever load there is: from the log of its durations.

The server logs every statement it runs; its texts lead back to the names in ``infra/postgres/sql``. No process of the
product knows of it; pipelines and waiting for locks are counted as they are; parsing, planning and running are added
up. It costs the server a line a statement. Only servers of our own are asked: it takes their configuration file.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections import defaultdict
from collections.abc import Iterable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Self

from evals.loadtest.histogram import Histogram
from infra.postgres.database import Database
from infra.postgres.queries import load
from skills.errors import ConfigurationError

_LINE = re.compile(
    r"\[(?P<process>\d+)\] LOG:  duration: (?P<ms>[\d.]+) ms"
    r"  (?:(?P<step>parse|bind|execute)(?: [^:]*)?|statement): (?P<text>.*)",
    re.DOTALL,
)
_PLACEHOLDER = re.compile(r"%(?:\((\w+)\)[sbt]|%)")
_HOLE = re.compile(r"\{\w+\}")
_BEGINS = re.compile(r"^\d{4}-\d\d-\d\d ")
_OURS = "\n# a load test reads these\nlog_min_duration_statement = 0\nlog_parameter_max_length = 0\n"
_PATIENCE = 5.0
_WORDS = 4


class StatementLog:
    """Durations of every statement that the server runs during an ``async with``, in all of its databases.

    Args:
        database: on a server of our own, on this machine.

    Raises:
        ConfigurationError: on the way in; the server is somebody else's, or does not do as it is told.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._names = names()
        self._folder = Path()
        self._begin = 0

    async def __aenter__(self) -> Self:
        """Begin to log."""
        async with self._database.connection() as connection:
            row = await (await connection.execute("show data_directory")).fetchone()
        self._folder = Path(row["data_directory"] if row else "")
        if not self._log.exists() or not os.access(self._configuration, os.W_OK):
            raise ConfigurationError(
                "the statements' durations can't be read from this server",
                hint="leave DATABASE_URL out: an embedded server of this user lets itself be read",
            )
        with self._configuration.open("a", encoding="utf-8") as file:
            file.write(_OURS)
        await self._reload("0")
        self._begin = self._log.stat().st_size
        return self

    async def __aexit__(self, *_: object) -> None:
        """Log no more."""
        text = self._configuration.read_text(encoding="utf-8")
        self._configuration.write_text(text.replace(_OURS, ""), encoding="utf-8")
        await self._reload("-1")

    async def read(self) -> dict[str, Histogram]:
        """What was logged since the beginning, or since the last time, by the statements' names."""
        with self._log.open("rb") as file:
            file.seek(self._begin)
            text = await asyncio.to_thread(file.read)
        self._begin += len(text)
        return await asyncio.to_thread(durations, text.decode(errors="replace").splitlines(), self._names)

    @property
    def _log(self) -> Path:
        return self._folder.parent / "postgres.log"

    @property
    def _configuration(self) -> Path:
        return self._folder / "postgresql.conf"

    async def _reload(self, expected: str) -> None:
        server = int((self._folder / "postmaster.pid").read_text(encoding="utf-8").split()[0])
        os.kill(server, signal.SIGHUP)
        deadline = asyncio.get_running_loop().time() + _PATIENCE
        while asyncio.get_running_loop().time() < deadline:
            async with self._database.connection() as connection:
                row = await (await connection.execute("show log_min_duration_statement")).fetchone()
            if row is not None and row["log_min_duration_statement"] == expected:
                return
            await asyncio.sleep(0.05)
        raise ConfigurationError("the server did not change what it logs", hint="its log says why")


def durations(lines: Iterable[str], known: Mapping[str, str]) -> dict[str, Histogram]:
    """Durations by statement, out of a server's log.

    Args:
        lines: the log's. A statement of several lines has tabs before the further ones.
        known: names by text, as ``names`` has them; what is not there is named by its first words, in brackets.
    """
    found: defaultdict[str, Histogram] = defaultdict(Histogram)
    named = dict(known)
    prepared: defaultdict[str, float] = defaultdict(float)
    for entry in _entries(lines):
        told = _LINE.search(entry)
        if told is None:
            continue
        process, seconds = told["process"], float(told["ms"]) / 1000
        if told["step"] in {"parse", "bind"}:
            prepared[process] += seconds
            continue
        text = _plain(told["text"])
        if text not in named:
            named[text] = _composed(text, known) or f"[{' '.join(text.split()[:_WORDS]).lower()}]"
        found[named[text]].add(seconds + prepared.pop(process, 0.0))
    return dict(found)


def names() -> dict[str, str]:
    """``file.block`` by the statement's text as the server sees it, of every statement in ``infra/postgres/sql``."""
    stems = sorted(file.name.removesuffix(".sql") for file in files("infra.postgres").joinpath("sql").iterdir())
    return {_plain(_as_sent(text)): f"{stem}.{block}" for stem in stems for block, text in load(stem).items()}


def _composed(text: str, known: Mapping[str, str]) -> str | None:
    """The name of the statement that this one was composed from: its text has ``{names}`` where this one has others."""
    for template, name in known.items():
        if _HOLE.search(template) and re.fullmatch(".+".join(map(re.escape, _HOLE.split(template))), text):
            return name
    return None


def _as_sent(text: str) -> str:
    """With numbers for placeholders, as psycopg sends it: the same name is the same number."""
    numbers: dict[str, int] = {}

    def number(found: re.Match[str]) -> str:
        return "%" if found[1] is None else f"${numbers.setdefault(found[1], len(numbers) + 1)}"

    return _PLACEHOLDER.sub(number, text)


def _plain(text: str) -> str:
    return " ".join(text.split())


def _entries(lines: Iterable[str]) -> Iterable[str]:
    """The log's entries, each with its further lines."""
    entry: list[str] = []
    for line in lines:
        if _BEGINS.match(line):
            if entry:
                yield "\n".join(entry)
            entry = [line]
        elif entry:
            entry.append(line)
    if entry:
        yield "\n".join(entry)
