"""Email at the emulated Gmail, over real HTTP. Mail is found by looking, as the scheduler's job does."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import get_args

from api.channels.email import MAIL, open_account, open_sync
from channels.gmail import EMAIL
from channels.gmail.credentials import SCOPES, store
from channels.gmail.mail import read_mail
from evals.emulators.gmail.emulator import GmailEmulator
from evals.emulators.gmail.faults import BACKEND, TOO_MANY, Drop, Fail, Manner, Truncate
from evals.emulators.gmail.push import Bad
from infra.channel_settings import GmailSettings
from infra.settings import Settings
from tests.integration.channels.bench import Taken, Unreadable
from tests.integration.channels.stage import Stage

_PUSH = "/v1/gmail/push"
_TROUBLES: Mapping[str, tuple[Manner, Taken]] = {
    "busy": (TOO_MANY, "certainly not"),
    "a mail that is none": (Fail(400, "invalidArgument", "Invalid To header"), "certainly not"),
    "broken": (BACKEND, "perhaps"),
    "broken late": (Fail(500, "backendError", "Internal error encountered.", taken=True), "perhaps"),
    "silent": (Drop(), "perhaps"),
    "silent late": (Drop(taken=True), "perhaps"),
    "half an answer": (Truncate(), "perhaps"),
}


@dataclass
class EmailBench:
    """Gmail holds the mails; pushes only say that there are some."""

    gmail: GmailEmulator
    folder: Path
    unreadable: Unreadable = "stored for a person"
    delivered: set[str] = field(default_factory=set)
    looking: asyncio.Lock = field(default_factory=asyncio.Lock)
    name = EMAIL
    channel = MAIL
    troubles: Mapping[str, Taken] = field(
        default_factory=lambda: {name: taken for name, (_, taken) in _TROUBLES.items()}
    )

    def set_up(self, settings: Settings) -> Settings:
        credentials = self.folder / "gmail.json"
        store(
            credentials,
            {
                "type": "authorized_user",
                "client_id": self.gmail.tokens.client.id,
                "client_secret": self.gmail.tokens.client.secret,
                "refresh_token": self.gmail.tokens.refresh_token(SCOPES),
                "token_uri": self.gmail.token_url,
            },
        )
        own = GmailSettings(
            mailbox=self.gmail.mailbox.address,
            credentials=credentials,
            api_url=self.gmail.url,
            certs_url=self.gmail.certs_url,
            push_audience="https://support.example/push",
            push_account="pushes@emulated.iam.gserviceaccount.com",
        )
        return settings.model_copy(update={"gmail": own})

    async def write(self, stage: Stage, customer: str, text: str, key: str) -> int:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = self.address(customer), self.gmail.mailbox.address, "A question"
        mail["Message-ID"] = f"<{key}@customer.example>"
        mail.set_content(text)
        return await self._arrives(stage, mail.as_bytes(), key)

    async def forge(self, stage: Stage, customer: str) -> list[int]:  # noqa: ARG002 - a push names no customer
        self.gmail.push_to(stage.url + _PUSH, audience="https://support.example/push")
        attempts = [await asyncio.to_thread(self.gmail.forge, bad) for bad in get_args(Bad)]
        return [attempt.status or 0 for attempt in attempts]

    async def garble(self, stage: Stage) -> int:
        raw = (
            b"From: somebody@customer.example\r\nTo: support@shop.example\r\nMessage-ID: <sealed@customer.example>\r\n"
            b"Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n\r\n\xff\x00sealed\r\n"
        )
        return await self._arrives(stage, raw, "sealed")

    async def heard(self, stage: Stage, customer: str) -> list[str]:  # noqa: ARG002 - others ask the product
        read = [read_mail(sent.raw) for sent in self.gmail.mailbox.sent]
        return [mail.text for mail in read if mail.to and mail.to[0].address == self.address(customer)]

    def address(self, customer: str) -> str:
        return f"{customer}@customer.example"

    def trouble(self, name: str) -> None:
        self.gmail.faults.on(_TROUBLES[name][0], "gmail.users.messages.send", times=1)

    async def _arrives(self, stage: Stage, raw: bytes, key: str) -> int:
        """The mail is there once; the mailbox is looked through each time."""
        async with self.looking, open_account(stage.services.settings.gmail, stage.services.settings.folder) as account:
            sync = open_sync(stage.services, account)
            if not self.delivered:
                await sync.run()
            if key not in self.delivered:
                self.delivered.add(key)
                self.gmail.mailbox.deliver(raw)
            await sync.run()
        return 200


@asynccontextmanager
async def email() -> AsyncIterator[EmailBench]:
    """The channel, at a mailbox of its own."""
    with GmailEmulator(delegated=SCOPES) as gmail, tempfile.TemporaryDirectory() as folder:
        yield EmailBench(gmail, Path(folder))
