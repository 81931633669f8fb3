"""The status page, put together from the settings. Beside ``api.wiring``."""

from __future__ import annotations

from datetime import timedelta

from api.status_desk import Rules, StatusDesk
from channels.addresses import EMAIL
from channels.whatsapp import WHATSAPP
from infra.crypto.keyring import Keyring
from infra.crypto.subscription_links import SubscriptionLinks
from infra.postgres.database import Database
from infra.postgres.heartbeats import Heartbeats
from infra.postgres.incidents import Incidents
from infra.postgres.leases import Leases
from infra.postgres.status import StatusBoard
from infra.settings import Settings
from infra.status.timers import Terms


def build_status_desk(settings: Settings, database: Database, leases: Leases) -> StatusDesk:
    """The status page."""
    rules = settings.status
    terms = Terms(notice=timedelta(minutes=rules.notice_minutes), report=timedelta(hours=rules.report_hours))
    return StatusDesk(
        StatusBoard(database, period=timedelta(seconds=rules.check_seconds)),
        Incidents(database, terms),
        Heartbeats(database),
        leases,
        status_rules(settings),
    )


def build_subscription_links(settings: Settings, keyring: Keyring) -> SubscriptionLinks:
    """The links in notices by mail."""
    base = settings.public_url or f"http://{settings.host}:{settings.port}"
    return SubscriptionLinks(keyring.derive("status subscriptions"), base)


def status_rules(settings: Settings) -> Rules:
    """What an operator has set up for the page."""
    channels = {
        name for name, there in ((EMAIL, settings.gmail.mailbox), (WHATSAPP, settings.whatsapp.account_sid)) if there
    }
    return Rules(
        company=settings.company.name or "Customer support",
        channels=channels,
        file=settings.status.file,
        origin=settings.status.origin,
        draft_after=timedelta(minutes=settings.status.draft_minutes),
        mails=settings.gmail.mailbox is not None,
    )
