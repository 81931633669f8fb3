"""Sending on WhatsApp: one request a message, and an honest word about what came of it.

Twilio has no idempotency key for messages, so a request that may have been taken is never repeated here: the result is
``Unknown`` and ``reconciliation`` looks for the message afterwards. Known to be taken is only what was answered with a
SID; known not to be taken is what was answered with a 4xx or never left us. A 5xx says neither.

A text longer than a message goes out as several, in order. When a later one fails the earlier ones stay sent, so the
whole is ``Unknown`` too, and the reconciliation says which are missing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from twilio.base.exceptions import (
    TwilioException,
    TwilioRestException,
    TwilioServiceException,
)

from channels.envelope import Accepted, Delivery, Refused, SendResult, Unknown
from channels.whatsapp import PREFIX, WHATSAPP
from channels.whatsapp.account import NEVER_LEFT, Account
from channels.whatsapp.refusals import INVITED, WINDOW_CLOSED, refusal
from channels.whatsapp.statuses import callback_url
from channels.whatsapp.text import split
from channels.whatsapp.window import MARGIN, LastHeard, Template, Window
from skills.turn import ChannelName

_UNREADABLE = (ValueError, TypeError, AttributeError, KeyError, TwilioException)
"""What the SDK raises over an answer in a form that it doesn't know."""
_SERVER_ERROR = 500
_REQUEST_ERROR = 400
_REQUEST_TIMEOUT = 408


def now() -> datetime:
    """The time in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Sender:
    """How we appear on WhatsApp."""

    number: str
    """Ours, in E.164, as WhatsApp knows it."""
    status_callback: str | None = None
    """The public URL of our status webhook."""
    messaging_service_sid: str | None = None
    """Sends through a messaging service, for its opt-out handling."""
    template: Template | None = None
    """What to send when the window is closed."""
    margin: timedelta = MARGIN


class WhatsAppOutbound:
    """The WhatsApp channel's sending half.

    Args:
        account: ours at Twilio.
        http: carries the requests; closed by whoever made it.
        sender: how we appear.
        heard: knows when the customer last wrote.
        clock: the time, in UTC.
        deadline: seconds for one request from beginning to end.
    """

    def __init__(
        self,
        account: Account,
        http: httpx.AsyncClient,
        sender: Sender,
        heard: LastHeard,
        clock: Callable[[], datetime] = now,
        deadline: float = 15.0,
    ) -> None:
        self._messages = account.messages(http)
        self._sender = sender
        self._heard = heard
        self._clock = clock
        self._deadline = deadline

    @property
    def name(self) -> ChannelName:
        """The channel's name, as it stands in every row."""
        return WHATSAPP

    @property
    def repeatable(self) -> bool:
        """Never: Twilio would send a second message for a second request."""
        return False

    async def send(self, delivery: Delivery) -> SendResult:
        """Hand the text to Twilio, once; as a template, or not at all, when the window is closed.

        Raises:
            UnavailableError: ``heard`` could not be asked. Nothing was sent.
        """
        window = Window(await self._heard.last_heard(delivery.conversation_id), self._sender.margin)
        if not window.open_at(self._clock()):
            return await self._send_late(delivery)
        first: str | None = None
        parts = split(delivery.text)
        for number, part in enumerate(parts):
            result = await self._create(delivery, number, body=part)
            if not isinstance(result, Accepted):
                return result if number == 0 else Unknown(f"sent {number} of {len(parts)}, then {result.reason}")
            first = first or result.provider_message_id
        return Accepted(first) if parts else Refused("empty_text", retry=False)

    async def _send_late(self, delivery: Delivery) -> SendResult:
        template = self._sender.template
        if template is None:
            return Refused(WINDOW_CLOSED, retry=False)
        carrying = template.carrying(delivery.text)
        variables = template.inviting() if carrying is None else carrying
        if carrying is None and template.text_variable is not None:
            return Refused(WINDOW_CLOSED, retry=False)  # a template that is made for a text makes no sense without it
        result = await self._create(delivery, 0, content_sid=template.content_sid, content_variables=variables)
        if carrying is not None or isinstance(result, Refused):
            return result
        # Whatever became of the invitation, the text itself was not sent, and inviting twice is worse than not at all.
        return Refused(INVITED if isinstance(result, Accepted) else WINDOW_CLOSED, retry=False)

    async def _create(self, delivery: Delivery, part: int, **content: str) -> Accepted | Refused | Unknown:
        request: dict[str, Any] = {"to": PREFIX + delivery.address, "from_": PREFIX + self._sender.number, **content}
        if self._sender.messaging_service_sid is not None:
            request["messaging_service_sid"] = self._sender.messaging_service_sid
        if self._sender.status_callback is not None:
            request["status_callback"] = callback_url(self._sender.status_callback, delivery.id, part)
        try:
            async with asyncio.timeout(self._deadline):
                message = await self._messages.create_async(**request)
                sid, status, code = message.sid, message.status, message.error_code
        except NEVER_LEFT as error:
            return Refused(f"not connected: {type(error).__name__}", retry=True)
        except (TwilioRestException, TwilioServiceException) as error:
            return _answered(error.status, error.code)
        except (httpx.HTTPError, TimeoutError) as error:
            return Unknown(f"no answer: {type(error).__name__}")
        except _UNREADABLE as error:
            return Unknown(f"unreadable answer: {type(error).__name__}")
        if not isinstance(sid, str) or not sid:
            return Unknown("unreadable answer: no SID")
        return refusal(code) if status in {"failed", "undelivered", "canceled"} else Accepted(sid)


def _answered(status: object, code: object) -> Refused | Unknown:
    """What an error says. Both come out of its JSON, where anything may stand."""
    if isinstance(status, int) and _REQUEST_ERROR <= status < _SERVER_ERROR and status != _REQUEST_TIMEOUT:
        return refusal(code, status)
    return Unknown(f"answered {status}")
