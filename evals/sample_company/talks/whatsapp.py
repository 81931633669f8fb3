"""A customer with a phone, on the other side of the Twilio emulator."""

from __future__ import annotations

import asyncio

import httpx

from evals.emulators.twilio.ledger import PREFIX
from evals.emulators.twilio.server import TwilioServer
from evals.sample_company.talks.talk import FindCase, until


class WhatsAppTalk:
    """One chat on a phone.

    Args:
        twilio: what the messages go through.
        find: the case of whoever has an address.
        name: of the customer's profile.
        number: the customer's, in E.164.
    """

    def __init__(self, twilio: TwilioServer, find: FindCase, name: str, number: str) -> None:
        self._twilio = twilio
        self._find = find
        self._name = name
        self._number = number
        self._read = 0

    async def write(self, text: str) -> None:
        """Send a message.

        Raises:
            ConnectionError: the product did not take the webhook.
        """
        posted = await asyncio.to_thread(self._twilio.write, self._number, text, name=self._name)
        if any(one.status is None or one.status >= httpx.codes.BAD_REQUEST for one in posted):
            raise ConnectionError(f"the webhook was answered with {[one.status for one in posted]}")

    async def wait(self) -> list[str]:
        """The bodies of what came back."""

        async def look() -> list[str]:
            mine = [one for one in self._twilio.sent if one.to == PREFIX + self._number]
            fresh = [one.body for one in mine[self._read :]]
            self._read = len(mine)
            return fresh

        return await until(look)

    async def case(self) -> str:
        """Staff find it by the number."""
        return await self._find(self._number)
