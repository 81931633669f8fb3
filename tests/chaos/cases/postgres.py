"""PostgreSQL restarted, out of connections, out of disk."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import psycopg

from tests.chaos.judge import judge
from tests.chaos.records import collect, settled
from tests.chaos.recovery import Recoveries
from tests.chaos.scene import Scene, Skipped, case
from tests.chaos.stage import set_up

SMALL_DISK = 320
"""MiB: twice what an empty server and its log need."""


@case(6)
async def postgres_restarts_every_few_seconds(scene: Scene) -> None:
    """Six restarts as with ``-m immediate`` under load; each time the product goes on by itself."""
    async with scene.load(talks=16, pause=0.3):
        for _ in range(6):
            await asyncio.sleep(scene.dice.uniform(1.5, 3.0))
            scene.recoveries.note("postgres restart", await scene.stage.restart_postgres())
            scene.happened()
        await asyncio.sleep(3.0)


@case(6)
async def every_backend_is_terminated_again_and_again(scene: Scene) -> None:
    """``pg_terminate_backend`` on every connection of the product, ten times, under load."""
    async with scene.load(talks=16, pause=0.3):
        for _ in range(10):
            await asyncio.sleep(scene.dice.uniform(0.2, 1.0))
            await scene.stage.terminate_backends()
            scene.recoveries.note("backends terminated")
            scene.happened()
        await asyncio.sleep(2.0)


@case(6)
async def the_server_has_no_connection_left(scene: Scene) -> None:
    """Strangers hold every connection that the server gives out, and the product's own have just been cut."""
    async with scene.load(talks=16, pause=0.3), AsyncExitStack() as strangers:
        await scene.stage.terminate_backends()
        with suppress(psycopg.OperationalError):
            while True:
                stranger = await psycopg.AsyncConnection.connect(scene.stage.servers.database_url, connect_timeout=2)
                await strangers.enter_async_context(stranger)
        scene.happened()
        await asyncio.sleep(5.0)
        await strangers.aclose()
        scene.recoveries.note("no connection left")
        await asyncio.sleep(2.0)


@case(6)
async def the_pool_is_exhausted(scene: Scene) -> None:
    """An API with two connections and a hundred customers at once sheds what it can't take, and loses nothing."""
    await scene.stage.product.restart("api", CSAGENT_DATABASE_POOL="2")
    await scene.stage.product.until_ready()
    scene.stage.postgres.latency = 0.05
    await asyncio.gather(*(scene.talk().say() for _ in range(100)))
    scene.happened()
    scene.stage.postgres.mend()
    await scene.stage.product.restart("api")
    await scene.stage.product.until_ready()


@case(6)
async def the_disk_is_full_and_freed(scene: Scene) -> None:
    """A disk of its own that runs full under load for some seconds; needs a user who may mount a small one."""
    async with _small_disk() as disk, set_up(seed=scene.dice.randrange(2**31), place=disk) as stage:
        shared, scene.stage, own = scene.stage, stage, Recoveries()
        try:
            async with scene.load(talks=12, pause=0.3):
                await asyncio.sleep(2.0)
                filler = disk / "filler"
                retries = stage.customers.retries
                for _ in range(30):
                    await asyncio.to_thread(_fill, disk, filler)
                    await asyncio.sleep(0.2)
                scene.figures["requests_refused_while_full"] = stage.customers.retries - retries
                filler.unlink()
                scene.happened()
                own.note("disk freed")
                await asyncio.sleep(3.0)
            await settled(stage)
            scene.figures["disk_recovery_s"] = round(max((await own.seconds(stage))["disk freed"]), 2)
            scene.verdicts.append(judge(await collect(stage)))
        finally:
            scene.stage = shared


@asynccontextmanager
async def _small_disk() -> AsyncIterator[Path]:
    place = Path(tempfile.mkdtemp(prefix="csagent-disk-", dir="/tmp"))
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK}m,mode=0755", "tmpfs", str(place)]
    try:
        mounted = await asyncio.to_thread(subprocess.run, mount, capture_output=True, check=False)
        if mounted.returncode:
            raise Skipped("a small disk can't be mounted here: that takes root")
        try:
            yield place
        finally:
            await asyncio.to_thread(subprocess.run, ["umount", "-l", str(place)], check=False)
    finally:
        place.rmdir()  # noqa: ASYNC240 - an empty folder


def _fill(disk: Path, filler: Path) -> None:
    """Take every byte that is free now."""
    with filler.open("ab") as file, suppress(OSError):
        while free := shutil.disk_usage(disk).free:
            os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), free)
            file.seek(0, os.SEEK_END)
