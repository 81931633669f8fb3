"""The tests' own channel says the truth about each call; provider and network misbehave as they are told."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from channels.envelope import Accepted, Delivery, Refused, SendResult, Unknown
from skills.turn import ConversationId, MessageId
from tests.chaos.deaths import Deaths
from tests.chaos.relay import RELAY, RelayOutbound
from tests.emulators.loop_thread import LoopThread
from tests.emulators.provider import Drop, Manner, Provider, Refuse, Stumble, Take
from tests.emulators.tcp_proxy import TcpProxy


@pytest.fixture
def thread() -> Iterator[LoopThread]:
    with LoopThread() as running:
        yield running


@pytest.fixture
def provider(thread: LoopThread) -> Iterator[Provider]:
    with Provider(thread) as listening:
        yield listening


def delivery() -> Delivery:
    return Delivery(uuid4(), MessageId(uuid4()), ConversationId(uuid4()), RELAY, "m1-1", "t1", 1)


async def send(url: str, folder: Path) -> SendResult:
    return await RelayOutbound(url, Deaths(folder)).send(delivery())


@pytest.mark.parametrize(
    ("manner", "result", "taken"),
    [
        (Take(), Accepted("p1"), True),
        (Take(0.2), Accepted("p1"), True),
        (Refuse(429), Refused("status 429", retry=True), False),
        (Refuse(503), Refused("status 503", retry=True), False),
        (Refuse(400), Refused("status 400", retry=False), False),
        (Stumble(), Unknown("status 500"), True),
    ],
)
async def test_an_answer_is_taken_at_its_word(
    provider: Provider, tmp_path: Path, manner: Manner, result: SendResult, *, taken: bool
) -> None:
    provider.behave(manner, times=1)
    assert await send(provider.url, tmp_path) == result
    assert [call.taken for call in provider.calls] == [taken]


async def test_a_text_that_was_taken_without_an_answer_is_unknown(provider: Provider, tmp_path: Path) -> None:
    provider.behave(Drop())
    assert isinstance(await send(provider.url, tmp_path), Unknown)
    assert provider.calls[0].taken
    provider.mend()
    assert isinstance(await send(provider.url, tmp_path), Accepted)


async def test_a_provider_that_is_not_there_has_certainly_not_taken_it(tmp_path: Path) -> None:
    assert await send("http://127.0.0.1:9/messages", tmp_path) == Refused("ConnectError", retry=True)


async def test_a_network_is_slow_frozen_cut_and_well_again(thread: LoopThread, provider: Provider) -> None:
    port = int(provider.url.split(":")[2].split("/")[0])
    with TcpProxy(thread, port) as network:
        network.latency = 0.1
        began = asyncio.get_running_loop().time()
        assert b"200" in await ask(network.port)
        assert asyncio.get_running_loop().time() - began >= 0.2
        network.latency = 0.0
        network.frozen = True
        asked = asyncio.create_task(ask(network.port))
        done, _ = await asyncio.wait({asked}, timeout=0.3)
        assert not done
        network.mend()
        with pytest.raises(ConnectionError):
            await asked
        network.refusing = True
        with pytest.raises(ConnectionError):
            await ask(network.port)
        network.mend()
        assert b"200" in await ask(network.port)


async def ask(port: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        body = b'{"id": "%s", "thread": "t1", "text": "m1-1"}' % str(uuid4()).encode()
        writer.write(b"POST /messages HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        answer = await reader.read()
        if not answer:
            raise ConnectionError
        return answer
    finally:
        writer.close()
