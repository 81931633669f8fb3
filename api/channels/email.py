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
from api.status_mail import ONCE, Mailing, Post, send_notices, with_ending
from api.wiring import Services
from channels.addresses import EMAIL, AddressKind
from channels.envelope import Accepted, Refused, SendResult
from channels.gmail.account import Account
from channels.gmail.compose import Reply, compose
from channels.gmail.credentials import Credentials
from channels.gmail.inbound import Own
from channels.gmail.letterhead import Letterhead
from channels.gmail.outbound import GmailOutbound
from channels.gmail.refusals import CallError, verdict
from channels.gmail.sync import Sync, keep_watch
from channels.protocol import OutboundChannel
from infra.channel_settings import GmailSettings
from infra.postgres.correspondence import Correspondence
from infra.postgres.mailboxes import Mailbox
from infra.postgres.replies_elsewhere import RepliesElsewhere
from infra.postgres.schedule import Beat, Reign
from infra.status.snapshot import utc_now
from skills.errors import ConfigurationError, InvalidMessageError
from skills.turn import ChannelName, ConversationId

WATCH_JOB = "gmail_watch"
NOTICES_JOB = "status_notices"

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
        letterhead = Letterhead(gmail.mailbox, company.name, company.signature)
        yield (GmailOutbound(account, letterhead, _LastMail(services)),)


def posting(account: Account, letterhead: Letterhead) -> Post:
    """Hands notices of the status page to Gmail, each once."""

    async def post(mail: Mailing) -> SendResult:
        reply = Reply(
            outbox_id=mail.id,
            text=mail.text,
            subject=mail.subject,
            to_address=mail.address,
            from_address=letterhead.address,
            from_name=letterhead.company,
            written_at=utc_now(),
            by_agent=True,  # no machine answers it, ours neither
            answers=False,
        )
        try:
            await account.send(with_ending(compose(reply), mail.ending), None)
        except InvalidMessageError as error:
            return Refused(str(error), retry=False)
        except CallError as error:
            return verdict(error)
        return Accepted()

    return post


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

    company = services.settings.company.name or gmail.mailbox
    notifying = open_account(gmail, folder, threads=1)

    async def notices(_reign: Reign) -> Done:
        queued = await services.subscribers.queue(utc_now())
        letterhead = Letterhead(gmail.mailbox or "", services.settings.company.name)
        async with notifying as account:
            counts = await send_notices(
                services.subscribers, services.subscription_links, company or "", posting(account, letterhead)
            )
        await services.subscribers.forget()
        return Done({"queued": queued, **counts}, more=sum(counts.values()) == ONCE)

    jobs = [
        Job(SYNC_JOB, Beat(timedelta(seconds=gmail.poll_seconds)), sync),
        Job(NOTICES_JOB, Beat(timedelta(seconds=30)), notices),
    ]
    return jobs if topic is None else [*jobs, Job(WATCH_JOB, _WATCHES, watch)]


def _codes(services: Services) -> Mapping[AddressKind, ChannelName]:
    return {} if services.settings.gmail.mailbox is None else {"email": EMAIL}


MAIL = Channel(outbound=_outbound, inlets=(Inlet(router),), jobs=_jobs, codes=_codes)
