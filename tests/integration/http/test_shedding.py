"""A flood over real HTTP on a pool of two connections: what is acknowledged is stored, the rest may come again."""

from __future__ import annotations

import asyncio
import re
import socket
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

import httpx
import pytest
import uvicorn

from api.app import create_app, services_of
from api.commands.serve import IDLE_SECONDS
from api.wiring import Services
from tests.integration.http.conftest import settings_on

CLIENTS = 16


@dataclass(frozen=True)
class Small:
    """An API process with two connections, one of them for the public, before which four may wait."""

    services: Services
    client: httpx.AsyncClient


@pytest.fixture(params=["redis", "postgres"])
async def small(request: pytest.FixtureRequest, database_url: str, redis_url: str) -> AsyncIterator[Small]:
    """With hints by Redis, and by PostgreSQL, where they need a connection of the pool too."""
    settings = settings_on(database_url, redis_url if request.param == "redis" else None).model_copy(
        update={"database_pool": 2, "database_max_waiting": 4, "database_wait_seconds": 2.0}
    )
    app = create_app(settings)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(app, log_config=None, lifespan="on", timeout_keep_alive=IDLE_SECONDS)
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:
            assert not serving.done(), "the service did not start"
            await asyncio.sleep(0.01)
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{listener.getsockname()[1]}",
            timeout=60,
            limits=httpx.Limits(max_connections=CLIENTS + 10, max_keepalive_connections=CLIENTS + 10),
        ) as client:
            yield Small(services_of(app), client)
        server.should_exit = True
        await serving


async def post(small: Small, number: int = 0) -> httpx.Response:
    return await small.client.post("/v1/web/messages", json={"text": f"Where is my parcel number {number}?"})


def refuse_unlike_a_problem(response: httpx.Response) -> None:
    """A request that is turned away is told so, and when to come again."""
    assert response.status_code == 503, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert 1 <= int(response.headers["retry-after"]) <= 5
    assert response.json()["title"] == "Not available at the moment"
    assert response.json()["hint"] == "try again in a moment; nothing was stored"


async def stored(small: Small) -> set[UUID]:
    async with small.services.database.connection() as connection:
        rows = await (await connection.execute("select id from messages")).fetchall()
    return {row["id"] for row in rows}


async def counted(small: Small) -> Counter[str]:
    """What the metrics say of requests that were turned away, by reason."""
    text = (await small.client.get("/metrics")).text
    found = re.findall(r'^csagent_requests_shed_total\{reason="(\w+)"\} (\S+)$', text, re.MULTILINE)
    return Counter({reason: int(float(count)) for reason, count in found})


async def test_of_a_flood_what_is_acknowledged_is_stored_and_the_rest_is_told_to_come_again(small: Small) -> None:
    answers = await asyncio.gather(*(post(small, number) for number in range(6 * CLIENTS)))
    taken = [answer for answer in answers if answer.status_code == 202]
    shed = [answer for answer in answers if answer.status_code != 202]
    assert taken
    assert shed
    for answer in shed:
        refuse_unlike_a_problem(answer)
    assert {UUID(answer.json()["message_id"]) for answer in taken} == await stored(small)
    by_reason = await counted(small)
    assert by_reason["lane_full"] > len(shed) / 2
    assert by_reason.total() == len(shed)
    assert (await post(small)).status_code == 202


async def test_health_metrics_and_the_console_answer_during_a_flood(small: Small) -> None:
    stop, full = asyncio.Event(), asyncio.Event()
    statuses: Counter[int] = Counter()

    async def write_again_and_again() -> None:
        while not stop.is_set():
            status = (await post(small)).status_code
            statuses[status] += 1
            if status == httpx.codes.SERVICE_UNAVAILABLE:
                full.set()

    flood = [asyncio.create_task(write_again_and_again()) for _ in range(CLIENTS)]
    try:
        await full.wait()
        for _ in range(5):
            for path in ("/health/live", "/health/ready", "/metrics", "/v1/review/escalations"):
                answer = await small.client.get(path, headers={"Authorization": "Bearer kim-key"})
                assert answer.status_code == 200, f"{path}: {answer.text}"
    finally:
        stop.set()
        await asyncio.gather(*flood)
    assert set(statuses) == {202, 503}
    assert statuses[202] == len(await stored(small))


async def test_who_waited_in_vain_is_told_so_and_all_is_well_when_the_connections_are_back(small: Small) -> None:
    async with small.services.database.connection(), small.services.database.connection():
        small.services.database.pool.timeout = 0.2
        refuse_unlike_a_problem(await post(small))
    assert await counted(small) == {"pool_timeout": 1}
    assert await stored(small) == set()
    assert (await post(small)).status_code == 202


async def test_the_pool_is_seen_in_the_metrics(small: Small) -> None:
    text = (await small.client.get("/metrics")).text
    told = dict(re.findall(r"^csagent_database_pool_(\w+) (\S+)$", text, re.MULTILINE))
    assert set(told) == {"size", "available", "waiting", "waits_total", "wait_seconds_total", "refused_total"}
    assert float(told["size"]) == 2.0
    assert float(told["waiting"]) == 0.0
