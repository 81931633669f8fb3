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
from channels.whatsapp.outbound import WhatsAppOutbound
from channels.whatsapp.pace import Pace
from channels.whatsapp.sender import Sender
from channels.whatsapp.window import Template
from infra.postgres.awaited_files import AwaitedFiles
from infra.postgres.consents import Consents
from infra.postgres.correspondence import Correspondence
from infra.postgres.schedule import Beat, Reign
from skills.turn import ChannelName, ConversationId, MessageId

_FETCH_DEADLINE = 60.0
_LINK_LASTS = timedelta(days=1)
_FETCHING = Beat(timedelta(seconds=5))


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

    return (Job("whatsapp_files", _FETCHING, fetch_files),)


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
