"""The composition root: the only place that reads settings and chooses implementations.

``open_services`` gives what every process shares, ``build_worker`` and ``build_scheduler`` the two that need more.
Channels are put together in ``api.channels``, what staff ask of in ``api.desks``; the agent, with its heavy models, in
``api.agent``, and only where a graph runs.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlsplit

import structlog

from api.alert_desk import AlertDesk
from api.bodies import Uploads
from api.desks import (
    build_alert_desk,
    build_alerter,
    build_gaps_desk,
    build_knowledge_desk,
    build_staff_door,
    open_replica,
)
from api.gaps_desk import GapsDesk
from api.jobs import alert_jobs, figure_jobs, jobs, life_jobs, status_jobs, word_jobs
from api.knowledge_desk import KnowledgeDesk
from api.metrics import Metrics
from api.scheduler import Job, Scheduler
from api.staff_door import StaffDoor
from api.status_desk import StatusDesk
from api.status_terms import build_status_desk, build_subscription_links
from api.terms import (
    build_code_limits,
    build_file_limits,
    build_keyring,
    build_life,
    build_origins,
    build_pace,
    build_retention,
    build_whatsapp_signature,
    connection_demand,
    is_courtesy,
)
from api.worker import Worker, WorkerLimits
from channels.filelinks import FileLinks
from channels.web.form_stamp import FormStamps
from channels.web.origins import Origins
from channels.web.signature import TokenSigner
from channels.whatsapp import WHATSAPP
from channels.whatsapp.signature import WebhookSignature
from channels.whatsapp.window import LENGTH, MARGIN
from graph.build import Graph
from graph.handling import TurnHandler
from infra.breakers import Breakers, Status
from infra.crypto.keyring import Keyring
from infra.crypto.subscription_links import SubscriptionLinks
from infra.crypto.survey_links import SurveyLinks
from infra.postgres.aftermath import Judges
from infra.postgres.analytics import Analytics
from infra.postgres.analytics_rows import AnalyticsRows
from infra.postgres.cases import Cases
from infra.postgres.connections import Connections
from infra.postgres.consents import Consents
from infra.postgres.conversations import Conversations
from infra.postgres.customers import Customers
from infra.postgres.database import Database
from infra.postgres.dead_letters import DeadLetters
from infra.postgres.desk import Desk
from infra.postgres.earlier import EarlierTalks
from infra.postgres.facts import CustomerFacts
from infra.postgres.files import Files
from infra.postgres.form import FormArrivals
from infra.postgres.histories import Histories
from infra.postgres.inbox import Inbox
from infra.postgres.internal_notes import InternalNotes
from infra.postgres.keys import refuse_other_keys
from infra.postgres.leases import Leases
from infra.postgres.lives import Lives
from infra.postgres.outbox import Outbox
from infra.postgres.proofs import Proofs
from infra.postgres.reconciliations import Reconciliations
from infra.postgres.reports import DeliveryReports
from infra.postgres.reviews import CLAIM, Reviews
from infra.postgres.schedule import Schedule
from infra.postgres.search import ConversationSearch
from infra.postgres.signals import PostgresSignals
from infra.postgres.subscribers import Subscribers
from infra.postgres.surveys import Surveys
from infra.postgres.turns import PostgresLedger
from infra.postgres.undoing import Undoing
from infra.postgres.verification import Verifications
from infra.postgres.words import Words
from infra.redis.signals import LIMITS as REDIS_LIMITS
from infra.redis.signals import RedisSignals
from infra.settings import Settings
from infra.signals import Signals
from skills.adapt import check_text, failure_notice
from skills.conclude import rating_in
from skills.errors import ConfigurationError
from skills.identify import code_text
from skills.turn import Language

_HOLD = timedelta(seconds=30)
"""How long a sender's claim holds: longer than its longest call."""

_log = structlog.get_logger(__name__)


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
    undoing: Undoing
    desk: Desk
    internal_notes: InternalNotes
    leases: Leases
    outbox: Outbox
    reports: DeliveryReports
    reconciliations: Reconciliations
    consents: Consents
    dead_letters: DeadLetters
    files: Files
    file_links: FileLinks
    uploads: Uploads
    customers: Customers
    customer_facts: CustomerFacts
    verifications: Verifications
    proofs: Proofs
    earlier: EarlierTalks
    words: Words
    search: ConversationSearch
    histories: Histories
    lives: Lives
    surveys: Surveys
    survey_links: SurveyLinks
    form_arrivals: FormArrivals
    form_stamps: FormStamps
    tokens: TokenSigner
    origins: Origins
    """Where the chat may be embedded."""
    knowledge: KnowledgeDesk
    """The articles, for the staff."""
    analytics: Analytics
    analytics_rows: AnalyticsRows
    staff: StaffDoor
    """Who of the staff may come in."""
    gaps: GapsDesk
    """What the articles don't answer, for the staff."""
    alerts: AlertDesk
    """What the staff are told of."""
    status: StatusDesk
    """The public status page."""
    subscribers: Subscribers
    subscription_links: SubscriptionLinks
    metrics: Metrics
    breakers: Breakers
    """Of the outside services that this process asks."""
    whatsapp_signature: WebhookSignature | None = None
    """Checks Twilio's webhooks; ``None`` while WhatsApp is not set up."""
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
        settings.database_url.get_secret_value(),
        size=settings.database_pool,
        application=f"csagent {process}",
        wait=settings.database_wait_seconds,
        # The API's callers are many and can come again; the other processes choose how much they do at once.
        max_waiting=settings.database_max_waiting if process == "api" else 0,
    )
    await database.open()
    try:
        await refuse_other_keys(database, keyring)
        await _warn_of_short_connections(settings, database)
    except BaseException:
        await database.close()
        raise
    metrics = Metrics()
    metrics.watch_pool(database.state)
    breakers = build_breakers(metrics)
    signals: Signals
    if settings.redis_url is not None:
        signals = RedisSignals(
            settings.redis_url.get_secret_value(),
            prefix=settings.redis_prefix,
            breaker=breakers.add("redis", REDIS_LIMITS),
        )
    else:
        signals = PostgresSignals(database)
    await signals.open()
    # However much the public writes and reads, a quarter of the pool is left for reviewers, health checks and hints.
    public = database.lane(settings.database_pool - max(settings.database_pool // 4, 1))
    life = build_life(settings)
    cases = Cases(database, keyring, check_text=check_text, life=life)
    lives = Lives(public, keyring, life)
    links = SurveyLinks(
        keyring.derive("survey links"), settings.public_url or f"http://{settings.host}:{settings.port}"
    )
    leases = Leases(database, holder=_holder(), duration=timedelta(seconds=settings.worker.lease_seconds))
    knowledge = build_knowledge_desk(settings, database, keyring)
    replica = await open_replica(settings, process)
    gaps = build_gaps_desk(settings, database, keyring, knowledge)
    words = Words(database, keyring)
    status = build_status_desk(settings, database, leases)
    try:
        yield Services(
            settings=settings,
            database=database,
            keyring=keyring,
            signals=signals,
            inbox=Inbox(public, keyring, build_pace(settings), life=life, judges=Judges(is_courtesy, rating_in)),
            conversations=Conversations(public, keyring),
            cases=cases,
            reviews=Reviews(database, keyring, cases, windows={WHATSAPP: LENGTH - MARGIN}),
            undoing=Undoing(database, hold=CLAIM),
            desk=Desk(database, keyring, hold=CLAIM),
            internal_notes=InternalNotes(database, keyring),
            leases=leases,
            outbox=Outbox(database, keyring, holder=_holder(), hold=_HOLD),
            reports=DeliveryReports(public),
            reconciliations=Reconciliations(database, keyring),
            consents=Consents(database, keyring),
            dead_letters=DeadLetters(database, keyring, notice=failure_notice),
            files=Files(public, keyring),
            file_links=FileLinks(keyring.derive("file links")),
            uploads=Uploads(build_file_limits(settings)),
            customers=Customers(database, keyring, undoable=timedelta(days=settings.identity.unmerge_days)),
            customer_facts=CustomerFacts(database, keyring),
            verifications=build_verifications(settings, public, keyring),
            proofs=Proofs(public, keyring, life=timedelta(days=settings.identity.proof_days)),
            earlier=EarlierTalks(public, keyring),
            words=words,
            search=ConversationSearch(database, keyring, words),
            histories=Histories(database, keyring),
            lives=lives,
            surveys=Surveys(public, keyring, lives, link=links.link),
            survey_links=links,
            form_arrivals=FormArrivals(public, keyring),
            form_stamps=FormStamps(keyring.derive("form stamps")),
            tokens=TokenSigner(keyring.derive("conversation tokens")),
            origins=build_origins(settings),
            knowledge=knowledge,
            analytics=Analytics(database, replica),
            analytics_rows=AnalyticsRows(database),
            staff=build_staff_door(settings, database, public, keyring, breakers),
            gaps=gaps,
            alerts=build_alert_desk(settings, database, keyring),
            status=status,
            subscribers=Subscribers(public, keyring),
            subscription_links=build_subscription_links(settings, keyring),
            metrics=metrics,
            breakers=breakers,
            whatsapp_signature=build_whatsapp_signature(settings),
        )
    finally:
        await status.close()
        await gaps.close()
        await knowledge.close()
        await signals.close()
        if replica is not None:
            await replica.close()
        await database.close()


async def _warn_of_short_connections(settings: Settings, database: Database) -> None:
    budget = await Connections(database).budget(connection_demand(settings))
    if not budget.enough:
        _log.warning(
            "database.connections_short",
            needed=budget.demand.connections,
            free=budget.free,
            allowed=budget.allowed,
            reserved=budget.reserved,
            others=budget.others,
        )


def build_worker(services: Services, graph: Graph) -> Worker:
    """A worker that runs this graph."""
    settings = services.settings
    ledger = PostgresLedger(services.database, services.keyring, build_pace(settings), life=build_life(settings))
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


def build_verifications(settings: Settings, database: Database, keyring: Keyring) -> Verifications:
    """One-time codes under the settings' limits."""
    rules = settings.identity
    site = rules.site or urlsplit(settings.public_url or "").hostname or "our support team"

    def text(language: Language | None, code: str) -> str:
        return code_text(language, code, site=site, minutes=rules.code_minutes)

    return Verifications(
        database,
        keyring,
        text=text,
        limits=build_code_limits(settings),
        holder=_holder(),
        hold=_HOLD,
    )


def build_breakers(metrics: Metrics) -> Breakers:
    """Where breakers are added: each change of state is counted and logged."""

    def changed(status: Status) -> None:
        known = status.reason is not None  # a new breaker has nothing to tell
        metrics.observe_breaker(status)
        if known:
            say = _log.info if status.state == "closed" else _log.warning
            say("breaker.changed", name=status.name, state=status.state, reason=status.reason)

    return Breakers(on_change=changed)


def build_scheduler(services: Services, further: Sequence[Job] = ()) -> Scheduler:
    """A scheduler that stands by until it leads; ``further`` are the channels' jobs."""
    schedule = Schedule(services.database, holder=_holder())
    retention = build_retention(services.settings)
    lives = life_jobs(services.lives, services.surveys, services.signals)
    figures = figure_jobs(services.analytics_rows)
    status = status_jobs(services.status, timedelta(seconds=services.settings.status.check_seconds))
    alerter = build_alerter(services.settings, services.alerts, services.metrics, services.breakers)
    further = [*figures, *status, *alert_jobs(alerter), *word_jobs(services.words), *further]
    own = [*jobs(services.database, retention, services.verifications), *lives]
    return Scheduler(schedule, [*own, *further], metrics=services.metrics)


def _holder() -> str:
    # A restarted container often has the same host and pid: the random part keeps its claims apart from the old ones.
    return f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(3)}"
