"""Health and metrics of the processes that serve nothing else."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path

import httpx

from api.commands.up import metrics_ports
from infra.settings import Settings
from tests.product import environment


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_a_sender_answers_on_the_port_it_is_given_and_stops_in_order(database_url: str, tmp_path: Path) -> None:
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "api.cli", "sender", "--metrics-port", str(port)),
        env=environment(database_url, None, CSAGENT_FOLDER=str(tmp_path)),
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=5) as client, asyncio.timeout(30):
            ready = None
            while ready is None:
                assert process.returncode is None, "the sender has ended"
                with suppress(httpx.ConnectError):
                    ready = (await client.get("/health/ready")).json()
                await asyncio.sleep(0.05)
            assert ready["status"] == "ready"
            assert [breaker["name"] for breaker in ready["breakers"]] == ["chat provider", "form provider"]
            assert "csagent_breaker_state" in (await client.get("/metrics")).text
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 20) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def test_processes_on_one_machine_get_ports_side_by_side_and_pass_over_what_is_taken() -> None:
    names = ["worker 1", "worker 2", "sender"]
    with socket.create_server(("127.0.0.1", 0)) as taken:
        first = taken.getsockname()[1]
        ports = metrics_ports(Settings(_env_file=None, metrics_port=first), names)
    assert list(ports) == names
    assert len(set(ports.values())) == 3
    assert first not in ports.values()


def test_without_a_port_nobody_listens() -> None:
    assert metrics_ports(Settings(_env_file=None), ["worker 1", "sender"]) == {"worker 1": 0, "sender": 0}


async def test_the_api_refuses_a_descriptor_that_is_no_socket_that_listens(database_url: str, tmp_path: Path) -> None:
    for number in (0, 99):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "api.cli", "api", f"--fd={number}"),
            env=environment(database_url, None, CSAGENT_FOLDER=str(tmp_path)),
            stdin=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        _, said = await process.communicate()
        assert process.returncode == 1
        assert f"descriptor {number} is no socket that listens".encode() in said
