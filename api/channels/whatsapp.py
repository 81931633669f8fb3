"""WhatsApp through Twilio. It is there once the operator has set an account."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial

import httpx

from api.channels.channel import Channel, Inlet
from api.file_fetching import fetch_due
from api.routes.whatsapp import router
from api.scheduler import Done, Job
from api.wiring import Services
from channels.addresses import AddressKind
from channels.protocol import OutboundChannel
from channels.whatsapp import WHATSAPP
from channels.whatsapp.account import Account
from channels.whatsapp.media import MediaFetch
from channels.whatsapp.missed import Missed
from channels.whatsapp.outbound import WhatsAppOutbound
from channels.whatsapp.pace import Pace
from channels.whatsapp.sender import Sender
from channels.whatsapp.window import Template
from infra.postgres.awaited_files import AwaitedFiles
from infra.postgres.consents import Consents
from infra.postgres.correspondence import Correspondence
from infra.postgres.schedule import Beat, Reign, Schedule
from skills.turn import ChannelName, ConversationId, MessageId

_FETCH_DEADLINE = 60.0
_LINK_LASTS = timedelta(days=1)
_FETCHING = Beat(timedelta(seconds=5))
MISSED_JOB = "whatsapp_missed"
_LOOKING = Beat(timedelta(minutes=5))
_OVERLAP = timedelta(hours=1)
"""Before the last look, for what had not reached Twilio's list by then."""
_UNDER_WAY = timedelta(minutes=2)
"""A younger message's webhook may still come."""
_LONGEST_OUTAGE = timedelta(days=7)


class Known:
    """What is known of a customer before anything is sent."""

    def __init__(self, correspondence: Correspondence, consents: Consents) -> None:
        self._correspondence = correspondence
        self._consents = consents

    async def last_heard(self, conversation_id: ConversationId) -> datetime | None:
        """When the customer last wrote in this conversation."""
        return await self._correspondence.last_heard(conversation_id)

    async def opted_out(self, address: str) -> bool:
        """Whether whoever has this address wants nothing sent there."""
        return await self._consents.opted_out(WHATSAPP, address)


@asynccontextmanager
async def _outbound(services: Services) -> AsyncIterator[Sequence[OutboundChannel]]:
    account = account_of(services)
    if account is None:
        yield ()
        return
    known = Known(Correspondence(services.database, services.keyring), services.consents)
    async with httpx.AsyncClient(trust_env=False, limits=httpx.Limits(max_connections=60)) as http:
        pace = Pace(services.settings.whatsapp.messages_per_second)
        yield (WhatsAppOutbound(account, http, sender_of(services), known, pace, partial(_link, services)),)


def _link(services: Services, message_id: MessageId, ordinal: int) -> str:
    """Where Twilio gets a file that goes out; it does so at once, or when it tries again."""
    token = services.file_links.sign(message_id, ordinal, datetime.now(UTC) + _LINK_LASTS)
    return f"{_public_url(services)}/v1/files/{token}"


def _public_url(services: Services) -> str:
    """Where Twilio reaches us."""
    return (services.settings.whatsapp.public_url or services.settings.public_url or "").rstrip("/")


def _jobs(services: Services) -> Sequence[Job]:
    account = account_of(services)
    if account is None:
        return ()
    hold = timedelta(seconds=2 * _FETCH_DEADLINE)
    awaited = AwaitedFiles(services.database, services.keyring, WHATSAPP, hold=hold)

    def counted(result: str) -> None:
        services.metrics.files_fetched.labels(channel=WHATSAPP, result=result).inc()

    async def fetch_files(_reign: Reign) -> Done:
        async with httpx.AsyncClient(trust_env=False) as http:
            media = MediaFetch(account, http, deadline=_FETCH_DEADLINE)
            fetched = await fetch_due(awaited, media.fetch_from, count=counted)
        return Done(fetched.counts, more=fetched.more)

    async def take_missed(_reign: Reign) -> Done:
        last = await Schedule(services.database, holder="").ended(MISSED_JOB)
        now = datetime.now(UTC)
        if last is None:  # what was written before there was a channel is not answered
            return Done({})
        since = max(last - _OVERLAP, now - _LONGEST_OUTAGE)
        async with httpx.AsyncClient(trust_env=False, timeout=30.0) as http:
            missed = Missed(account, http, services.settings.whatsapp.number or "")
            return Done({"taken": await _take_missed(services, missed, since, now - _UNDER_WAY)})

    return (Job("whatsapp_files", _FETCHING, fetch_files), Job(MISSED_JOB, _LOOKING, take_missed))


async def _take_missed(services: Services, missed: Missed, since: datetime, until: datetime) -> int:
    """Store what Twilio has and we have not, oldest first; how many there were."""
    listed = await missed.listed(since, until)
    known = await Correspondence(services.database, services.keyring).known(WHATSAPP, listed)
    lost = sorted((one for sid, one in listed.items() if sid not in known), key=lambda one: one.date_sent)
    settle = services.settings.settle.of(WHATSAPP)
    for one in lost:
        receipt = await services.inbox.receive(await missed.envelope(one), settle=settle)
        services.metrics.received.labels(channel=WHATSAPP, duplicate=str(receipt.duplicate).lower()).inc()
        if receipt.waits:
            await services.signals.case_waits(receipt.case_id, after=settle.total_seconds())
    return len(lost)


def account_of(services: Services) -> Account | None:
    """Our account, if there is one."""
    settings = services.settings.whatsapp
    if settings.account_sid is None:
        return None
    if settings.api_key_sid is not None and settings.api_key_secret is not None:
        secret = settings.api_key_secret.get_secret_value()
        return Account(settings.account_sid, secret, settings.api_key_sid, settings.base_url)
    return Account(settings.account_sid, settings.tokens[0], base_url=settings.base_url)


def sender_of(services: Services) -> Sender:
    """How we appear."""
    settings = services.settings.whatsapp
    template = code_template = None
    if settings.template_sid is not None:
        template = Template(settings.template_sid, text_variable=settings.template_text_variable)
    if settings.code_template_sid is not None:
        code_template = Template(settings.code_template_sid, text_variable=settings.code_template_variable)
    return Sender(
        number=settings.number or "",
        status_callback=f"{_public_url(services)}{router.url_path_for('take_status')}",
        messaging_service_sid=settings.messaging_service_sid,
        template=template,
        code_template=code_template,
    )


def _codes(services: Services) -> Mapping[AddressKind, ChannelName]:
    settings = services.settings.whatsapp
    return {} if settings.account_sid is None or settings.code_template_sid is None else {"phone": WHATSAPP}


WHATSAPP_CHANNEL = Channel(outbound=_outbound, inlets=(Inlet(router),), jobs=_jobs, codes=_codes)
