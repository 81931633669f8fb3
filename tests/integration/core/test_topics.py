"""Topics of turns, as figures read them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from graph.build import build_graph
from infra.crypto.keyring import Keyring
from infra.postgres.database import Database
from infra.postgres.topics import TopicCount, Topics
from skills.turn import Intent
from tests.core import make_core
from tests.trivial import OfTurn, trivial_skills


async def intent(state: OfTurn) -> dict[str, Intent]:
    text = state["turn"].text
    if "weather" in text:
        return {"intent": Intent(None, None, 0.1, "far")}
    return {"intent": Intent("cancel", "cancel", 0.9, "in")}


async def test_turns_are_counted_by_day_channel_and_topic(database: Database, keyring: Keyring) -> None:
    core = make_core(database, keyring, build_graph(replace(trivial_skills(), intent=intent)))
    for talk, text in (("a", "cancel it"), ("b", "cancel, and a person please"), ("c", "the weather")):
        receipt = await core.write(talk, text)
        await core.work(receipt.case_id)
    now = datetime.now(UTC)
    counts = await Topics(database).counts(now - timedelta(hours=1), now + timedelta(hours=1))
    assert sorted(counts, key=lambda count: count.topic or "") == [
        TopicCount(counts[0].day, "chat", None, turns=1, answered=1, escalated=0, near=0, far=1),
        TopicCount(counts[0].day, "chat", "cancel", turns=2, answered=1, escalated=1, near=0, far=0),
    ]
    assert await Topics(database).counts(now + timedelta(hours=1), now + timedelta(hours=2)) == []


async def test_a_turn_of_a_graph_without_intents_has_no_topic(database: Database, keyring: Keyring) -> None:
    core = make_core(database, keyring)
    receipt = await core.write("talk", "hello")
    await core.work(receipt.case_id)
    rows = await core.rows("select topic, scope from turns")
    assert [(row["topic"], row["scope"]) for row in rows] == [(None, "near")]
