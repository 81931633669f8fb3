"""The load against the product in this process, over real HTTP, and against services that misbehave."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from uuid import UUID, uuid4

import pytest
from rich.console import Console

from evals.loadtest.arrivals import steady
from evals.loadtest.channel import NotTakenError, Seen
from evals.loadtest.customers import Manner
from evals.loadtest.load import CUSTOMERS, HOT, run_load
from evals.loadtest.record import Record
from evals.loadtest.web import WebChannel
from evals.loadtest.wire import Wire
from skills.errors import BadRequestError
from tests.databases import LentDatabases
from tests.integration.serving import PARTS, Part, serving, settings_on

QUESTIONS = ("How long does delivery take?",)
QUICK = Manner(patience=30.0, linger=0.2)
"""Patient, for a busy machine is slow and loses nothing."""


@asynccontextmanager
async def service(database_url: str, parts: Collection[Part] = PARTS) -> AsyncIterator[str]:
    """The product with trivial skills, whole or in part, and where it answers."""
    async with serving(settings_on(database_url), parts=parts) as served:
        yield served.url


@pytest.fixture(scope="module")
async def product(databases: LentDatabases) -> AsyncIterator[str]:
    with databases.lend() as database_url:
        async with service(database_url) as url:
            yield url


async def load(url: str, manner: Manner = QUICK, *, rate: float = 12, hot: int = 0) -> dict[str, Record]:
    return await run_load(
        WebChannel(url, deadline=30.0),
        QUESTIONS,
        steady(rate, 1.5),
        manner,
        Console(quiet=True),
        poisson=False,
        hot=hot,
    )


async def test_every_message_is_acknowledged_answered_once_and_timed(product: str) -> None:
    record = (await load(product))[CUSTOMERS]
    assert record.sent == len(record.all_acknowledged) == len(record.all_replied) == 18
    assert record.clean
    assert record.errors == {}
    assert 0 < record.all_acknowledged.percentile(50) <= record.all_replied.percentile(50)


async def test_a_hot_conversation_is_counted_apart(product: str) -> None:
    records = await load(product, hot=30)
    assert records[HOT].sent == len(records[HOT].all_acknowledged) == 30
    assert records[HOT].conversations == 1
    assert records[CUSTOMERS].sent == 18
    assert all(record.clean for record in records.values())


async def test_conversations_that_nobody_watches_are_read_in_the_end(product: str) -> None:
    record = (await load(product, Manner(watched=0, patience=4.0)))[CUSTOMERS]
    assert len(record.all_replied) == 0
    assert record.conversations == record.sent == 18
    assert record.audit.lost_messages == record.audit.doubled_replies == record.audit.unread == 0


async def test_a_service_without_a_worker_loses_replies_and_that_is_seen(database_url: str) -> None:
    async with service(database_url, {"sender"}) as url:
        record = (await load(url, Manner(patience=1.0), rate=4))[CUSTOMERS]
    assert record.late == record.audit.lost_replies == 6
    assert not record.clean


@asynccontextmanager
async def answering(*answers: bytes) -> AsyncIterator[str]:
    """A service that gives these answers, one a connection, the last one for ever; empty ones hang up."""
    left = list(answers)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(left.pop(0) if len(left) > 1 else left[0])
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def answer(status: str, body: bytes = b"{}") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body


BUSY = answer("503 Service Unavailable")


async def test_what_was_not_taken_is_sent_again_and_its_time_goes_on() -> None:
    taken = answer("202 Accepted", b'{"message_id": "m", "conversation_token": "t"}')
    async with answering(BUSY, b"", taken, answer("200 OK", b'{"messages": [], "cursor": 0}')) as url:
        manner = Manner(watched=0, patience=2.0)
        records = await run_load(WebChannel(url), QUESTIONS, steady(1, 1), manner, Console(quiet=True), poisson=False)
    record = records[CUSTOMERS]
    assert record.errors == {"HTTP 503": 1, "connection lost": 1}
    assert record.all_acknowledged.longest > 0.5
    assert record.audit.lost_messages == 1


async def test_a_message_that_is_refused_for_good_is_not_sent_again() -> None:
    async with answering(answer("422 Unprocessable Entity")) as url:
        records = await run_load(WebChannel(url), QUESTIONS, steady(1, 1), QUICK, Console(quiet=True), poisson=False)
    assert records[CUSTOMERS].refused == 1
    assert records[CUSTOMERS].errors == {"HTTP 422": 1}


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (b"", "connection lost"),
        (b"nonsense\r\n\r\n", "not HTTP"),
        (BUSY, "HTTP 503"),
        (answer("202 OK", b"no"), "not JSON"),
    ],
)
async def test_every_kind_of_failure_has_a_name(given: bytes, kind: str) -> None:
    async with answering(given) as url:
        with pytest.raises(NotTakenError, match=kind):
            await WebChannel(url).begin().send(uuid4(), "hello")


async def test_nobody_at_the_address_and_a_service_that_hangs_have_names_too() -> None:
    with pytest.raises(NotTakenError, match="no connection"):
        await WebChannel("http://127.0.0.1:1").begin().send(UUID(int=1), "hello")
    async with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n") as url:
        with pytest.raises(NotTakenError):
            await WebChannel(url, deadline=0.2).begin().send(UUID(int=1), "hello")


@pytest.mark.parametrize("url", ["", "localhost:8000", "ftp://host", "http://", "http://host:port"])
def test_what_is_not_the_address_of_a_service_is_refused(url: str) -> None:
    with pytest.raises(BadRequestError, match="is not the address of a service"):
        Wire(url)


async def test_a_stream_that_breaks_is_opened_again_from_where_it_was() -> None:
    def event(position: int) -> bytes:
        body = f'id: {position}\nevent: message\ndata: {{"id": "{position}", "author": "agent"}}\n\n'.encode()
        return b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n: still here\n\n" + body

    async with answering(event(1), BUSY, event(2)) as url:
        seen: list[Seen] = []
        async for message in WebChannel(url).begin().watch():
            seen.append(message)
            if len(seen) == 2:
                break
    assert seen == [Seen("1", "agent"), Seen("2", "agent")]
