"""The composition root: the only place that reads settings and chooses implementations.

``open_services`` gives what every process shares; ``build_worker`` and ``build_sender`` make the two that need more.
The agent itself, with its heavy models, is put together in ``api.agent``, and only where a graph runs.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from api.metrics import Metrics
from api.sender import Sender
from api.worker import Worker, WorkerLimits
from channels.web.outbound import WebOutbound
from channels.web.signature import TokenSigner
from graph.build import Graph
from graph.handling import TurnHandler
from infra.crypto.keyring import Keyring, decode_key
from infra.postgres.cases import Cases
from infra.postgres.conversations import Conversations
from infra.postgres.database import Database
from infra.postgres.dead_letters import DeadLetters
from infra.postgres.inbox import Inbox
from infra.postgres.keys import refuse_other_keys
from infra.postgres.leases import Leases
from infra.postgres.outbox import Outbox
from infra.postgres.reviews import Reviews
from infra.postgres.signals import PostgresSignals
from infra.postgres.turns import PostgresLedger
from infra.redis.signals import RedisSignals
from infra.settings import Settings
from infra.signals import Signals
from skills.adapt import check_text, failure_notice
from skills.errors import ConfigurationError

_HOLD = timedelta(seconds=30)
"""How long a sender's claim holds: longer than its longest call."""


@dataclass(frozen=True, slots=True)
class Services:
    """What a process of the product has in its hands."""

    settings: Settings
    database: Database
    keyring: Keyring
    signals: Signals
    inbox: Inbox
    conversations: Conversations
    cases: Cases
    reviews: Reviews
    leases: Leases
    outbox: Outbox
    dead_letters: DeadLetters
    tokens: TokenSigner
    metrics: Metrics
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the process is asked to stop, so that long answers end."""

    async def database_answers(self) -> bool:
        """Whether a statement goes through.

        Raises:
            DatabaseUnavailableError: it does not.
        """
        async with self.database.connection() as connection:
            await connection.execute("select 1")
        return True


@asynccontextmanager
async def open_services(settings: Settings, *, process: str) -> AsyncIterator[Services]:
    """Connect, and hand out the services; disconnect at the end.

    Args:
        settings: with servers and keys; ``csagent up`` fills in the embedded ones.
        process: ``api``, ``worker`` …, shown to operators.

    Raises:
        ConfigurationError: a server does not answer or is unfit, or a key is missing.
    """
    if settings.database_url is None:
        raise ConfigurationError("DATABASE_URL is not set", hint="`csagent up` starts an embedded server and sets it")
    keyring = build_keyring(settings)
    database = Database(
        settings.database_url.get_secret_value(), size=settings.database_pool, application=f"csagent {process}"
    )
    await database.open()
    try:
        await refuse_other_keys(database, keyring)
    except BaseException:
        await database.close()
        raise
    signals: Signals
    if settings.redis_url is not None:
        signals = RedisSignals(settings.redis_url.get_secret_value(), prefix=settings.redis_prefix)
    else:
        signals = PostgresSignals(database)
    await signals.open()
    cases = Cases(database, keyring, check_text=check_text)
    lease = timedelta(seconds=settings.worker.lease_seconds)
    try:
        yield Services(
            settings=settings,
            database=database,
            keyring=keyring,
            signals=signals,
            inbox=Inbox(database, keyring),
            conversations=Conversations(database, keyring),
            cases=cases,
            reviews=Reviews(database, keyring, cases),
            leases=Leases(database, holder=_holder(), duration=lease),
            outbox=Outbox(database, keyring, holder=_holder(), hold=_HOLD),
            dead_letters=DeadLetters(database, keyring, notice=failure_notice),
            tokens=TokenSigner(keyring.derive("conversation tokens")),
            metrics=Metrics(),
        )
    finally:
        await signals.close()
        await database.close()


def build_worker(services: Services, graph: Graph) -> Worker:
    """A worker that runs this graph."""
    settings = services.settings
    ledger = PostgresLedger(services.database, services.keyring)
    return Worker(
        leases=services.leases,
        ledger=ledger,
        handler=TurnHandler(graph, ledger),
        dead_letters=services.dead_letters,
        signals=services.signals,
        limits=WorkerLimits(
            slots=settings.worker.slots, sweep=settings.worker.sweep_seconds, drain=settings.worker.drain_seconds
        ),
        metrics=services.metrics,
    )


def build_sender(services: Services) -> Sender:
    """A sender with every channel that is set up."""
    channels = [WebOutbound()]
    return Sender(
        outbox=services.outbox,
        channels={channel.name: channel for channel in channels},
        signals=services.signals,
        metrics=services.metrics,
    )


def build_keyring(settings: Settings) -> Keyring:
    """The keys that the settings hold.

    Raises:
        ConfigurationError: one is missing or malformed.
    """
    if settings.index_key is None or not settings.master_keys:
        raise ConfigurationError(
            "CSAGENT_MASTER_KEYS and CSAGENT_INDEX_KEY are not set",
            hint="`csagent up` makes them for one machine; elsewhere take them from your vault",
        )
    masters = {name: decode_key(name, key.get_secret_value()) for name, key in settings.master_keys.items()}
    return Keyring(masters, decode_key("CSAGENT_INDEX_KEY", settings.index_key.get_secret_value()))


def _holder() -> str:
    # A restarted container often has the same host and pid: the random part keeps its claims apart from the old ones.
    return f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(3)}"
