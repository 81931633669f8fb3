"""``make bench``: the whole pipeline (HTTP in → outbox) against the bare graph, the search, and the console.

Pipeline and graph alternate on one PostgreSQL; ``tests/bench/search.py`` and ``tests/bench/console.py`` say what is
measured there. Prints what it measures as it goes, and ends with one line of JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import signal
import socket
import statistics
import sys
import tempfile
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import psycopg
import uvloop

from evals.__main__ import DATA
from infra.embedded.servers import EmbeddedServers
from infra.postgres.database import Database
from infra.postgres.migrate import migrate
from tests.bench.console import bench_console
from tests.bench.cpu import cpu_seconds
from tests.bench.search import PASSAGES, bench_search
from tests.client import Connection
from tests.databases import a_database, on

AT_ONCE = 20

Durability = Literal["sync", "exit"]


@dataclass(frozen=True)
class Options:
    """How much is measured; ``--quick`` is enough to see that it runs."""

    turns: int
    rounds: int
    idle: int
    seconds: float


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class Bench:
    """One run against one set of servers."""

    def __init__(self, environment: dict[str, str], database: Database, port: int, options: Options) -> None:
        self._environment = environment
        self._database = database
        self._port = port
        self._options = options
        self._processes: dict[str, asyncio.subprocess.Process] = {}

    async def run(self) -> dict[str, Any]:
        async with self._process("bare", "tests.bench.bare") as bare:
            figures = await self._alternate(bare)
        async with self._service("api", str(self._port)):
            await self._until_up()
            figures["ingest_per_s"] = round(await self._ingest(), 1)
            took = await self._acknowledge()
            figures["ack_p99_ms"] = round(statistics.quantiles(took, n=100)[98], 1)
            figures["split_p50_ms"]["inbox"] = round(statistics.median(took), 1)
        figures["idle_p50_ms_default_settle"] = round(await self._idle_with_default_settle(), 1)
        return figures

    async def _alternate(self, bare: asyncio.subprocess.Process) -> dict[str, Any]:
        figures: dict[str, list[float]] = {}
        memory: dict[str, float] = {}
        split: dict[str, float] = {}
        cpu: dict[str, float] = {}
        for number in range(self._options.rounds):
            await self._empty()
            for durability in ("sync", "exit"):
                for at_once in (1, AT_ONCE):
                    turns = self._options.turns // (4 if at_once == 1 else 1)
                    rate = await self._bare(bare, durability, at_once, turns)
                    figures.setdefault(f"bare_{durability}_{at_once}", []).append(rate)
            async with (
                self._service("api", str(self._port)),
                self._service("sender"),
                self._service("worker") as worker,
            ):
                await self._until_up()
                await self._idle(5)  # warm
                figures.setdefault("idle", []).append(await self._idle(self._options.idle))
                figures.setdefault("pipeline_1", []).append(await self._pipeline(1, self._options.turns // 4))
                before = self._cpu()
                figures.setdefault("pipeline_20", []).append(await self._pipeline(AT_ONCE, self._options.turns))
                cpu = {
                    name: round((seconds - before[name]) * 1000 / self._options.turns, 2)
                    for name, seconds in self._cpu().items()
                }
                memory = {name: resident_mb(process.pid) for name, process in self._processes.items()}
                worker.send_signal(signal.SIGTERM)
                assert worker.stdout is not None
                split = json.loads(await worker.stdout.readline() or b"{}")
            say(f"round {number + 1}: " + ", ".join(f"{name} {values[-1]:.1f}" for name, values in figures.items()))
        middle = {name: statistics.median(values) for name, values in figures.items()}
        return {
            "pipeline_per_s": round(middle["pipeline_20"], 1),
            "bare_sync_per_s": round(middle["bare_sync_20"], 1),
            "ratio": round(middle["pipeline_20"] / middle["bare_sync_20"], 2),
            "durability": "exit",
            "bare_same_per_s": round(middle["bare_exit_20"], 1),
            "ratio_same_durability": round(middle["pipeline_20"] / middle["bare_exit_20"], 2),
            "one_at_a_time": {
                name: round(middle[key], 1)
                for name, key in (
                    ("pipeline_per_s", "pipeline_1"),
                    ("bare_sync_per_s", "bare_sync_1"),
                    ("bare_same_per_s", "bare_exit_1"),
                )
            },
            "processes": {"worker": 1, "api": 1, "sender": 1},
            "idle_p50_ms": round(middle["idle"], 1),
            "split_p50_ms": split,
            "cpu_ms_per_turn": cpu,
            "worker_rss_mb": memory["worker"],
            "rss_mb": memory,
        }

    async def _bare(self, process: asyncio.subprocess.Process, durability: str, at_once: int, turns: int) -> float:
        assert process.stdin is not None
        assert process.stdout is not None
        asked = {"durability": durability, "at_once": at_once, "turns": turns}
        process.stdin.write(json.dumps(asked).encode() + b"\n")
        return float(await process.stdout.readline())

    async def _pipeline(self, at_once: int, turns: int) -> float:
        """Turns per second, each of a conversation of its own, ``at_once`` of them under way."""
        answered: dict[str, asyncio.Future[None]] = {}
        watching = asyncio.create_task(self._watch_outbox(answered))
        left = iter(range(turns))

        async def customer() -> None:
            connection = Connection("127.0.0.1", self._port)
            await connection.open()
            for _ in left:
                taken = await connection.post_message("How long does delivery take?")
                await answered.setdefault(taken["case_id"], asyncio.get_running_loop().create_future())
            connection.close()

        began = time.perf_counter()
        await asyncio.gather(*(customer() for _ in range(at_once)))
        seconds = time.perf_counter() - began
        watching.cancel()
        return turns / seconds

    def _cpu(self) -> dict[str, float]:
        """Processor seconds so far of each service, of both servers, and of this measuring itself."""
        return {
            **{name: cpu_seconds(process.pid) for name, process in self._processes.items()},
            **{server: cpu_seconds(os.getpid(), named=server) for server in ("postgres", "redis-server")},
            "measuring": time.process_time(),
        }

    async def _idle(self, messages: int) -> float:
        """Median milliseconds from a request to its reply in the outbox, one message at a time."""
        answered: dict[str, asyncio.Future[None]] = {}
        watching = asyncio.create_task(self._watch_outbox(answered, every=0.001))
        connection = Connection("127.0.0.1", self._port)
        await connection.open()
        took = []
        for _ in range(messages):
            began = time.perf_counter()
            taken = await connection.post_message("How long does delivery take?")
            await answered.setdefault(taken["case_id"], asyncio.get_running_loop().create_future())
            took.append((time.perf_counter() - began) * 1000)
            await asyncio.sleep(0.02)
        watching.cancel()
        connection.close()
        return statistics.median(took)

    async def _idle_with_default_settle(self) -> float:
        self._environment.pop("CSAGENT_SETTLE__CHAT")
        await self._empty()  # the ingest left thousands of messages that nobody worked on
        async with self._service("api", str(self._port)), self._service("sender"), self._service("worker"):
            await self._until_up()
            await self._idle(2)
            return await self._idle(max(5, self._options.idle // 10))

    async def _watch_outbox(self, answered: dict[str, asyncio.Future[None]], *, every: float = 0.008) -> None:
        """Fulfil the future of every case whose reply is in the outbox, at next to no cost for the server."""
        # Ids grow with time, but are given before their commits: a little is read again, so that none is passed over.
        async with self._database.connection() as connection:
            cursor = await connection.execute("select id from outbox order by id desc limit %s", [2 * AT_ONCE])
            latest = deque([row["id"] for row in await cursor.fetchall()][::-1], maxlen=2 * AT_ONCE)
            seen = set(latest)
            if len(latest) < 2 * AT_ONCE:
                latest.appendleft(UUID(int=0))
            while True:
                cursor = await connection.execute(
                    "select id, case_id from outbox where id > %s order by id", [latest[0]]
                )
                for found in await cursor.fetchall():
                    if found["id"] in seen:
                        continue
                    seen.add(found["id"])
                    latest.append(found["id"])
                    future = answered.setdefault(str(found["case_id"]), asyncio.get_running_loop().create_future())
                    if not future.done():
                        future.set_result(None)
                await asyncio.sleep(every)

    async def _ingest(self) -> float:
        """Messages stored per second, with 32 connections that never pause."""
        stop = time.perf_counter() + self._options.seconds
        stored = 0

        async def customer() -> None:
            nonlocal stored
            connection = Connection("127.0.0.1", self._port)
            await connection.open()
            token = (await connection.post_message("hello"))["conversation_token"]
            while time.perf_counter() < stop:
                await connection.post_message("How long does delivery take?", token)
                stored += 1
            connection.close()

        await asyncio.gather(*(customer() for _ in range(32)))
        return stored / self._options.seconds

    async def _acknowledge(self) -> list[float]:
        """Milliseconds to each acknowledgement, at 100 messages a second (open model)."""
        took: list[float] = []
        free: asyncio.Queue[Connection] = asyncio.Queue()
        for _ in range(50):
            connection = Connection("127.0.0.1", self._port)
            await connection.open()
            free.put_nowait(connection)

        async def one() -> None:
            began = time.perf_counter()
            connection = await free.get()
            await connection.post_message("How long does delivery take?")
            free.put_nowait(connection)
            took.append((time.perf_counter() - began) * 1000)

        count = int(100 * self._options.seconds)
        began = time.perf_counter()
        tasks = []
        for number in range(count):
            await asyncio.sleep(max(0.0, began + number / 100 - time.perf_counter()))
            tasks.append(asyncio.create_task(one()))
        await asyncio.gather(*tasks)
        while not free.empty():
            free.get_nowait().close()
        return took

    async def _empty(self) -> None:
        async with self._database.connection() as connection:
            await connection.execute("truncate customers, customer_keys, checkpoints, checkpoint_blobs cascade")
            await connection.execute("truncate checkpoint_writes, model_replies, events, dead_letters")

    async def _until_up(self) -> None:
        for _ in range(300):
            try:
                connection = Connection("127.0.0.1", self._port)
                await connection.open()
            except OSError:
                await asyncio.sleep(0.1)
            else:
                connection.close()
                return
        raise RuntimeError("the API did not come up")

    @asynccontextmanager
    async def _service(self, name: str, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
        async with self._process(name, "tests.service", name, *arguments) as process:
            yield process

    @asynccontextmanager
    async def _process(self, name: str, module: str, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            module,
            *arguments,
            env=self._environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        self._processes[name] = process
        try:
            yield process
        finally:
            del self._processes[name]
            if process.returncode is None:
                process.terminate()
            await process.wait()


def resident_mb(pid: int) -> float:
    """Resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _key(file: Path) -> str:
    """The service's own key, in base64: what was kept was sealed with it."""
    if not file.exists():
        file.write_text(base64.b64encode(os.urandom(32)).decode(), encoding="ascii")
    return file.read_text(encoding="ascii")


def _console_database(server_url: str) -> AbstractContextManager[str]:
    """The address of the database that is kept for the console, made where there is none."""
    with psycopg.connect(server_url, autocommit=True) as server:
        if server.execute("select from pg_database where datname = 'console'").fetchone() is None:
            server.execute("create database console")
    return nullcontext(on(server_url, "console"))


async def _search(url: str, data: Path, *, quick: bool, embed_copies: bool) -> dict[str, Any]:
    if not (data / "dstc10_faq").is_dir():
        say(f"search: skipped, {data / 'dstc10_faq'} is not there")
        return {}
    database = Database(url, size=4, statement_timeout=60.0)  # comparing all takes its time
    await database.open()
    try:
        return await bench_search(database, data, passages=3000 if quick else PASSAGES, embed_copies=embed_copies)
    finally:
        await database.close()


async def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--quick", action="store_true", help="a short run, to see that it works")
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the public data, for the search")
    parser.add_argument("--embed-copies", action="store_true", help="let the model embed all that is searched")
    parser.add_argument("--only", choices=("pipeline", "search", "console"), help="this part alone")
    parser.add_argument("--keep", type=Path, help="folder of the servers, used again with all in it")
    asked = parser.parse_args()
    quick = asked.quick
    options = Options(turns=80, rounds=1, idle=10, seconds=1.0) if quick else Options(600, 3, 100, 8.0)
    if asked.keep is not None:
        asked.keep.mkdir(exist_ok=True)
    kept = None if asked.keep is None else nullcontext(str(asked.keep.resolve()))
    with kept or tempfile.TemporaryDirectory(prefix="csagent-", dir="/tmp") as place:
        os.chmod(place, 0o755)  # noqa: PTH101 - as root the servers run as somebody else, who has to get in
        folder = Path(place)
        async with EmbeddedServers(folder / "data", system_folder=folder / "system") as servers:
            database = Database(servers.database_url, size=4)
            await database.open()
            await migrate(database)
            key = _key(folder / "key")
            environment = {
                **os.environ,
                "DATABASE_URL": servers.database_url,
                "CSAGENT_MASTER_KEYS": f"bench:{key}",
                "CSAGENT_INDEX_KEY": key,
                "CSAGENT_SETTLE__CHAT": "0",
                **({"REDIS_URL": servers.redis_url} if servers.redis_url else {}),
            }
            figures: dict[str, Any] = {}
            if asked.only in {None, "pipeline"}:
                figures |= await Bench(environment, database, free_port(), options).run()
            await database.close()
            if asked.only in {None, "search"}:
                figures |= await _search(servers.database_url, asked.data, quick=quick, embed_copies=asked.embed_copies)
            if asked.only in {None, "console"}:
                with _console_database(servers.database_url) if kept else a_database(servers.database_url) as url:
                    console = {**environment, "DATABASE_URL": url}
                    figures["console"] = await bench_console(console, key, port=free_port(), quick=quick)
    print(json.dumps(figures))


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
