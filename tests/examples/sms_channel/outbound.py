"""A text to the gateway. It knows our reference of a text, so that the same one twice is one message: repeatable."""

from __future__ import annotations

from dataclasses import dataclass

import httpx

from channels.envelope import Accepted, Delivery, Refused, SendResult, Unknown
from skills.turn import ChannelName
from tests.examples.sms_channel import SMS

_OVERLOADED = 429
_SERVER_ERROR = 500
_REFUSED = 400


@dataclass(frozen=True, slots=True)
class SmsOutbound:
    """The sending half."""

    http: httpx.AsyncClient
    """Knows the gateway's address and our key; closed by whoever made it."""
    name: ChannelName = SMS
    repeatable: bool = True

    async def send(self, delivery: Delivery) -> SendResult:
        """Hand the text over, under the outbox row's id."""
        message = {"reference": str(delivery.id), "to": delivery.address, "text": delivery.text}
        try:
            answer = await self.http.post("/messages", json=message)
        except httpx.ConnectError:
            return Refused("not connected", retry=True)
        except httpx.HTTPError as error:
            return Unknown(type(error).__name__)
        return _read(answer)


def _read(answer: httpx.Response) -> SendResult:
    if answer.status_code >= _SERVER_ERROR:
        return Unknown(f"answered {answer.status_code}")
    if answer.status_code >= _REFUSED:
        return Refused(f"answered {answer.status_code}", retry=answer.status_code == _OVERLOADED)
    try:
        return Accepted(str(answer.json()["id"]))
    except (ValueError, TypeError, KeyError):
        return Unknown("unreadable answer")
