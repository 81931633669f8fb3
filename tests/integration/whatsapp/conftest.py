"""The product on trivial skills and Twilio's emulator, each reached over HTTP; the product behind a proxy."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import httpx
import pytest
import uvicorn
from pydantic import SecretStr

from api.app import create_app, services_of
from api.channels import open_sender
from api.channels.whatsapp import WHATSAPP_CHANNEL, Known
from api.commands.serve import IDLE_SECONDS
from api.file_fetching import Fetched
from api.scheduler import Done
from api.wiring import Services, build_worker
from channels.whatsapp.account import Account
from channels.whatsapp.outbound import WhatsAppOutbound
from channels.whatsapp.sender import Sender
from evals.emulators.twilio.faults import LOST
from evals.emulators.twilio.server import ACCOUNT_SID, AUTH_TOKEN, NUMBER, TwilioServer
from evals.emulators.twilio.webhooks import Posted
from infra.channel_settings import WhatsAppSettings
from infra.crypto.keyring import Keyring
from infra.postgres.consents import Consents
from infra.postgres.correspondence import Correspondence
from infra.postgres.database import Database
from infra.postgres.schedule import Reign
from infra.settings import SettleSettings
from tests.core import Core
from tests.databases import LentDatabases
from tests.integration.http.conftest import caller, settings_on
from tests.integration.whatsapp.way import Way
from tests.trivial import trivial_graph

PUBLIC = "https://support.example.com"
CARRYING, INVITING, CODE = ("HX" + digit * 32 for digit in "123")
TEMPLATES = {
    CARRYING: "News from us: {{1}}",
    INVITING: "We have an answer for you. Write to us to get it.",
    CODE: "Your code is {{1}}.",
}


@dataclass
class Line:
    """Customers on one side, staff on the other, the product and Twilio between them."""

    services: Services
    twilio: TwilioServer
    web: httpx.AsyncClient
    kim: httpx.AsyncClient
    numbers: Iterator[int] = field(default_factory=lambda: count(4917000000000))

    def somebody(self) -> str:
        """A number that nobody has used."""
        return f"+{next(self.numbers)}"

    async def write(self, sender: str, text: str = "", **how: Any) -> list[Posted]:
        return await asyncio.to_thread(self.twilio.write, sender, text, **how)

    async def rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        async with self.services.database.connection() as connection:
            cursor = await connection.execute(statement.encode(), values)
            return await cursor.fetchall() if cursor.description else []

    async def until(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        """Wait for a row."""
        async with asyncio.timeout(20):
            while not (found := await self.rows(statement, *values)):  # noqa: ASYNC110 - the database has no event
                await asyncio.sleep(0.02)
            return found

    def said_to(self, customer: str) -> list[str]:
        """What Twilio took for them, in order."""
        return [message.body for message in self.twilio.sent if message.to == f"whatsapp:{customer}"]

    async def hears(self, customer: str, times: int = 1) -> list[str]:
        """Wait until so many texts for them were taken and settled."""
        async with asyncio.timeout(20):
            while len(self.said_to(customer)) < times:  # noqa: ASYNC110 - the emulator lives in threads
                await asyncio.sleep(0.02)
        return self.said_to(customer)

    async def case_of(self, customer: str) -> str:
        index = self.services.keyring.address_index("whatsapp", customer)
        (row,) = await self.until(
            "select c.id from cases c join conversations v on v.id = c.conversation_id"
            " join identities i on i.id = v.identity_id where i.address_index = %s order by c.opened_at desc limit 1",
            index,
        )
        return str(row["id"])

    async def transcript(self, customer: str) -> list[dict[str, Any]]:
        answer = await self.kim.get(f"/v1/review/cases/{await self.case_of(customer)}")
        assert answer.status_code == 200, answer.text
        lines: list[dict[str, Any]] = answer.json()["transcript"]
        return lines

    async def fetch_files(self) -> Fetched:
        """What the scheduler's job does."""
        done = await self.job("whatsapp_files")
        return Fetched(done.counts, done.more)

    async def job(self, name: str) -> Done:
        """One of the channel's jobs, once."""
        job = next(job for job in WHATSAPP_CHANNEL.jobs(self.services) if job.name == name)
        return await job.run(Reign(self.services.database, "test", 1))

    async def silent_for_a_day(self, customer: str) -> None:
        """The customer wrote 25 hours ago, as both sides know it."""
        case_id = await self.case_of(customer)
        await self.rows(
            "update messages set received_at = received_at - interval '25 hours' where conversation_id ="
            " (select conversation_id from cases where id = %s)",
            case_id,
        )
        with self.twilio.ledger.lock:
            self.twilio.ledger.heard.pop(f"whatsapp:{customer}", None)


@pytest.fixture(scope="module")
def templates() -> dict[str, str]:
    return TEMPLATES


@pytest.fixture(scope="module")
async def line(databases: LentDatabases, redis_url: str) -> AsyncIterator[Line]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with (
        databases.lend() as database_url,
        TwilioServer(messages_url=f"{PUBLIC}/v1/whatsapp/messages", proxy=(PUBLIC, url), templates=TEMPLATES) as twilio,
    ):
        settings = settings_on(database_url, redis_url).model_copy(
            update={
                "public_url": PUBLIC,
                "settle": SettleSettings(whatsapp=0.0),
                "whatsapp": WhatsAppSettings(
                    account_sid=ACCOUNT_SID,
                    auth_token=SecretStr(f"{AUTH_TOKEN},the-one-before"),
                    number=NUMBER,
                    template_sid=CARRYING,
                    template_text_variable="1",
                    code_template_sid=CODE,
                    base_url=twilio.url,
                    messages_per_second=1000,
                ),
            }
        )
        app = create_app(settings)
        server = uvicorn.Server(
            uvicorn.Config(
                app, host="127.0.0.1", port=port, log_config=None, lifespan="on", timeout_keep_alive=IDLE_SECONDS
            )
        )
        serving = asyncio.create_task(server.serve())
        while not server.started:
            assert not serving.done(), "the service did not start"
            await asyncio.sleep(0.01)
        services, stop = services_of(app), asyncio.Event()
        async with open_sender(services) as sender:
            loops = [asyncio.create_task(each.run(stop)) for each in (build_worker(services, trivial_graph()), sender)]
            async with caller(url) as web, caller(url, key="kim-key") as kim:
                yield Line(services, twilio, web, kim)
            stop.set()
            await asyncio.gather(*loops)
        services.stopping.set()  # as SIGTERM does: long answers end
        server.should_exit = True
        await serving


@pytest.fixture
def twilio() -> Iterator[TwilioServer]:
    with TwilioServer() as server:
        server.lives(otherwise=LOST)
        yield server


@pytest.fixture
async def way(database: Database, keyring: Keyring, twilio: TwilioServer) -> AsyncIterator[Way]:
    async with httpx.AsyncClient(trust_env=False) as http:
        channel = WhatsAppOutbound(
            Account(ACCOUNT_SID, AUTH_TOKEN, base_url=twilio.url),
            http,
            Sender(NUMBER, status_callback="http://127.0.0.1:9/statuses"),
            Known(Correspondence(database, keyring), Consents(database, keyring)),
        )
        yield Way(Core(database, keyring, trivial_graph(), channel), twilio, channel)
