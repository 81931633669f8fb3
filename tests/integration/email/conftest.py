"""The product on a database, with trivial skills, behind a mailbox at the Gmail emulator."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from api.channels.email import MAIL, open_sync, place
from api.wiring import Services, open_services
from channels.gmail.account import TIMEOUT, Account
from channels.gmail.sync import Report
from channels.protocol import OutboundChannel
from infra.channel_settings import GmailSettings
from skills.turn import CaseId
from tests.core import Core
from tests.integration.http.conftest import settings_on
from tests.mailroom import MAILBOX, Mailroom, mailroom
from tests.trivial import Gate, trivial_graph


@dataclass
class Desk:
    """What a test holds in its hands."""

    room: Mailroom
    services: Services
    account: Account
    outbound: OutboundChannel
    core: Core
    gate: Gate = field(default_factory=Gate)

    def __post_init__(self) -> None:
        self.place = place(self.services)
        self.gmail = self.room.gmail

    async def sync(self) -> Report:
        return await open_sync(self.services, self.account).run()

    async def followed(self) -> None:
        """From here on mails are ours."""
        await self.sync()

    async def cases(self) -> list[CaseId]:
        return [CaseId(row["id"]) for row in await self.core.rows("select id from cases order by opened_at")]

    async def case(self) -> CaseId:
        (case_id,) = await self.cases()
        return case_id

    async def answered(self) -> None:
        """The agent answers whatever waits, and the answers go out."""
        for row in await self.core.rows("select case_id from case_work where due_at is not null"):
            await self.core.work(row["case_id"])
        await self.core.deliver()

    async def told(self) -> list[str]:
        """Every message as ``author: text (state)``, in order."""
        found = []
        for case_id in await self.cases():
            read = await self.core.cases.read(case_id, reader="test")
            found += [f"{one.author}: {one.text} ({one.state})" for one in read.transcript]
        return found

    async def outbox(self) -> list[dict[str, Any]]:
        return await self.core.rows("select id, state, error, kind from outbox order by position")


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Mailroom]:
    with mailroom(tmp_path) as opened:
        yield opened


@pytest.fixture
async def desk(room: Mailroom, database_url: str) -> AsyncIterator[Desk]:
    settings = settings_on(database_url, None).model_copy(
        update={
            "gmail": GmailSettings(
                mailbox=MAILBOX,
                credentials=room.credentials,
                company="Shop",
                signature="Your Shop",
                api_url=room.gmail.url,
                topic=room.gmail.pubsub.topic,
                push_audience="https://shop.example/v1/gmail/push",
                push_account="pushes@emulated.iam.gserviceaccount.com",
                certs_url=room.gmail.certs_url,
            )
        }
    )
    async with (
        open_services(settings, process="test") as services,
        room.account(TIMEOUT) as account,
        MAIL.outbound(services) as (outbound,),
    ):
        gate = Gate()
        core = Core(services.database, services.keyring, trivial_graph(gate), outbound)
        yield Desk(room, services, account, outbound, core, gate)
