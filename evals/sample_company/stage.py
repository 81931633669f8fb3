"""Where the sample company's customers are played: a service, and for mails and phones the providers' emulators.

The product talks to them over HTTP through Google's and Twilio's own clients, as it would to the real ones.
"""

from __future__ import annotations

import secrets
import zlib
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from channels.gmail.credentials import SCOPES, store
from evals.emulators.gmail.emulator import GmailEmulator
from evals.emulators.twilio.server import ACCOUNT_SID, AUTH_TOKEN, NUMBER, TwilioServer
from evals.sample_company.script import SampleCustomer
from evals.sample_company.talks.chat import ChatTalk
from evals.sample_company.talks.form import FormTalk
from evals.sample_company.talks.mail import MailTalk
from evals.sample_company.talks.talk import PATIENCE, Talk, ok
from evals.sample_company.talks.whatsapp import WhatsAppTalk

MAILBOX = "help@thimblewick.example"


@dataclass(frozen=True, slots=True)
class Providers:
    """Gmail and Twilio on this machine, and the settings by which the product finds them."""

    gmail: GmailEmulator
    twilio: TwilioServer
    environment: Mapping[str, str]


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
        address = f"{customer.id}.{self.run}@customers.example"
        match customer.channel:
            case "email":
                subject = customer.subject or "A question"
                return MailTalk(self.providers.gmail, self._case_of, customer.name, address, subject)
            case "whatsapp":
                number = f"+49151{int(self.run, 16) % 10**5:05}{_digits(customer.id):03}"
                return WhatsAppTalk(self.providers.twilio, self._case_of, customer.name, number)
            case "form":
                return FormTalk(self.customers, self._case_of, customer.name, address, customer.subject)
            case _:
                return ChatTalk(self.customers, customer.name)

    async def _case_of(self, address: str) -> str:
        """The newest case of whoever proved an address, as staff find it."""
        found = (await ok(self.staff.get("/v1/review/customers", params={"address": address}))).json()
        customer = (await ok(self.staff.get(f"/v1/review/customers/{found['items'][0]['id']}"))).json()
        return str(max(customer["cases"], key=lambda case: case["opened_at"])["id"])


@contextmanager
def open_providers(url: str) -> Iterator[Providers]:
    """Gmail and Twilio on this machine, for a product that will answer at ``url``."""
    with (
        TemporaryDirectory(prefix="csagent-sample-") as folder,
        GmailEmulator(MAILBOX, delegated=SCOPES) as gmail,
        TwilioServer(messages_url=f"{url}/v1/whatsapp/messages") as twilio,
    ):
        credentials = Path(folder) / "gmail.json"
        store(credentials, gmail.tokens.service_account_info())
        push = gmail.push_to(f"{url}/v1/gmail/push")
        yield Providers(
            gmail,
            twilio,
            {
                "CSAGENT_GMAIL__MAILBOX": MAILBOX,
                "CSAGENT_GMAIL__CREDENTIALS": str(credentials),
                "CSAGENT_GMAIL__SUBJECT": MAILBOX,
                "CSAGENT_GMAIL__API_URL": gmail.url,
                "CSAGENT_GMAIL__TOPIC": gmail.pubsub.topic,
                "CSAGENT_GMAIL__PUSH_AUDIENCE": push.audience or push.endpoint,
                "CSAGENT_GMAIL__PUSH_ACCOUNT": push.account,
                "CSAGENT_GMAIL__CERTS_URL": gmail.certs_url,
                "CSAGENT_WHATSAPP__ACCOUNT_SID": ACCOUNT_SID,
                "CSAGENT_WHATSAPP__AUTH_TOKEN": AUTH_TOKEN,
                "CSAGENT_WHATSAPP__NUMBER": NUMBER,
                "CSAGENT_WHATSAPP__PUBLIC_URL": url,
                "CSAGENT_WHATSAPP__BASE_URL": twilio.url,
            },
        )


@asynccontextmanager
async def open_stage(url: str, staff_key: str, providers: Providers) -> AsyncIterator[Stage]:
    """The customers' and the staff's ways to a service."""
    headers = {"Authorization": f"Bearer {staff_key}"}
    async with (
        httpx.AsyncClient(base_url=url, timeout=PATIENCE) as customers,
        httpx.AsyncClient(base_url=url, timeout=PATIENCE, headers=headers) as staff,
    ):
        yield Stage(customers, staff, providers)


def _digits(text: str) -> int:
    """Three digits that are the text's."""
    return zlib.crc32(text.encode()) % 1_000
