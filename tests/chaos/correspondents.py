"""Customers who write by mail and by WhatsApp, through the providers' emulators.

What such a customer is told is told by the provider: a mail is promised once it lies in the mailbox, a message on
WhatsApp once the webhook was answered well. Twilio is played as it is with a fallback: what was not answered well is
posted again, every byte the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import TYPE_CHECKING, Protocol

from channels.addresses import EMAIL
from channels.gmail.inbound import named
from channels.whatsapp import WHATSAPP
from evals.emulators.gmail.emulator import GmailEmulator
from evals.emulators.twilio.resources import Media
from evals.emulators.twilio.server import TwilioServer
from evals.emulators.twilio.webhooks import Posted
from skills.turn import ChannelName

if TYPE_CHECKING:
    from evals.sample_company.stage import Providers

BY_PROVIDER = (EMAIL, WHATSAPP)
_OK = 300
_PATIENCE = 120.0


@dataclass(frozen=True, slots=True)
class Promised:
    """A message that its provider has.

    Args:
        name: what the product calls it once it is stored.
        text: empty where it is the product's own matter what it makes of it.
    """

    name: str
    talk: int
    number: int
    text: str
    in_order: bool = True
    owed: bool = True


class Writer(Protocol):
    """Whoever writes one message after the other, on whatever channel."""

    written: int

    async def say(self, more: str = "") -> object:
        """The next message; returns once somebody has promised to keep it."""
        ...


@dataclass
class Correspondents:
    """All of them.

    Args:
        providers: the emulators.
    """

    providers: Providers
    promised: list[Promised] = field(default_factory=list)
    retries: int = 0
    talks: int = 0

    def talk(self, kind: ChannelName) -> MailTalk | PhoneTalk:
        """A new customer."""
        return self.mail() if kind == EMAIL else self.phone()

    def mail(self) -> MailTalk:
        """A new customer with a mail program."""
        return MailTalk(self, self._number())

    def phone(self) -> PhoneTalk:
        """A new customer with a phone."""
        return PhoneTalk(self, self._number())

    @property
    def gmail(self) -> GmailEmulator:
        return self.providers.gmail

    @property
    def twilio(self) -> TwilioServer:
        return self.providers.twilio

    def _number(self) -> int:
        self.talks += 1
        return 100_000 + self.talks  # apart from the talks of the other channels


@dataclass
class MailTalk:
    """One thread of mails."""

    among: Correspondents
    number: int
    written: int = 0

    @property
    def address(self) -> str:
        return f"customer{self.number}@customers.example"

    async def say(self, more: str = "") -> Promised:
        """The next mail; returns once it lies in the mailbox."""
        number = self.written
        self.written += 1
        text = f"m{self.number}-{number} {more}".strip()
        mail = self.mail(text, number)
        await asyncio.to_thread(self.among.gmail.mailbox.deliver, mail.as_bytes())
        return self.promise(mail, number, text)

    def mail(self, text: str, number: int) -> EmailMessage:
        """A mail of this customer's, proved as most are, in one thread."""
        mail = EmailMessage()
        mail["From"] = self.address
        mail["To"] = self.among.gmail.mailbox.address
        mail["Message-ID"] = self._id(number)
        mail["Subject"] = f"Question {self.number}"
        mail["Authentication-Results"] = (
            f"mx.google.com; dkim=pass header.i=@customers.example; spf=pass smtp.mailfrom={self.address};"
            " dmarc=pass (p=NONE sp=NONE dis=NONE) header.from=customers.example"
        )
        if number:
            mail["In-Reply-To"] = mail["References"] = self._id(0)
        mail.set_content(text)
        return mail

    def promise(self, mail: EmailMessage, number: int, text: str) -> Promised:
        promised = Promised(named(str(mail["Message-ID"])), self.number, number, text)
        self.among.promised.append(promised)
        return promised

    def _id(self, number: int) -> str:
        return f"<m{self.number}-{number}@customers.example>"


@dataclass
class PhoneTalk:
    """One chat on a phone."""

    among: Correspondents
    number: int
    written: int = 0

    @property
    def address(self) -> str:
        return f"+49151{self.number:08}"

    async def say(self, more: str = "") -> Promised:
        """The next message; returns once the webhook was answered well."""
        number = self.written
        self.written += 1
        return await self.say_as(number, more, in_order=True)

    async def say_as(
        self, number: int, more: str = "", *, in_order: bool = False, media: Sequence[Media] = ()
    ) -> Promised:
        """A message with a number of its own, for those who write several at once."""
        text = f"m{self.number}-{number} {more}".strip()
        posted = (await asyncio.to_thread(self.among.twilio.write, self.address, text, media=media))[0]
        return self.promise(await self.insist(posted), number, text, in_order=in_order)

    def promise(self, posted: Posted, number: int, text: str, *, in_order: bool = False) -> Promised:
        promised = Promised(posted.parameters["MessageSid"], self.number, number, text, in_order)
        self.among.promised.append(promised)
        return promised

    async def insist(self, posted: Posted) -> Posted:
        """Post it again until it is answered well."""
        async with asyncio.timeout(_PATIENCE):
            while posted.status is None or posted.status >= _OK:
                assert posted.status is None or posted.status >= 429, f"the webhook was answered with {posted.status}"
                self.among.retries += 1
                await asyncio.sleep(0.2)
                posted = await asyncio.to_thread(self.among.twilio.repeat, posted)
        return posted
