"""An automatic reply that answers every answer: the talk ends with a person, and one note that says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from graph.build import build_graph
from infra.crypto.keyring import Keyring
from infra.postgres.conversations import SeenMessage
from infra.postgres.database import Database
from skills.escalate import Escalate
from tests.core import Core, make_core
from tests.trivial import trivial_skills

TALK = "loop"


@pytest.fixture
def core(database: Database, keyring: Keyring) -> Core:
    """The core with the shipped policy; the trivial skills know nothing of loops."""
    return make_core(database, keyring, build_graph(replace(trivial_skills(), escalate=Escalate())))


async def talk(core: Core, reply: Callable[[int], str], *, most: int) -> list[SeenMessage]:
    """A machine answers everything that it is sent; the whole talk once nothing new comes, or after ``most`` rounds."""
    case_id = (await core.write(TALK, reply(0))).case_id
    heard = 0
    for number in range(1, most + 1):
        if await core.rows("select 1 from case_work where case_id = %s and due_at is not null", case_id):
            await core.work(case_id)
        await core.deliver()
        seen = await core.seen(TALK, after=heard)
        heard = seen[-1].position if seen else heard
        if not any(message.author != "customer" for message in seen):
            break
        await core.write(TALK, reply(number))
    return await core.seen(TALK)


async def test_a_loop_with_a_machine_ends_after_twenty_answers_with_one_note(core: Core) -> None:
    said = await talk(core, lambda number: f"Ticket {number} was opened for your message.", most=40)
    assert [message.author for message in said if message.author != "customer"] == ["agent"] * 20 + ["system"]
    (escalation,) = await core.rows("select rules, status from escalations")
    assert escalation == {"rules": ["loop"], "status": "open"}


async def test_a_machine_that_always_says_the_same_is_answered_twice(core: Core) -> None:
    said = await talk(core, lambda _: "I am out of the office.", most=40)
    assert [message.author for message in said if message.author != "customer"] == ["agent"] * 2 + ["system"]
    (escalation,) = await core.rows("select rules from escalations")
    assert escalation["rules"] == ["same_text"]


async def test_only_what_the_agent_answered_by_itself_within_the_hour_counts(core: Core) -> None:
    case_id = (await core.write(TALK, "first")).case_id
    for text in ("second", "third", "fourth"):
        await core.work(case_id)
        await core.write(TALK, text)

    async def counted() -> int:
        work = await core.ledger.load(await core.claim(case_id))
        assert work is not None
        assert work.turn is not None
        await core.rows("update case_work set leased_until = null, lease_holder = null, due_at = now() returning 1")
        return work.turn.answered_within_hour

    assert await counted() == 3
    first, second, _ = await core.rows("select id from turns order by last_sequence")
    await core.rows(
        "update turns set finished_at = now() - interval '61 minutes' where id = %s returning 1", first["id"]
    )
    assert await counted() == 2
    await core.rows("update turns set rules = '{angry}' where id = %s returning 1", second["id"])
    assert await counted() == 1
    await core.rows(
        "insert into turns (id, case_id, status, first_sequence, last_sequence, graph_version, lease_token, outcome,"
        " key_id, started_at) select gen_random_uuid(), case_id, 'done', 1, 100 + n, '1', 1, 'answered', key_id, now()"
        " from turns, generate_series(1, 60) n where id = %s returning 1",
        first["id"],
    )
    assert await counted() == 50
