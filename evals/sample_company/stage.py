"""Where the sample company's customers are played: a service, and for mails and phones the providers' emulators."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

import httpx

from evals.emulators.gmail.emulator import GmailEmulator
from evals.emulators.twilio.server import TwilioServer
from evals.sample_company.script import SampleCustomer
from evals.sample_company.talks.chat import ChatTalk
from evals.sample_company.talks.form import FormTalk
from evals.sample_company.talks.mail import MailTalk
from evals.sample_company.talks.talk import PATIENCE, Talk
from evals.sample_company.talks.whatsapp import WhatsAppTalk
from skills.turn import ChannelName

MAILBOX = "help@thimblewick.example"


@dataclass(frozen=True, slots=True)
class Stage:
    """One service with its customers' ways to it.

    Addresses are new for every stage: who wrote in an earlier run is nobody that this run knows.
    """

    customers: httpx.AsyncClient
    staff: httpx.AsyncClient
    providers: Providers
    run: str = field(default_factory=lambda: secrets.token_hex(3))

    def talk(self, customer: SampleCustomer) -> Talk:
        """A customer's talk on the channel that the script names."""
        match customer.channel:
            case "email":
                address = f"{customer.id}.{self.run}@customers.example"
                subject = customer.subject or "A question"
                return MailTalk(self.providers.gmail, self._case_of, customer.name, address, subject)
            case "whatsapp":
                number = f"+4915{int(self.run, 16) % 10**6:06}{_digits(customer.id):03}"
                return WhatsAppTalk(self.providers.twilio, self._case_of, customer.name, number)
            case "form":
                return FormTalk(self.customers, customer)
            case _:
                return ChatTalk(self.customers, customer.name)

    async def _case_of(self, address: str) -> str:
        """The newest case of whoever proved an address, as staff find it."""
        found = (await ok(self.staff.get("/v1/review/customers", params={"address": address}))).json()
        customer = (await ok(self.staff.get(f"/v1/review/customers/{found['items'][0]['id']}"))).json()
        return str(max(customer["cases"], key=lambda case: case["opened_at"])["id"])


@dataclass(frozen=True, slots=True)
class Providers:
    """Gmail and Twilio on this machine."""

    gmail: GmailEmulator
    twilio: TwilioServer
