"""``csagent up``: the whole product on one machine."""

from __future__ import annotations

import asyncio
import base64
import signal
import socket
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.console import Console

from api.desks import build_staff_accounts
from api.machine import Processes, Program, environment, own_machine
from api.terms import build_keyring
from infra.postgres.database import Database
from infra.postgres.migrate import migrate
from infra.settings import Settings, read_settings
from skills.errors import ConfigurationError

FIRST = "admin"
"""The account that a machine begins with."""
_START_SECONDS = 60.0
_PORTS = 50
_BACKLOG = 2048
"""Connections that wait to be taken, as uvicorn has it."""


@dataclass(frozen=True, slots=True)
class Product:
    """The running product: where it answers, and the settings that it runs on."""

    url: str
    settings: Settings
    log: Path
    processes: Processes
    endpoints: Mapping[str, str]
    """Where the processes without an API answer health and metrics, if they do."""
    first_password: str | None = None
    """Of the account that this machine begins with, as long as it was not changed."""

    @property
    def staff_key(self) -> str:
        """The first staff key, for whoever sits at this machine."""
        return next(iter(self.settings.staff_keys.values())).get_secret_value()


def command(
    port: Annotated[int | None, typer.Option(help="Port; without it 8000, or the next free one.")] = None,
    workers: Annotated[int, typer.Option(min=1, max=16, help="Worker processes.")] = 1,
    folder: Annotated[Path | None, typer.Option(help="Where data and keys are kept.", show_default=".csagent")] = None,
) -> None:
    """Start everything on this machine: embedded servers, API, worker, sender, scheduler. Ctrl-C stops it all."""
    settings = read_settings(**({"folder": folder} if folder else {}))
    console = Console(stderr=True, highlight=False)

    async def run() -> None:
        listener = listen(settings.host, port, settings.port)
        async with running_product(settings, console, listener=listener, workers=workers) as product:
            print_addresses(product, console)
            await until_stopped()
            console.print("[dim]stopping …[/]")

    with asyncio.Runner() as runner:
        runner.run(run())


@asynccontextmanager
async def running_product(
    settings: Settings,
    console: Console,
    *,
    listener: socket.socket | None = None,
    workers: int = 1,
    surroundings: Mapping[str, str] | None = None,
) -> AsyncIterator[Product]:
    """The whole product, ready to take messages, for as long as the block lasts.

    Args:
        settings: of this machine.
        console: is told what takes time.
        listener: of the API, closed in the end; without one it is on the usual port, or the next that is free.
        workers: worker processes.
        surroundings: more of the processes' environment, before that of this one.

    Raises:
        ConfigurationError: a server, a port or a process does not come up.
    """
    listener = listener or listen(settings.host, None, settings.port)
    url = address_of(listener)
    with listener, console.status("starting the embedded servers …") as status:
        async with own_machine(settings, join=False, on_progress=lambda line: status.update(f"{line} …")) as completed:
            assert completed.database_url is not None  # own_machine saw to it
            database = Database(completed.database_url.get_secret_value(), size=2)
            await database.open()
            try:
                await migrate(database)
                password = await first_account(completed, database)
            finally:
                await database.close()
            log = settings.folder / "csagent.log"
            settings.folder.mkdir(parents=True, exist_ok=True)
            ports = metrics_ports(settings, [*(f"worker {n}" for n in range(1, workers + 1)), "sender", "scheduler"])
            programs = [
                Program("api", ("api",), listener),
                *(
                    Program(name, (name.partition(" ")[0], "--metrics-port", str(number)))
                    for name, number in ports.items()
                ),
            ]
            status.update("starting API, worker, sender and scheduler …")
            count = max(settings.database_processes, len(programs))
            theirs = {
                **environment(completed),
                "CSAGENT_STATUS__ORIGIN": settings.status.origin or url,
                **(surroundings or {}),
                "CSAGENT_DATABASE_PROCESSES": str(count),
            }
            async with Processes(programs, theirs, log=log) as processes:
                product = Product(
                    url=url,
                    settings=completed,
                    log=log,
                    processes=processes,
                    endpoints={
                        name: f"http://{settings.metrics_host}:{number}" for name, number in ports.items() if number
                    },
                    first_password=password,
                )
                await _until_ready(product)
                status.stop()
                yield product


def print_addresses(product: Product, console: Console) -> None:
    """Where to go from here."""
    console.print(f"\n  chat     {product.url}/chat")
    console.print(f"  form     {product.url}/contact")
    console.print(f"  review   {product.url}/review")
    console.print(f"  status   {product.url}/status")
    console.print(f"  API      {product.url}/openapi.json")
    console.print(f"  health   {product.url}/health/ready")
    for name, url in product.endpoints.items():
        console.print(f"           {url}/health/ready  ({name})")
    console.print(f"  log      {product.log}")
    if product.first_password is None:
        console.print(f"\n  sign in  {product.url}/sign-in  (`csagent staff list` says who can)")
    else:
        console.print(f"\n  sign in  {product.url}/sign-in  as [bold]{FIRST}[/]", soft_wrap=True)
        console.print(f"           with the password [bold]{product.first_password}[/], until you change it")
    console.print(f"  for programs, a staff key: {product.staff_key}\n", soft_wrap=True)
    console.print("[dim]  Ctrl-C stops everything.[/]")


async def first_account(settings: Settings, database: Database) -> str | None:
    """See to it that somebody can sign in: an admin, where there is no account and people have passwords here.

    Returns:
        Its password while it is the one that it began with. It is made of this machine's keys, so it is kept nowhere.
    """
    if not settings.staff.passwords:
        return None
    keyring = build_keyring(settings)
    accounts = build_staff_accounts(settings, database, keyring)
    letters = base64.b32encode(keyring.derive("first password")).decode().lower()[:20]
    password = "-".join(letters[at : at + 5] for at in range(0, len(letters), 5))
    if not await accounts.listed():
        await accounts.add_first(FIRST, password)
    return password if await accounts.opens(FIRST, password) else None


async def until_stopped() -> None:
    """Wait for Ctrl-C or SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()


def listen(host: str, asked: int | None, usual: int) -> socket.socket:
    """A socket that listens on the asked port, or on the usual one or the next that is free: from now on it is ours.

    Raises:
        ConfigurationError: the asked one is taken, or none is free.
    """
    candidates = [asked] if asked is not None else [*range(usual, min(usual + _PORTS, 65536)), 0]
    for candidate in candidates:
        with suppress(OSError):
            return socket.create_server((host, candidate), backlog=_BACKLOG)
    raise ConfigurationError(f"port {asked} on {host} is taken", hint="leave --port out, and a free one is found")


def address_of(listener: socket.socket) -> str:
    """Where a listener is reached over HTTP."""
    host, port = listener.getsockname()[:2]
    return f"http://{host}:{port}"


def metrics_ports(settings: Settings, names: list[str]) -> dict[str, int]:
    """A port for each process from the set one on, passing over what is taken; 0 for all when none is set."""
    ports = dict.fromkeys(names, 0)
    usual = settings.metrics_port
    for name in names if usual else ():
        with listen(settings.metrics_host, None, usual) as free:
            ports[name] = free.getsockname()[1]
        usual = ports[name] + 1
    return ports


async def _until_ready(product: Product) -> None:
    deadline = time.monotonic() + _START_SECONDS
    async with httpx.AsyncClient(base_url=product.url, timeout=2.0) as client:
        while time.monotonic() < deadline:
            try:
                response = await client.get("/health/ready")
            except httpx.HTTPError:
                await asyncio.sleep(0.1)
                continue
            if response.status_code == httpx.codes.OK:
                return
            await asyncio.sleep(0.1)
    raise ConfigurationError("the API did not come up", hint=f"the log says why: {product.log}")
