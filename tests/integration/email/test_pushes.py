"""Pushes: a true one brings a run about, a forged one nothing at all, and a lost one costs time only."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import get_args

import httpx
import pytest
import uvicorn

from api.app import create_app
from api.commands.serve import IDLE_SECONDS
from channels.gmail.signature import Expected, ForgedPushError, PushTokens
from evals.emulators.gmail.faults import BACKEND
from evals.emulators.gmail.push import Bad, Deliver, Lose, Overtake, Subscription
from skills.errors import ProviderUnavailableError
from tests.integration.email.conftest import Desk
from tests.integration.http.conftest import caller, settings_on

ACCOUNT, AUDIENCE = "pushes@emulated.iam.gserviceaccount.com", "https://shop.example/v1/gmail/push"
JOB = "select due_at <= now() as due from scheduler_jobs where name = 'gmail_sync'"


@dataclass
class Told:
    """The service that is told, beside the desk."""

    desk: Desk
    url: str

    async def asked(self) -> bool:
        (row,) = await self.desk.core.rows(JOB)
        return bool(row["due"])

    async def rest(self) -> None:
        """Nothing is to be done for a while."""
        await self.desk.core.rows("update scheduler_jobs set due_at = now() + interval '1 day' returning 1")

    async def until(self, count: int) -> list[int | None]:
        pubsub = self.desk.gmail.pubsub
        await asyncio.to_thread(self.desk.gmail.wait_until, lambda: len(pubsub.attempts) >= count)
        return [attempt.status for attempt in pubsub.attempts]


@pytest.fixture
async def told(desk: Desk) -> AsyncIterator[Told]:
    await desk.core.rows(
        "insert into scheduler_jobs (name, due_at) values ('gmail_sync', now() + interval '1 day') returning 1"
    )
    await desk.followed()
    app = create_app(desk.services.settings)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(
        uvicorn.Config(
            app, host="127.0.0.1", port=port, log_config=None, lifespan="on", timeout_keep_alive=IDLE_SECONDS
        )
    )
    serving = asyncio.create_task(server.serve())
    while not server.started:
        assert not serving.done(), "the service did not start"
        await asyncio.sleep(0.01)
    url = f"http://127.0.0.1:{port}/v1/gmail/push"
    desk.gmail.push_to(url, audience=AUDIENCE)
    await desk.account.watch(desk.gmail.pubsub.topic)  # which tells of itself
    found = Told(desk, url)
    await found.until(1)
    await found.rest()
    yield found
    server.should_exit = True
    await serving


async def test_a_push_brings_a_run_about_whatever_history_id_it_names(told: Told) -> None:
    told.desk.room.comes()
    assert await told.until(2) == [204, 204]
    assert await told.asked()
    assert (await told.desk.sync()).counts == {"received": 1}


async def test_doubled_late_and_overtaken_pushes_bring_each_mail_in_once(told: Told) -> None:
    told.desk.gmail.pubsub.next(Deliver(times=2), Overtake(), Deliver(times=3))
    for number in range(3):
        told.desk.room.comes(f"Number {number}.", subject=f"Subject {number}")
    await told.until(7)
    assert (await told.desk.sync()).counts == {"received": 3}
    assert (await told.desk.sync()).counts == {}


async def test_a_lost_push_costs_time_only(told: Told) -> None:
    told.desk.gmail.pubsub.next(Lose())
    told.desk.room.comes()
    assert not await told.asked()
    assert (await told.desk.sync()).counts == {"received": 1}  # by the clock


@pytest.mark.parametrize("bad", get_args(Bad))
async def test_what_our_subscription_did_not_sign_is_turned_away_and_nothing_happens(told: Told, bad: Bad) -> None:
    attempt = await asyncio.to_thread(told.desk.gmail.forge, bad)
    assert attempt.status == 401
    assert not await told.asked()


async def test_tokens_that_are_none_are_turned_away(told: Told) -> None:
    async with caller(told.url) as client:
        for token in ("Bearer x", "Bearer " + "a." * 9_000, "Basic eDp5", "Bearer e30.e30.e30"):
            assert (await client.post(told.url, headers={"Authorization": token}, json={})).status_code == 401
    assert not await told.asked()


async def test_a_true_token_with_nonsense_or_about_another_mailbox_is_taken_and_nothing_happens(told: Told) -> None:
    other = base64.b64encode(json.dumps({"emailAddress": "else@shop.example", "historyId": 1}).encode()).decode()
    bodies = (b"", b"[]", b'{"message": {"data": "%%%"}}', b'{"message": {}}', b"\xff", b"[" * 20_000)
    async with caller(told.url) as client:
        headers = {"Authorization": f"Bearer {true_token(told.desk)}"}
        for body in (*bodies, json.dumps({"message": {"data": other}}).encode()):
            assert (await client.post(told.url, headers=headers, content=body)).status_code == 204
        too_large = await client.post(told.url, headers=headers, content=b" " * 300_000)
        assert too_large.status_code == 413
    assert not await told.asked()


async def test_a_key_that_google_has_begun_to_use_is_fetched(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    told.desk.gmail.pubsub.rotate_keys()
    monkeypatch.setattr("channels.gmail.signature._AGAIN", 0.0)
    told.desk.room.comes()
    assert await told.until(2) == [204, 204]


async def test_strangers_cannot_make_us_fetch_keys_without_end(desk: Desk) -> None:
    tokens = PushTokens(Expected(AUDIENCE, ACCOUNT), certs_url=desk.gmail.certs_url)
    for _ in range(20):
        with pytest.raises(ForgedPushError):
            await tokens.check("x.y.z")
    assert len(desk.gmail.calls.of("oauth2.certs")) == 1


async def test_keys_that_cannot_be_had_are_no_forgery_and_are_asked_for_again(desk: Desk) -> None:
    desk.gmail.pubsub.subscription = Subscription("http://127.0.0.1:1", AUDIENCE)
    tokens = PushTokens(Expected(AUDIENCE, ACCOUNT), certs_url=desk.gmail.certs_url)
    desk.gmail.faults.on(BACKEND, "oauth2.certs", times=1)
    with pytest.raises(ProviderUnavailableError):
        await tokens.check(true_token(desk))
    await asyncio.gather(*(tokens.check(true_token(desk)) for _ in range(3)))
    assert len(desk.gmail.calls.of("oauth2.certs")) == 2


async def test_where_no_mailbox_is_set_up_there_is_no_such_route(database_url: str) -> None:
    app = create_app(settings_on(database_url, None))
    transport = httpx.ASGITransport(app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        answer = await client.post("/v1/gmail/push", headers={"Authorization": "Bearer x"}, json={})
    assert answer.status_code == 404


def true_token(desk: Desk) -> str:
    subscription = desk.gmail.pubsub.subscription
    assert subscription is not None
    token = desk.gmail.pubsub._token(subscription, None)
    assert token is not None
    return token
