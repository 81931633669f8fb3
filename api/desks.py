"""What staff ask of, put together: articles, gaps, accounts, the door, a replica for figures. Beside ``api.wiring``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from api.alert_desk import AlertDesk
from api.alerter import Alerter
from api.gaps_desk import GapsDesk
from api.knowledge_desk import KnowledgeDesk
from api.metrics import Metrics
from api.staff_door import StaffDoor
from api.terms import build_alert_terms, build_oidc_client
from graph.build import Graph
from infra.alerts.mail import Mailer, server_of
from infra.alerts.webhook import Webhooks
from infra.breakers import Breakers
from infra.crypto.keyring import Keyring
from infra.knowledge.addresses import networks
from infra.postgres.alert_endpoints import AlertEndpoints
from infra.postgres.alert_sends import AlertSends
from infra.postgres.alerts import Alerts
from infra.postgres.database import Database
from infra.postgres.gaps import Gaps
from infra.postgres.staff import StaffAccounts
from infra.postgres.staff_sessions import StaffSessions
from infra.settings import Settings
from infra.staff.oidc import LIMITS as OIDC_LIMITS
from infra.staff.oidc import OpenIdProvider
from infra.staff.passwords import Cost, Passwords
from infra.staff_settings import refuse_unknown_keys
from skills.errors import ConfigurationError, KnowledgeFileError, PolicyError
from skills.ports import Embedder, Knowledge


def build_knowledge_desk(settings: Settings, database: Database, keyring: Keyring) -> KnowledgeDesk:
    """The articles for the staff; models are loaded when somebody needs them, for they are heavy."""

    @asynccontextmanager
    async def knowledge() -> AsyncIterator[Knowledge]:
        from api.agent import open_embedder, open_knowledge

        async with open_embedder(settings) as embedder, open_knowledge(settings, database, embedder) as opened:
            yield opened[0]

    @asynccontextmanager
    async def answering() -> AsyncIterator[Embedder]:
        from api.agent import open_answering_embedder

        async with open_answering_embedder(settings, database) as embedder:
            yield embedder

    @asynccontextmanager
    async def agent() -> AsyncIterator[Graph]:
        from api.agent import open_agent

        try:
            async with open_agent(settings, database, keyring) as graph:
                yield graph
        except PolicyError as error:  # whoever tries a question did not write the policy
            raise ConfigurationError(str(error), hint=error.hint) from None

    return KnowledgeDesk(
        database,
        knowledge=knowledge,
        embedder=answering,
        agent=agent,
        traced=settings.langsmith_api_key is not None,
    )


def build_staff_accounts(settings: Settings, database: Database, keyring: Keyring) -> StaffAccounts:
    """The accounts of the staff."""
    rules = settings.staff
    return StaffAccounts(
        database,
        keyring,
        Passwords(Cost(memory=rules.password_memory_kib)),
        tries=rules.tries,
        tries_from_address=rules.tries_from_address,
        reserved=frozenset(settings.staff_keys),
        customers_write_to=frozenset({settings.gmail.mailbox} if settings.gmail.mailbox else ()),
    )


def build_staff_door(
    settings: Settings, database: Database, public: Database, keyring: Keyring, breakers: Breakers
) -> StaffDoor:
    """Accounts, sessions, keys and the provider of the staff. Anybody may knock, so signing in is the public's lane."""
    rules, client = settings.staff, build_oidc_client(settings)
    refuse_unknown_keys(rules.key_roles, settings.staff_keys)
    return StaffDoor(
        accounts=build_staff_accounts(settings, public, keyring),
        sessions=StaffSessions(
            database,
            secret=keyring.derive("staff sessions"),
            idle=timedelta(minutes=rules.idle_minutes),
            life=timedelta(hours=rules.session_hours),
        ),
        keys=settings.staff_keys,
        key_roles=rules.key_roles,
        secret=keyring.derive("staff cookies"),
        provider=None if client is None else OpenIdProvider(client, breakers.add("oidc", OIDC_LIMITS)),
        provider_label=rules.oidc.label,
        passwords=rules.passwords,
        public_url=settings.public_url,
    )


def build_alert_desk(settings: Settings, database: Database, keyring: Keyring) -> AlertDesk:
    """What the staff are told of, and how that goes."""
    terms = build_alert_terms(settings)
    return AlertDesk(
        noted=Alerts(database, terms),
        sends=AlertSends(database, mail=terms.mail, give_up=terms.give_up),
        endpoints=AlertEndpoints(
            database, keyring.derive("alert webhooks"), insecure=bool(settings.alerts.private_networks)
        ),
        mail=terms.mail,
    )


def build_alerter(settings: Settings, desk: AlertDesk, metrics: Metrics, breakers: Breakers) -> Alerter:
    """What tells the staff.

    Raises:
        ConfigurationError: a network that webhooks may call is none.
    """
    rules = settings.alerts
    try:
        allowed = networks(rules.private_networks)
    except KnowledgeFileError as error:
        raise ConfigurationError(f"CSAGENT_ALERTS__PRIVATE_NETWORKS: {error}", hint=error.hint) from None
    mailer = None
    if rules.smtp_url is not None and rules.mail_from is not None:
        mailer = Mailer(server_of(rules.smtp_url.get_secret_value()), rules.mail_from)
    return Alerter(
        desk,
        mailer=mailer,
        webhooks=Webhooks(allowed),
        breakers=breakers,
        metrics=metrics,
        base=(settings.public_url or f"http://{settings.host}:{settings.port}").rstrip("/"),
    )


def build_gaps_desk(settings: Settings, database: Database, keyring: Keyring, knowledge: KnowledgeDesk) -> GapsDesk:
    """The gaps for the staff; the model is loaded when somebody looks for them."""

    @asynccontextmanager
    async def minilm() -> AsyncIterator[Embedder]:
        from api.agent import open_model_embedder
        from infra.models.minilm import MODEL as MINILM

        async with open_model_embedder(settings, MINILM) as embedder:
            yield embedder

    return GapsDesk(Gaps(database, keyring, knowledge.articles), knowledge, embedder=minilm)


async def open_replica(settings: Settings, process: str) -> Database | None:
    """A small pool on the replica, for those who read figures. That it is away stops nobody."""
    if settings.replica_url is None or process not in {"api", "analytics"}:
        return None
    replica = Database(
        settings.replica_url.get_secret_value(), size=4, application=f"csagent {process} figures", wait=1.0
    )
    await replica.open_whenever()
    return replica
