"""Health and metrics of the API, and of a process that has no other endpoint."""

from __future__ import annotations

import socket
from contextlib import AbstractAsyncContextManager

import httpx
import pytest

from api.channels import open_outbound
from api.endpoint import health_endpoint
from api.metrics import Metrics
from api.wiring import Services, build_breakers, open_services
from infra.breakers import Breaker, Limits
from infra.settings import Settings
from skills.errors import ConfigurationError
from tests.integration.http.conftest import Service, settings_on

LIMITS = Limits(failures=1, window=60.0, cooldown=3600.0)


def fail(breaker: Breaker, reason: str = "timeout") -> None:
    breaker.settle(breaker.admit(), reason)


def opened(settings: Settings) -> AbstractAsyncContextManager[Services]:
    return open_services(settings, process="worker")


async def test_an_open_breaker_degrades_the_process_and_is_shown_with_its_reason(service: Service) -> None:
    breaker = service.services.breakers.add("model", LIMITS)
    before = (await service.customer.get("/health/ready")).json()
    assert before["status"] == "ready"
    fail(breaker)
    response = await service.customer.get("/health/ready")
    assert (response.status_code, response.json()["status"]) == (200, "degraded")
    shown = {state["name"]: state for state in response.json()["breakers"]}
    assert shown["redis"]["state"] == "closed"
    assert shown["chat provider"]["state"] == "closed"
    assert (shown["model"]["state"], shown["model"]["reason"]) == ("open", "timeout")
    assert shown["model"]["since"].endswith("Z")


async def test_breakers_are_in_the_metrics(service: Service) -> None:
    breaker = service.services.breakers.add("model", LIMITS)
    fail(breaker)
    metrics = (await service.customer.get("/metrics")).text
    assert 'csagent_breaker_state{name="redis"} 0.0' in metrics
    assert 'csagent_breaker_state{name="model"} 2.0' in metrics
    assert 'csagent_breaker_opened_total{name="model"} 1.0' in metrics
    assert 'csagent_breaker_opened_total{name="redis"} 0.0' in metrics


def test_every_state_of_a_breaker_has_its_number() -> None:
    metrics = Metrics()
    breaker = build_breakers(metrics).add("model", Limits(failures=1, window=60.0, cooldown=0.0))
    seen = []
    for outcome in ("timeout", "timeout", None):
        permit = breaker.admit()
        seen.append(metrics.registry.get_sample_value("csagent_breaker_state", {"name": "model"}))
        breaker.settle(permit, outcome)
        seen.append(metrics.registry.get_sample_value("csagent_breaker_state", {"name": "model"}))
    assert seen == [0, 2, 1, 2, 1, 0]
    assert metrics.registry.get_sample_value("csagent_breaker_opened_total", {"name": "model"}) == 2


async def test_a_worker_answers_health_and_metrics_on_a_port_of_its_own(database_url: str, redis_url: str) -> None:
    async with opened(settings_on(database_url, redis_url)) as services:
        async with (
            open_outbound(services),
            health_endpoint(services, host="127.0.0.1", port=0) as port,
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=5) as client,
        ):
            assert (await client.get("/health/live")).json() == {"status": "alive"}
            ready = (await client.get("/health/ready")).json()
            assert ready["status"] == "ready"
            assert [breaker["name"] for breaker in ready["breakers"]] == ["redis", "chat provider", "form provider"]
            assert "csagent_queue_due 0.0" in (await client.get("/metrics")).text
            assert (await client.get("/v1/web/messages")).status_code == 404
        with pytest.raises(httpx.ConnectError):
            await httpx.AsyncClient().get(f"http://127.0.0.1:{port}/health/live")


async def test_without_redis_there_is_no_breaker_of_it(database_url: str) -> None:
    async with (
        opened(settings_on(database_url, None)) as services,
        health_endpoint(services, host="127.0.0.1", port=0) as port,
        httpx.AsyncClient() as client,
    ):
        ready = (await client.get(f"http://127.0.0.1:{port}/health/ready")).json()
        assert (ready["status"], ready["breakers"]) == ("ready", [])
        assert [dependency["name"] for dependency in ready["dependencies"]] == ["postgres"]


async def test_the_database_away_the_process_is_not_ready_but_its_counters_are_there(database_url: str) -> None:
    async with opened(settings_on(database_url, None)) as services:
        await services.database.close()
        async with (
            health_endpoint(services, host="127.0.0.1", port=0) as port,
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
        ):
            ready = await client.get("/health/ready")
            assert (ready.status_code, ready.json()["status"]) == (503, "unavailable")
            assert "csagent_turn_seconds" in (await client.get("/metrics")).text


async def test_a_port_that_is_taken_is_said_in_one_line(database_url: str) -> None:
    async with opened(settings_on(database_url, None)) as services:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            with pytest.raises(ConfigurationError, match=f"port {port} of 127.0.0.1") as refused:
                await health_endpoint(services, host="127.0.0.1", port=port).__aenter__()
    assert "CSAGENT_METRICS_PORT" in str(refused.value.hint)
