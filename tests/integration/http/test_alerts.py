"""Alerts on the console and over HTTP: who is told, how it went, and what leads and admins can do about it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr

from api.desks import build_alerter
from infra.alert_settings import AlertSettings, SeverityMinutes
from tests.emulators.smtp_server import smtp_server
from tests.emulators.webhook_receiver import receiver
from tests.integration.http.conftest import caller
from tests.integration.http.console import PASSWORD, Browser, add, browser
from tests.integration.serving import Part, Served, serving, settings_on

WORKER: list[Part] = ["worker"]


@asynccontextmanager
async def office(database_url: str, *, smtp_port: int = 1, **changed: Any) -> AsyncIterator[Served]:
    settings = settings_on(database_url)
    settings.alerts = AlertSettings(
        smtp_url=SecretStr(f"smtp+plain://127.0.0.1:{smtp_port}"),
        mail_from="csagent@shop.example",
        private_networks=["127.0.0.0/8"],
        **changed,
    )
    settings.gmail.mailbox = "support@shop.example"
    async with serving(settings, parts=WORKER) as running:
        yield running


@pytest.fixture
async def served(database_url: str) -> AsyncIterator[Served]:
    async with office(database_url) as running:
        yield running


@asynccontextmanager
async def signed_in(served: Served, name: str) -> AsyncIterator[Browser]:
    async with browser(served.url) as opened:
        assert (await opened.sign_in(name, PASSWORD)).status_code == 303
        yield opened


async def tell(served: Served) -> None:
    """What the scheduler does every few seconds."""
    services = served.services
    await services.alerts.noted.move_on()
    await services.alerts.noted.note()
    await build_alerter(services.settings, services.alerts, services.metrics, services.breakers).deliver()


async def escalated(served: Served) -> dict[str, Any]:
    """A customer asks for a person; the line of the queue."""
    async with caller(served.url) as customer, caller(served.url, key="kim-key") as kim:
        headers = {"Idempotency-Key": str(uuid4())}
        sent = await customer.post("/v1/web/messages", json={"text": "a person please"}, headers=headers)
        assert sent.status_code == 202
        while not (items := (await kim.get("/v1/review/escalations")).json()["items"]):
            pass
    (item,) = items
    return dict(item)


async def test_a_customer_who_waits_is_told_of_by_mail_and_webhook_and_the_page_says_so(database_url: str) -> None:
    async with smtp_server() as mail, receiver() as program, office(database_url, smtp_port=mail.port) as served:
        await add(served, "ada", "admin")
        await add(served, "rita")
        async with signed_in(served, "rita") as rita:
            assert (await rita.send("/account/address", address="rita@shop.example")).status_code == 303
        async with signed_in(served, "ada") as ada:
            added = await ada.send("/alerts/webhooks", name="Pager", url=program.url)
            assert re.search(r"whsec_[A-Za-z0-9+/=]{44}<", added.text)
            item = await escalated(served)
            await tell(served)
            page = (await ada.client.get("/alerts")).text
    assert [letter["To"] for letter in mail.mails] == ["rita@shop.example"]
    assert [request.content["data"]["subject_id"] for request in program.requests] == [item["id"]]
    assert f'<a href="/review#e/{item["id"]}">A case waits for a person</a>' in page
    assert re.search(r"rita \(email\):\s+told", page)
    assert re.search(r"pager \(webhook\):\s+told", page)


async def test_what_fails_is_shown_where_it_can_be_mended_and_tried_again(served: Served) -> None:
    await add(served, "ada", "admin")
    async with receiver("410 Gone") as program, signed_in(served, "ada") as ada:
        await ada.send("/alerts/webhooks", name="pager", url=program.url)
        assert (await ada.send("/alerts/test")).headers["location"] == "/alerts?done=test"
        await tell(served)
        page = (await ada.client.get("/alerts?failed=true")).text
        assert "1 could not be told" in page
        assert "switched off: it answered 410" in page
        assert "csagent_alert_sends_failed 1.0" in (await ada.client.get("/metrics")).text
        again = re.search(r"/alerts/sends/[0-9a-f-]{36}/retry", page)
        assert again is not None
        await ada.send("/alerts/webhooks/pager/enable")
        assert (await ada.send(again[0])).headers["location"] == "/alerts?done=retry"
        await tell(served)
        assert len(program.requests) == 2
        assert "could not be told" not in (await ada.client.get("/alerts")).text


async def test_programs_ask_with_a_leads_key(served: Served) -> None:
    async with caller(served.url, key="kim-key") as kim:
        assert (await kim.post("/v1/alerts/test")).json() == {"sends": 0}
        told = (await kim.get("/v1/alerts")).json()
        assert [(item["kind"], item["sends"]) for item in told["items"]] == [("test", [])]
        older = await kim.get("/v1/alerts", params={"before": told["items"][0]["id"]})
        assert older.json()["items"] == []
        missing = await kim.post(f"/v1/alerts/sends/{told['items'][0]['id']}/retry")
        assert (missing.status_code, missing.headers["content-type"]) == (404, "application/problem+json")


async def test_a_lead_sees_hosts_and_an_admin_addresses_for_these_may_hold_a_secret(served: Served) -> None:
    await add(served, "ada", "admin")
    await add(served, "lena", "lead")
    url = "https://hooks.example/T0/verysecret"
    async with signed_in(served, "ada") as ada, signed_in(served, "lena") as lena:
        await ada.send("/alerts/webhooks", name="pager", url=url)
        assert url in (await ada.client.get("/alerts")).text
        seen = (await lena.client.get("/alerts")).text
        assert ("hooks.example" in seen, "verysecret" in seen) == (True, False)
        assert (await lena.send("/alerts/webhooks", name="other", url=url)).status_code == 403
        for _ in range(2):
            rotated = await ada.send("/alerts/webhooks/pager/rotate")
            assert "whsec_" in rotated.text


@pytest.mark.parametrize("address", ["support@shop.example", "kim", "a@b.example\r\nBcc: c@d.example", "x" * 300])
async def test_an_address_that_no_alert_may_go_to_is_refused(served: Served, address: str) -> None:
    await add(served, "rita")
    async with signed_in(served, "rita") as rita:
        assert (await rita.send("/account/address", address=address)).status_code == 422
        assert (await rita.send("/account/address", address="")).headers["location"] == "/account?done=no-address"


async def test_a_deadline_can_be_shorter_than_what_the_customer_is_told(database_url: str) -> None:
    async with office(database_url, minutes=SeverityMinutes(p2=10)) as served:
        await escalated(served)
        async with served.services.database.connection() as connection:
            cursor = await connection.execute("select due_at - created_at as length from escalations")
            (row,) = await cursor.fetchall()
    assert row["length"].total_seconds() == 600
