"""WhatsApp at the emulated Twilio, over real HTTP both ways."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import md5
from urllib.parse import urlencode

from pydantic import SecretStr

from api.channels.whatsapp import WHATSAPP_CHANNEL
from channels.whatsapp import PREFIX, WHATSAPP
from channels.whatsapp.signature import HEADER
from evals.emulators.twilio.faults import LOST, Behaviour, Drop, Fail, Truncate, rate_limited, server_error
from evals.emulators.twilio.server import ACCOUNT_SID, AUTH_TOKEN, NUMBER, TwilioServer
from evals.emulators.twilio.webhooks import signature
from infra.channel_settings import WhatsAppSettings
from infra.settings import Settings
from tests.integration.channels.bench import Taken, Unreadable
from tests.integration.channels.stage import Stage

_PUBLIC = "https://support.example"
_PATH = "/v1/whatsapp/messages"
_TROUBLES: Mapping[str, tuple[Behaviour, Taken]] = {
    "busy": (rate_limited(), "certainly not"),
    "a number that is none": (Fail(400, 21211, "Invalid 'To' Phone Number"), "certainly not"),
    "broken": (server_error(), "perhaps"),
    "broken late": (server_error(taken=True), "perhaps"),
    "silent": (Drop(taken=False), "perhaps"),
    "silent late": (Drop(), "perhaps"),
    "half an answer": (Truncate(), "perhaps"),
}


@dataclass
class WhatsAppBench:
    """Twilio posts signed forms, and takes texts by its API."""

    twilio: TwilioServer
    unreadable: Unreadable = "stored for a person"
    numbers: dict[str, str] = field(default_factory=dict)
    name = WHATSAPP
    channel = WHATSAPP_CHANNEL
    troubles: Mapping[str, Taken] = field(
        default_factory=lambda: {name: taken for name, (_, taken) in _TROUBLES.items()}
    )

    def set_up(self, settings: Settings) -> Settings:
        own = WhatsAppSettings(
            account_sid=ACCOUNT_SID,
            auth_token=SecretStr(AUTH_TOKEN),
            number=NUMBER,
            public_url=_PUBLIC,
            base_url=self.twilio.url,
        )
        return settings.model_copy(update={"whatsapp": own})

    async def write(self, stage: Stage, customer: str, text: str, key: str) -> int:
        form = self._form(customer, key, Body=text)
        # The window is open at Twilio's too once somebody has written.
        self.twilio.ledger.receive(PREFIX + self.address(customer), text, ())
        return await self._post(stage, form)

    async def forge(self, stage: Stage, customer: str) -> list[int]:
        form = self._form(customer, "forged", Body="forged")
        good = signature(AUTH_TOKEN, _PUBLIC + _PATH, form)
        other = signature("another token", _PUBLIC + _PATH, form)
        elsewhere = signature(AUTH_TOKEN, "https://other.example" + _PATH, form)
        changed = {**form, "Body": "changed"}
        return [
            await self._post(stage, form, other),
            await self._post(stage, form, elsewhere),
            await self._post(stage, form, ""),
            await self._post(stage, changed, good),
        ]

    async def garble(self, stage: Stage) -> int:
        return await self._post(stage, self._form("somebody", "garbled", MessageType="hologram"))

    async def heard(self, stage: Stage, customer: str) -> list[str]:  # noqa: ARG002 - others ask the product
        return [message.body for message in self.twilio.sent if message.to == PREFIX + self.address(customer)]

    def address(self, customer: str) -> str:
        return self.numbers.setdefault(customer, f"+4915123{len(self.numbers):06}")

    def trouble(self, name: str) -> None:
        self.twilio.script(_TROUBLES[name][0])

    def _form(self, customer: str, key: str, **more: str) -> dict[str, str]:
        sid = f"SM{md5(key.encode(), usedforsecurity=False).hexdigest()}"
        sender = self.address(customer)
        own = {"MessageSid": sid, "AccountSid": ACCOUNT_SID, "From": PREFIX + sender, "To": PREFIX + NUMBER}
        return {**own, "WaId": sender[1:], "NumMedia": "0", **more}

    async def _post(self, stage: Stage, form: dict[str, str], signed: str | None = None) -> int:
        given = signature(AUTH_TOKEN, _PUBLIC + _PATH, form) if signed is None else signed
        headers = {HEADER: given, "Content-Type": "application/x-www-form-urlencoded"}
        return (await stage.http.post(_PATH, content=urlencode(form), headers=headers)).status_code


@asynccontextmanager
async def whatsapp() -> AsyncIterator[WhatsAppBench]:
    """The channel, at a Twilio that reports nothing of its own accord."""
    with TwilioServer() as twilio:
        twilio.lives(otherwise=LOST)
        yield WhatsAppBench(twilio)
