"""Mail through a Gmail mailbox: it is there once CSAGENT_GMAIL__MAILBOX is set."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from api.channels.channel import Channel, Inlet
from api.channels.email_intake import EmailIntake
from api.routes.gmail import JOB as SYNC_JOB
from api.routes.gmail import router
from api.scheduler import Done, Job
from api.wiring import Services
from channels.addresses import AddressKind
from channels.gmail import EMAIL
from channels.gmail.account import Account
from channels.gmail.credentials import Credentials
from channels.gmail.inbound import Own
from channels.gmail.letterhead import Letterhead
from channels.gmail.outbound import GmailOutbound
from channels.gmail.sync import Sync, keep_watch
from channels.protocol import OutboundChannel
from infra.channel_settings import GmailSettings
from infra.postgres.correspondence import Correspondence
from infra.postgres.mailboxes import Mailbox
from infra.postgres.replies_elsewhere import RepliesElsewhere
from infra.postgres.schedule import Beat, Reign
from skills.errors import ConfigurationError
from skills.turn import ChannelName, ConversationId

WATCH_JOB = "gmail_watch"

_SENDS_AT_ONCE = 8
_WATCHES = Beat(timedelta(minutes=10))
"""How often it is looked whether the watch is a day old."""


def credentials_file(gmail: GmailSettings, folder: Path) -> Path:
    """Where the mailbox's credentials are."""
    return gmail.credentials or folder / "gmail.json"


def open_account(gmail: GmailSettings, folder: Path, *, threads: int = 4) -> Account:
    """The mailbox at Gmail, to be opened by ``async with``."""
    subject = gmail.subject or gmail.mailbox or ""
    return Account(Credentials(credentials_file(gmail, folder), subject), api_url=gmail.api_url, threads=threads)


def own(gmail: GmailSettings) -> Own:
    """Who we are on mail."""
    return Own(frozenset(one for one in (gmail.mailbox, gmail.subject) if one), gmail.lists)


def place(services: Services) -> Mailbox:
    """How far the mailbox has been read.

    Raises:
        ConfigurationError: there is none.
    """
    address = services.settings.gmail.mailbox
    if address is None:
        raise ConfigurationError("no mailbox is set up", hint="CSAGENT_GMAIL__MAILBOX; see `csagent gmail connect`")
    holder = f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(3)}"
    return Mailbox(services.database, address, holder=holder, job=SYNC_JOB)


def open_sync(services: Services, account: Account) -> Sync:
    """What takes in the mailbox's news."""
    elsewhere = RepliesElsewhere(services.database, services.keyring)
    return Sync(account, place(services), EmailIntake(services, elsewhere), own(services.settings.gmail))


class _LastMail:
    """``channels.gmail.outbound.Correspondence`` on PostgreSQL."""

    def __init__(self, services: Services) -> None:
        self._correspondence = Correspondence(services.database, services.keyring)

    async def detail(self, conversation_id: ConversationId) -> dict[str, str]:
        heard = await self._correspondence.newest(conversation_id)
        return {} if heard is None else dict(heard.detail)


@asynccontextmanager
async def _outbound(services: Services) -> AsyncIterator[Sequence[OutboundChannel]]:
    gmail = services.settings.gmail
    if gmail.mailbox is None:
        yield ()
        return
    async with open_account(gmail, services.settings.folder, threads=_SENDS_AT_ONCE) as account:
        company = services.settings.company
        letterhead = Letterhead(gmail.mailbox, gmail.company or company.name, gmail.signature or company.signature)
        yield (GmailOutbound(account, letterhead, _LastMail(services)),)


def _jobs(services: Services) -> Sequence[Job]:
    gmail, folder = services.settings.gmail, services.settings.folder
    topic = gmail.topic
    if gmail.mailbox is None:
        return ()

    # Connections are opened for each run, for a job has no end; access tokens are kept from run to run.
    following, watching = open_account(gmail, folder), open_account(gmail, folder, threads=1)

    async def sync(_reign: Reign) -> Done:
        async with following as account:
            report = await open_sync(services, account).run()
        return Done(report.counts, more=report.more)

    async def watch(_reign: Reign) -> Done:
        async with watching as account:
            return Done({"renewed": int(await keep_watch(account, place(services), topic or ""))})

    jobs = [Job(SYNC_JOB, Beat(timedelta(seconds=gmail.poll_seconds)), sync)]
    return jobs if topic is None else [*jobs, Job(WATCH_JOB, _WATCHES, watch)]


def _codes(services: Services) -> Mapping[AddressKind, ChannelName]:
    return {} if services.settings.gmail.mailbox is None else {"email": EMAIL}


MAIL = Channel(outbound=_outbound, inlets=(Inlet(router),), jobs=_jobs, codes=_codes)
