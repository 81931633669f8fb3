"""Nothing that a customer wrote can be read: not in the database, the logs, or the log of an error that quotes it."""

from __future__ import annotations

import asyncio
import gzip
import logging
import sys
from collections.abc import Iterator
from dataclasses import replace
from io import StringIO
from typing import Any

import psycopg
import pytest
import structlog

from api.worker import WorkerLimits
from channels.envelope import ClaimedAddress, Envelope
from channels.web import CHAT
from graph.build import build_graph
from graph.review import make_decision
from infra.crypto.keyring import Keyring
from infra.postgres.database import Database
from infra.telemetry.logs import configure_logs
from skills.turn import ChannelName, Draft
from tests.core import NOW, Core, make_core
from tests.trivial import OfRejections, trivial_skills

CANARIES = ("Zanzibarina", "quokka-marmalade", "canary@zanzibar.example", "xylophone-reason", "bassoon-edit")
NAME, TEXT, MAIL, REASON, EDIT = CANARIES


def quoting_core(database: Database, keyring: Keyring) -> Core:
    """A core whose responder quotes the customer in its error."""
    skills = trivial_skills()

    async def respond(state: OfRejections) -> dict[str, Draft]:
        if "fail" in state["turn"].text:
            raise ValueError(f"can't answer {state['turn'].customer.name}: {state['turn'].text}")
        answer: dict[str, Draft] = await skills.respond(state)
        return answer

    return make_core(database, keyring, build_graph(replace(skills, respond=respond)))


async def write(core: Core, thread: str, text: str) -> Any:
    return await core.inbox.receive(
        Envelope(
            channel=CHAT,
            provider_message_id=f"{thread} {text}".encode().hex(),
            thread=f"{thread} {MAIL}",
            address=MAIL,
            verified=False,
            text=f"{text} {TEXT}",
            name=NAME,
            claims=(ClaimedAddress(ChannelName("email"), MAIL),),
        ),
        settle=NOW,
    )


async def decide(core: Core, action: str, **words: str) -> None:
    (queued,) = await core.reviews.queue()
    read = await core.reviews.read(queued.id, reader="kim")
    decision = make_decision(action=action, reviewer="kim", text=words.get("text"), reason=words.get("reason"))
    await core.reviews.decide(read.id, decision, seen=read.version)


async def live_through_everything(core: Core) -> None:
    """An answer, a paused turn, a rejection, an edit that is decided and applied, a take-over, and a dead letter."""
    answered = await write(core, "a", "hello")
    await core.work(answered.case_id)
    edited = await write(core, "b", "a person please")
    await core.work(edited.case_id)
    await decide(core, "reject", reason=REASON)
    await core.work(edited.case_id)
    await decide(core, "edit", text=EDIT)
    await core.work(edited.case_id)
    left = await write(core, "c", "a person please")
    await core.work(left.case_id)
    await decide(core, "take_over")
    await core.work(left.case_id)
    poison = await write(core, "d", "fail")
    worker = core.worker(limits=WorkerLimits(slots=1, sweep=60))
    for _ in range(5):
        await core.rows("update case_work set due_at = now() where case_id = %s returning 1", poison.case_id)
        await worker._slots.acquire()
        await worker._occupy(await core.claim(poison.case_id))
    await core.deliver()
    await write(core, "e", "waits")
    await core.work((await write(core, "f", "a person please")).case_id)
    await write(core, "f", "joins")
    await decide(core, "answer", text=EDIT)


def every_value(url: str) -> Iterator[tuple[str, bytes]]:
    """Every value of every table, as text and, where it is binary, as its bytes; also what gzip or hex would hide."""
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "select quote_ident(schemaname) || '.' || quote_ident(tablename) from pg_tables"
            " where schemaname not in ('pg_catalog', 'information_schema')"
        ).fetchall()
        for (table,) in tables:
            for row in connection.execute(f"select * from {table}"):
                for value in row:
                    if isinstance(value, bytes):
                        yield table, value
                        if value[:2] == b"\x1f\x8b":
                            yield table, gzip.decompress(value)
                    else:
                        yield table, str(value).encode("utf-8", "surrogatepass")


def hits(values: Iterator[tuple[str, bytes]]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for table, value in values:
        for canary in CANARIES:
            forms = (canary.encode(), canary.encode("utf-16-le"), canary.encode().hex().encode())
            found.extend((table, canary) for form in forms if form.lower() in value.lower())
    return found


@pytest.fixture
def logs(monkeypatch: pytest.MonkeyPatch) -> Iterator[StringIO]:
    """Everything that is logged during the test, as the product sets its logging up."""
    written, before = StringIO(), structlog.get_config()
    root, handlers, level = logging.getLogger(), logging.getLogger().handlers[:], logging.getLogger().level
    monkeypatch.setattr(sys, "stderr", written)
    for handler in handlers:
        root.removeHandler(handler)
    configure_logs("debug", process="test")
    structlog.configure(cache_logger_on_first_use=False)
    yield written
    for handler in root.handlers[:]:
        root.removeHandler(handler)
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(level)
    structlog.configure(**before)


async def test_no_table_and_no_log_holds_a_word_of_a_customer(
    database: Database, database_url: str, keyring: Keyring, logs: StringIO
) -> None:
    core = quoting_core(database, keyring)
    await live_through_everything(core)
    counted = await core.rows(
        "select (select count(*) from messages) as messages, (select count(*) from checkpoint_blobs) as blobs,"
        " (select count(*) from checkpoint_writes) as writes, (select count(*) from escalations) as escalations,"
        " (select count(*) from decisions) as decisions, (select count(*) from dead_letters) as letters,"
        " (select count(*) from turns where draft_sealed is not null) as drafts"
    )
    assert all(counted[0].values()), f"the scan would prove nothing: {counted[0]}"
    assert hits(every_value(database_url)) == []

    said = logs.getvalue()
    assert said.count('"turn.failed"') == 5
    assert '"error": "ValueError"' in said
    assert "test_nothing_readable.py" in said
    assert hits(iter([("logs", said.encode())])) == []


def test_the_scan_would_find_a_word_that_was_left_readable(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("create table leak (a bytea, b jsonb, c text[])")
        connection.execute(
            "insert into leak values (%s, %s, %s)",
            [f"..{TEXT}..".encode(), f'{{"x": "{NAME}"}}', [MAIL.encode().hex()]],
        )
    assert {canary for _, canary in hits(every_value(database_url))} == {TEXT, NAME, MAIL}


async def test_libraries_and_lost_tasks_log_no_words_either(logs: StringIO) -> None:
    async def quote() -> None:
        raise ValueError(f"about {TEXT}")

    task = asyncio.create_task(quote())
    await asyncio.wait([task])
    try:
        raise RuntimeError(f"while reading {NAME}")  # noqa: TRY301 - it has to be raised to be logged
    except RuntimeError:
        logging.getLogger("library").exception("it went wrong")
        structlog.get_logger().exception("ours.went_wrong")
    asyncio.get_running_loop().call_exception_handler(
        {"message": "Task exception was never retrieved", "exception": task.exception(), "future": task}
    )
    said = logs.getvalue()
    assert "it went wrong" in said
    assert '"ours.went_wrong"' in said
    assert "Task exception was never retrieved" in said
    assert hits(iter([("logs", said.encode())])) == []
