"""A company on every channel: the whole product in this process, its own skills, and Gmail and Twilio emulated.

Everything goes over HTTP: visitors at the API, mails and WhatsApp messages through Google's and Twilio's own clients at
the emulators, staff at the review API and by ``csagent``.
"""

from __future__ import annotations

import asyncio
import base64
import re
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import formataddr, make_msgid
from typing import Any
from uuid import uuid4

import httpx
import pytest
from typer.testing import CliRunner

from api.agent import open_agent, open_embedder
from api.cli import build
from api.wiring import build_worker
from evals.emulators.gmail.reception import Found, received
from evals.emulators.twilio.ledger import PREFIX
from evals.sample_company.stage import Providers, open_providers
from evals.sample_company.talks.chat import ChatTalk
from evals.sample_company.talks.mail import MailTalk
from evals.sample_company.talks.talk import Talk
from evals.sample_company.talks.whatsapp import WhatsAppTalk
from infra.knowledge.ingest import Ingest
from infra.knowledge.reading import Reading, read_articles
from infra.postgres.articles import PostgresArticles
from infra.settings import read_settings
from tests.architecture.project import ROOT
from tests.integration.http.conftest import caller
from tests.integration.serving import Served, serving

ARTICLES = ROOT / "evals" / "sample_company" / "articles"
KNOWN = (
    "opening-hours-and-contact",
    "early-sowers",
    "refer-a-friend",
    "warranty",
    "battery-pack",
    "seedbox",
    "returns",
    "delivery-abroad",
)
"""The articles that there are; two of them are for proven customers only. Few, for each has to be embedded."""
CODE_TEMPLATE = "HX" + "3" * 32
PATIENCE = 30.0
_KEY = base64.b64encode(b"k" * 32).decode()


@dataclass
class Visitor:
    """Somebody in the web chat. The token is all that makes them who they are."""

    web: httpx.AsyncClient
    token: str | None = None
    case_id: str = ""
    cursor: int = 0

    @property
    def headers(self) -> dict[str, str]:
        return {} if self.token is None else {"Authorization": f"Bearer {self.token}"}

    async def writes(self, text: str, **more: str) -> None:
        key = {"Idempotency-Key": str(uuid4())}
        taken = await self.web.post("/v1/web/messages", json={"text": text, **more}, headers={**self.headers, **key})
        assert taken.status_code == 202, taken.text
        self.token, self.case_id = taken.json()["conversation_token"], taken.json()["case_id"]

    async def hears(self) -> str:
        """The next that is said to them, held open by the service until there is something."""
        async with asyncio.timeout(PATIENCE):
            while True:
                page = (await self.get("/v1/web/messages", after=self.cursor, wait=20)).json()
                self.cursor = page["cursor"]
                if texts := [one["text"] for one in page["messages"] if one["author"] != "customer"]:
                    return "\n".join(texts)

    async def asks(self, text: str, **more: str) -> str:
        await self.writes(text, **more)
        return await self.hears()

    async def get(self, path: str, **parameters: Any) -> httpx.Response:
        return await self.web.get(path, params=parameters, headers=self.headers)

    async def wants_code(self, **address: str) -> httpx.Response:
        return await self.web.post("/v1/web/identity/codes", json=address, headers=self.headers)

    async def types(self, code: str) -> httpx.Response:
        return await self.web.post("/v1/web/identity/proof", json={"code": code}, headers=self.headers)


@dataclass
class Person:
    """Somebody with a mailbox and a phone, on the other side of the providers."""

    providers: Providers
    address: str
    number: str
    name: str = "Dana Whitlock"
    _mails_read: int = 0
    _messages_read: int = 0

    async def mails(
        self, text: str, *, subject: str, found: Found | None = None, answers: EmailMessage | None = None
    ) -> None:
        """Write a mail; ``found`` is what Gmail finds about its sender, who is proven unless it says otherwise."""
        mail = EmailMessage()
        mail["From"], mail["To"] = formataddr((self.name, self.address)), self.providers.gmail.mailbox.address
        mail["Subject"], mail["Message-ID"] = subject, make_msgid(domain="customers.example")
        if answers is not None:
            mail["In-Reply-To"] = mail["References"] = str(answers["Message-ID"])
        mail.set_content(text)
        await asyncio.to_thread(self.providers.gmail.mailbox.deliver, received(mail.as_bytes(), found))

    async def gets_mail(self) -> EmailMessage:
        """The next mail that comes to the address."""
        await asyncio.to_thread(
            self.providers.gmail.wait_until, lambda: len(self.mailed) > self._mails_read, seconds=PATIENCE
        )
        self._mails_read += 1
        mail = message_from_bytes(self.mailed[self._mails_read - 1], policy=policy.default)
        assert isinstance(mail, EmailMessage)
        return mail

    async def texts(self, text: str) -> None:
        """Write by WhatsApp."""
        posted = await asyncio.to_thread(self.providers.twilio.write, self.number, text, name=self.name)
        assert [one.status for one in posted] == [200]

    async def gets_text(self) -> str:
        """The next that comes to the phone."""
        async with asyncio.timeout(PATIENCE):
            while len(self.texted) <= self._messages_read:  # noqa: ASYNC110 - the emulator lives in threads
                await asyncio.sleep(0.02)
        self._messages_read += 1
        return self.texted[self._messages_read - 1]

    @property
    def texted(self) -> list[str]:
        """Everything that came to the phone."""
        return [one.body for one in self.providers.twilio.sent if one.to == PREFIX + self.number]

    @property
    def mailed(self) -> list[bytes]:
        """Every mail that came to the address."""
        return [sent.raw for sent in self.providers.gmail.mailbox.sent if self.address in sent.identity.recipients]


@dataclass
class Company:
    """What a test holds in its hands."""

    served: Served
    providers: Providers
    web: httpx.AsyncClient
    kim: httpx.AsyncClient
    _people: int = field(default=0)

    def visitor(self) -> Visitor:
        return Visitor(self.web)

    def person(self) -> Person:
        """Somebody who never wrote before."""
        self._people += 1
        return Person(self.providers, f"dana.{self._people}@customers.example", f"+4915112345{self._people:03}")

    async def found(self, address: str) -> list[dict[str, Any]]:
        """Whom staff find by an address."""
        answer = await self.kim.get("/v1/review/customers", params={"address": address})
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    async def customer(self, identifier: str) -> dict[str, Any]:
        """The page of a customer, as staff see it."""
        answer = await self.kim.get(f"/v1/review/customers/{identifier}")
        assert answer.status_code == 200, answer.text
        page: dict[str, Any] = answer.json()
        return page

    async def owner(self, address: str) -> str:
        """Who has proven an address."""
        (owner,) = [one["id"] for one in await self.found(address) if one["proven"]]
        return str(owner)

    async def customer_of(self, case_id: str) -> str:
        return str((await self.case(case_id))["customer"]["id"])

    async def case_of(self, address: str) -> str:
        """The newest case of whoever has proven an address."""
        page = await self.customer(await self.owner(address))
        return str(max(page["cases"], key=lambda case: case["opened_at"])["id"])

    def talk(self, channel: str, person: Person) -> Talk:
        """A person's talk on a channel, with whatever programs they have there."""
        match channel:
            case "email":
                return MailTalk(self.providers.gmail, self.case_of, person.name, person.address, "A question")
            case "whatsapp":
                return WhatsAppTalk(self.providers.twilio, self.case_of, person.name, person.number)
            case _:
                return ChatTalk(self.web, person.name)

    async def case(self, case_id: str) -> dict[str, Any]:
        """A case, as staff read it."""
        answer = await self.kim.get(f"/v1/review/cases/{case_id}")
        assert answer.status_code == 200, answer.text
        case: dict[str, Any] = answer.json()
        return case

    async def decides(self, case_id: str, action: str, **more: str) -> None:
        """Kim decides on what waits in a case."""
        read = await self.escalation(case_id)
        decision = {"action": action, "version": read["version"], **more}
        answer = await self.kim.post(f"/v1/review/escalations/{read['id']}/decision", json=decision)
        assert answer.status_code == 202, answer.text

    async def does(self, case_id: str, what: str, **body: Any) -> None:
        """Kim does something else with a case."""
        key = {"Idempotency-Key": str(uuid4())}
        answer = await self.kim.post(f"/v1/review/cases/{case_id}/{what}", json=body or None, headers=key)
        assert answer.is_success, answer.text

    async def until(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        """Wait for a row."""
        async with asyncio.timeout(PATIENCE):
            while not (found := await self.rows(statement, *values)):  # noqa: ASYNC110 - the database has no event
                await asyncio.sleep(0.02)
            return found

    async def escalation(self, case_id: str) -> dict[str, Any]:
        """What a reviewer reads of a case that waits for one."""
        identifier = (await self.case(case_id))["escalation_id"]
        read: dict[str, Any] = (await self.kim.get(f"/v1/review/escalations/{identifier}")).json()
        return read

    async def rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        async with self.served.services.database.connection() as connection:
            cursor = await connection.execute(statement.encode(), values)
            return await cursor.fetchall() if cursor.description else []

    async def csagent(self, *arguments: str) -> None:
        """A command of staff, on the same database; in a thread, for it has a loop of its own."""
        result = await asyncio.to_thread(CliRunner().invoke, build(*arguments[:1]), list(arguments))
        assert result.exit_code == 0, (result.output, result.exception)


def code_in(text: str) -> str:
    """The one-time code of a text."""
    (code,) = re.findall(r"\b\d{6}\b", text)
    return str(code)


def body_of(mail: EmailMessage) -> str:
    """What a mail says, in plain text."""
    body = mail.get_body(("plain",))
    return "" if body is None else str(body.get_content())


@asynccontextmanager
async def open_company(database_url: str) -> AsyncIterator[Company]:
    """The product and whatever is around it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with open_providers(url) as providers, _surroundings(database_url, url, providers.environment):
        providers.twilio.ledger.templates[CODE_TEMPLATE] = "{{1}} is your code."
        settings = read_settings(_env_file=None)
        async with (
            serving(settings, parts=("sender", "scheduler"), port=port) as served,
            open_embedder(settings) as embedder,
        ):
            services, stop = served.services, asyncio.Event()
            await Ingest(PostgresArticles(services.database), embedder).add(_articles())
            async with open_agent(settings, services.database, services.keyring) as graph:
                working = asyncio.create_task(build_worker(services, graph).run(stop))
                async with caller(url) as web, caller(url, key="kim-key") as kim:
                    yield Company(served, providers, web, kim)
                stop.set()
                await working


@contextmanager
def _surroundings(database_url: str, url: str, providers: Mapping[str, str]) -> Iterator[None]:
    """The environment of the product and of its commands, as an operator sets it."""
    none = ("REDIS_URL", "OPENAI_API_KEY", "CSAGENT_POLICY_FILE", "FORCE_COLOR")
    ours = {
        "DATABASE_URL": database_url,
        "CSAGENT_MASTER_KEYS": f"test:{_KEY}",
        "CSAGENT_INDEX_KEY": _KEY,
        "CSAGENT_STAFF_KEYS": "kim:kim-key",
        "CSAGENT_PUBLIC_URL": url,
        "CSAGENT_COMPANY__NAME": "Thimblewick",
        "CSAGENT_IDENTITY__SITE": "Thimblewick",
        "CSAGENT_WORKER__SWEEP_SECONDS": "0.2",
        "CSAGENT_GMAIL__POLL_SECONDS": "1",
        "CSAGENT_WHATSAPP__CODE_TEMPLATE_SID": CODE_TEMPLATE,
        "CSAGENT_WHATSAPP__MESSAGES_PER_SECOND": "1000",
        **{f"CSAGENT_SETTLE__{channel}": "0" for channel in ("CHAT", "FORM", "EMAIL", "WHATSAPP")},
    }
    with pytest.MonkeyPatch.context() as environment:
        for name in none:
            environment.delenv(name, raising=False)
        for name, value in {**ours, **providers}.items():
            environment.setenv(name, value)
        yield


def _articles() -> Reading:
    whole = read_articles(ARTICLES)
    kept = tuple(article for article in whole.articles if article.slug.removesuffix(".md") in KNOWN)
    assert len(kept) == len(KNOWN)
    return Reading(whole.source, kept, (), ())
