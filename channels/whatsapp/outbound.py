"""Sending on WhatsApp: one request a message, and an honest word about what came of it.

Twilio has no idempotency key for messages, so a request that may have been taken is never repeated here: the result is
``Unknown`` and ``reconciliation`` looks for the message afterwards. Known to be taken is only what was answered with a
SID; known not to be taken is what was answered with a 4xx or never left us. A 5xx says neither.

A text longer than a message goes out as several, in order, and each file after it as a message of its own. When a
later one fails the earlier ones stay sent, so the whole is ``Unknown`` too, and the reconciliation says which are
missing. Only "too many requests", which took nothing, is waited out and asked again within the call.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any, TypeGuard

import httpx
from twilio.base.exceptions import (
    TwilioException,
    TwilioRestException,
    TwilioServiceException,
)

from channels.envelope import Accepted, Deferred, Delivery, Reconciled, Refused, SendResult, Unknown
from channels.whatsapp import PREFIX, WHATSAPP
from channels.whatsapp.account import NEVER_LEFT, Account, TooManyRequestsError
from channels.whatsapp.pace import Pace
from channels.whatsapp.reconciliation import Reconciliation
from channels.whatsapp.refusals import (
    FILE_TOO_LARGE,
    INVITED,
    NO_CODE_TEMPLATE,
    NO_FILES,
    OPTED_OUT,
    WINDOW_CLOSED,
    refusal,
)
from channels.whatsapp.sender import Known, Link, Sender, no_link, now
from channels.whatsapp.statuses import callback_url
from channels.whatsapp.text import split
from channels.whatsapp.window import Window
from skills.turn import ChannelName

_UNREADABLE = (ValueError, TypeError, AttributeError, KeyError, TwilioException)
"""What the SDK raises over an answer in a form that it doesn't know."""
_LARGEST_FILE, _LARGEST_PICTURE = 16 * 1024 * 1024, 5 * 1024 * 1024
_LONGEST_REST = 5.0
"""Seconds to wait out in the middle of a text: less than a call may take."""
_PACED = "paced"
_CODE = re.compile(r"(?<!\d)\d{4,10}(?!\d)")
_SERVER_ERROR = 500
_REQUEST_ERROR = 400
_REQUEST_TIMEOUT = 408


class WhatsAppOutbound:
    """The WhatsApp channel's sending half.

    Args:
        account: ours at Twilio.
        http: carries the requests; closed by whoever made it.
        sender: how we appear.
        known: knows when the customer last wrote, and whether they want to be written to.
        pace: how fast messages leave; without one as fast as they come.
        link: public addresses of files, from which Twilio fetches them.
        clock: the time, in UTC.
        deadline: seconds for one request from beginning to end.
    """

    def __init__(
        self,
        account: Account,
        http: httpx.AsyncClient,
        sender: Sender,
        known: Known,
        pace: Pace | None = None,
        link: Link = no_link,
        clock: Callable[[], datetime] = now,
        deadline: float = 10.0,
    ) -> None:
        self._messages = account.messages(http)
        self._reconciliation = Reconciliation(account, http, sender, clock)
        self._sender = sender
        self._known = known
        self._pace = pace or Pace(rate=1_000_000)
        self._link = link
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
            UnavailableError: ``known`` could not be asked. Nothing was sent.
        """
        if delivery.kind != "consent" and await self._known.opted_out(delivery.address):
            return Refused(OPTED_OUT, retry=False)
        if delivery.kind == "code":
            return await self._send_code(delivery)
        window = Window(await self._known.last_heard(delivery.conversation_id), self._sender.margin)
        if not window.open_at(self._clock()):
            return await self._send_late(delivery)
        parts: list[dict[str, Any]] = [{"body": part} for part in split(delivery.text)]
        for ordinal, file in enumerate(delivery.files, start=1):
            largest = _LARGEST_PICTURE if file.media_type.startswith("image/") else _LARGEST_FILE
            if file.size > largest:
                return Refused(FILE_TOO_LARGE, retry=False)
            url = self._link(delivery.message_id, ordinal)
            if url is None:
                return Refused(NO_FILES, retry=False)
            parts.append({"media_url": [url]})
        return await self._send_all(delivery, parts)

    async def reconcile(
        self, delivery: Delivery, *, handed_over_at: datetime, known: Collection[str] = ()
    ) -> Reconciled:
        """What became of a delivery whose sending ended in ``Unknown``, by Twilio's own list."""
        return await self._reconciliation.reconcile(delivery, handed_over_at=handed_over_at, known=known)

    async def _send_all(self, delivery: Delivery, parts: list[dict[str, Any]]) -> SendResult:
        if not parts:
            return Refused("empty_text", retry=False)
        first: str | None = None
        for number, content in enumerate(parts):
            result = await self._create(delivery, number, len(parts), **content)
            if number > 0 and _may_pass(result):
                await asyncio.sleep(result.seconds)
                result = await self._create(delivery, number, len(parts), **content)
            if isinstance(result, Accepted):
                first = first or result.provider_message_id
            elif number == 0:
                return result
            else:
                return Unknown(f"sent {number} of {len(parts)}, then {result.reason}")
        return Accepted(first)

    async def _send_code(self, delivery: Delivery) -> SendResult:
        template, code = self._sender.code_template, _CODE.search(delivery.text)
        if template is None:
            return Refused(NO_CODE_TEMPLATE, retry=False)
        variables = template.carrying(code[0] if code else delivery.text)
        if variables is None:
            return Refused(NO_CODE_TEMPLATE, retry=False)
        return await self._create(delivery, 0, content_sid=template.content_sid, content_variables=variables)

    async def _send_late(self, delivery: Delivery) -> SendResult:
        template = self._sender.template
        if template is None:
            return Refused(WINDOW_CLOSED, retry=False)
        carrying = None if delivery.files else template.carrying(delivery.text)
        variables = template.inviting() if carrying is None else carrying
        if carrying is None and template.text_variable is not None:
            return Refused(WINDOW_CLOSED, retry=False)  # a template that is made for a text makes no sense without it
        result = await self._create(
            delivery,
            0,
            counts=carrying is not None,
            content_sid=template.content_sid,
            content_variables=variables,
        )
        if carrying is not None or isinstance(result, Refused | Deferred):
            return result
        # Whatever became of the invitation, the text itself was not sent, and inviting twice is worse than not at all.
        return Refused(INVITED if isinstance(result, Accepted) else WINDOW_CLOSED, retry=False)

    async def _create(
        self, delivery: Delivery, part: int, parts: int = 1, *, counts: bool = True, **content: Any
    ) -> Accepted | Refused | Deferred | Unknown:
        """One message; ``counts`` if its arrival is the text's."""
        wait = await self._pace.turn()
        if wait > 0:
            return Deferred(_PACED, wait)
        request: dict[str, Any] = {"to": PREFIX + delivery.address, "from_": PREFIX + self._sender.number, **content}
        if self._sender.messaging_service_sid is not None:
            request["messaging_service_sid"] = self._sender.messaging_service_sid
        if self._sender.status_callback is not None and counts:
            request["status_callback"] = callback_url(self._sender.status_callback, delivery.id, part, parts)
        return await self._ask(request)

    async def _ask(self, request: dict[str, Any]) -> Accepted | Refused | Unknown:
        try:
            async with asyncio.timeout(self._deadline):
                message = await self._messages.create_async(**request)
                sid, status, code = message.sid, message.status, message.error_code
        except NEVER_LEFT as error:
            return Refused(f"not connected: {type(error).__name__}", retry=True)
        except TooManyRequestsError as error:
            self._pace.close(error.seconds)
            return Refused(refusal(error.code, 429).reason, retry=True, seconds=error.seconds)
        except (TwilioRestException, TwilioServiceException) as error:
            return _answered(error.status, error.code)
        except (httpx.HTTPError, TimeoutError) as error:
            return Unknown(f"no answer: {type(error).__name__}")
        except _UNREADABLE as error:
            return Unknown(f"unreadable answer: {type(error).__name__}")
        return _taken(sid, status, code)


def _may_pass(result: SendResult) -> TypeGuard[Refused | Deferred]:
    """Whether nothing was taken, and may be in a moment."""
    return isinstance(result, Refused | Deferred) and 0 < result.seconds <= _LONGEST_REST


def _taken(sid: object, status: object, code: object) -> Accepted | Refused | Unknown:
    """What an answer says that looks like success."""
    if not isinstance(sid, str) or not sid:
        return Unknown("unreadable answer: no SID")
    return refusal(code) if status in {"failed", "undelivered", "canceled"} else Accepted(sid)


def _answered(status: object, code: object) -> Refused | Unknown:
    """What an error says. Both come out of its JSON, where anything may stand."""
    if isinstance(status, int) and _REQUEST_ERROR <= status < _SERVER_ERROR and status != _REQUEST_TIMEOUT:
        return refusal(code, status)
    return Unknown(f"answered {status}")
