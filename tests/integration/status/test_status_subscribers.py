"""Customers who ask for notices by mail."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from uuid import uuid4

import pytest

from api.channels.email import posting
from api.status_mail import Mailing, send_notices
from channels.envelope import Accepted, Refused, SendResult, Unknown
from channels.gmail.letterhead import Letterhead
from infra.crypto.keyring import Keyring
from infra.crypto.subscription_links import SubscriptionLinks
from infra.postgres.database import Database
from infra.postgres.incidents import Incidents, Written
from infra.postgres.subscribers import Subscribers
from skills.errors import NotFoundError
from tests.integration.http.conftest import caller
from tests.integration.serving import serving, settings_on

LINKS = SubscriptionLinks(b"s" * 32, "https://help.example")


class Box:
    """Takes mails, and answers each as it is told to."""

    def __init__(self) -> None:
        self.mails: list[Mailing] = []
        self.answer: SendResult = Accepted()

    async def post(self, mail: Mailing) -> SendResult:
        self.mails.append(mail)
        return self.answer


@pytest.fixture
def box() -> Box:
    return Box()


async def announced(database: Database) -> None:
    incidents, now = Incidents(database), datetime.now(UTC)
    known = await incidents.open(Written("Chat is slow", "P3", "degraded", ("chat",), now), by="kim", now=now)
    await incidents.update(known, "investigating", "We look into it.", by="kim", now=now)


async def rounds(subscribers: Subscribers, box: Box, count: int = 2) -> None:
    for _ in range(count):
        await subscribers.queue(datetime.now(UTC))
        await send_notices(subscribers, LINKS, "Example Shop", box.post)


async def test_who_confirmed_is_told_once_and_who_did_not_only_asked(
    database: Database, keyring: Keyring, box: Box
) -> None:
    subscribers = Subscribers(database, keyring)
    for address in ("ada@shop.example", "ada@shop.example", "ben@shop.example"):
        await subscribers.ask(address)
    await rounds(subscribers, box)
    assert sorted(mail.address for mail in box.mails) == ["ada@shop.example", "ben@shop.example"]
    (first,) = (mail for mail in box.mails if mail.address == "ada@shop.example")
    token = first.text.partition("/status/subscription/")[2].split()[0]
    await subscribers.confirm(LINKS.check(token), datetime.now(UTC))
    box.mails.clear()
    await announced(database)
    await rounds(subscribers, box)
    (mail,) = box.mails
    assert (mail.address, mail.subject) == ("ada@shop.example", "Example Shop: Chat is slow (investigating)")
    assert mail.ending == f"https://help.example/status/subscription/{token}/end"
    await subscribers.end(LINKS.check(token))
    with pytest.raises(NotFoundError):
        await subscribers.confirmed(LINKS.check(token))
    async with database.connection() as connection:
        kept = await (
            await connection.execute("select count(*) as n from customer_keys where wrapped is null")
        ).fetchone()
        assert kept == {"n": 1}, "with the key goes the address"
        plain = await (
            await connection.execute("select status_subscribers::text as row from status_subscribers")
        ).fetchall()
        assert all("shop.example" not in row["row"] for row in plain)


async def test_what_was_refused_is_tried_again_and_what_nobody_knows_of_is_not(
    database: Database, keyring: Keyring, box: Box
) -> None:
    subscribers = Subscribers(database, keyring)
    await subscribers.ask("ada@shop.example")
    box.answer = Refused("429", retry=True)
    await rounds(subscribers, box)
    async with database.connection() as connection:
        await connection.execute("update status_notices set due_at = now()")
    box.answer = Unknown("broken")
    await rounds(subscribers, box)
    assert len(box.mails) == 2
    async with database.connection() as connection:
        rows = await (await connection.execute("select state, attempts from status_notices")).fetchall()
    assert rows == [{"state": "unknown", "attempts": 2}]


async def test_a_mail_offers_to_end_it_in_one_click(box: Box) -> None:
    raws: list[bytes] = []

    class Gmail:
        async def send(self, raw: bytes, _thread: str | None) -> None:
            raws.append(raw)

    mail = Mailing(uuid4(), "ada@shop.example", "Chat is slow", "We look into it.", "https://help.example/x/end")
    post = posting(Gmail(), Letterhead("help@shop.example", "Example Shop"))  # type: ignore[arg-type] # all that is asked of it
    assert await post(mail) == Accepted()
    written = message_from_bytes(raws[0], policy=default)
    assert written["List-Unsubscribe"] == "<https://help.example/x/end>"
    assert written["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert (written["To"], written["Auto-Submitted"]) == ("ada@shop.example", "auto-generated")


async def test_asked_for_confirmed_and_ended_in_a_browser(database_url: str) -> None:
    settings = settings_on(database_url)
    settings.gmail.mailbox = "help@shop.example"
    async with serving(settings, channels=(), parts=()) as served, caller(served.url) as anybody:
        assert 'action="/status/subscribe"' in (await anybody.get("/status")).text
        assert (await anybody.post("/status/subscribe", data={"address": "no address"})).status_code == 422
        for _ in range(2):
            told = await anybody.post("/status/subscribe", data={"address": "Ada@shop.example"})
            assert (told.status_code, "We have sent a mail" in told.text) == (200, True)
        box, services = Box(), served.services
        await send_notices(services.subscribers, services.subscription_links, "Example Shop", box.post)
        (mail,) = box.mails
        path = "/status/subscription/" + mail.text.partition("/status/subscription/")[2].split()[0]
        for _ in range(2):
            assert "Yes, send them" in (await anybody.get(path)).text, "opening the link changes nothing"
        assert "from now on" in (await anybody.post(f"{path}/confirm")).text
        assert "End the notices" in (await anybody.get(path)).text
        one_click = await anybody.post(f"{path}/end", data={"List-Unsubscribe": "One-Click"})
        assert (one_click.status_code, (await anybody.get(path)).status_code) == (200, 404)
        assert (await anybody.get("/status/subscription/forged")).status_code == 404
