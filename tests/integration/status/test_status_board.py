"""Checks, incidents and reminders on a real database; the times are the test's own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from infra.postgres.database import Database
from infra.postgres.heartbeats import Heartbeats
from infra.postgres.incidents import Incidents, Written
from infra.postgres.status import StatusBoard
from infra.status.checks import Beat, Verdict
from infra.status.components import COMPONENTS, State
from infra.status.uptime import Interval
from skills.errors import BadRequestError, ConflictError

START = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
CHAT = [one for one in COMPONENTS if one.id == "chat"]


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


async def check(board: StatusBoard, said: State, *seconds: float) -> None:
    for one in seconds:
        await board.record([Verdict("chat", said, "" if said == "operational" else "no_api")], at(one))


async def test_intervals_follow_the_checks_and_a_gap_in_them_is_time_without_data(database: Database) -> None:
    board = StatusBoard(database)
    await check(board, "operational", 0, 30, 60)
    await check(board, "down", 90)
    await check(board, "operational", 120)
    await check(board, "down", 150, 180, 210, 240)
    await check(board, "operational", 600, 630)
    found = await board.intervals(CHAT, at(-1))
    assert sorted(found["chat"], key=lambda one: one.began) == [
        Interval("operational", at(0), at(150)),
        Interval("down", at(150), at(240)),
        Interval("operational", at(600), at(630)),
    ]
    (chat,) = await board.components(CHAT)
    assert (chat.state, chat.since, chat.troubled_since) == ("operational", at(600), None)


async def test_two_schedulers_that_check_at_once_count_once(database: Database) -> None:
    board = StatusBoard(database)
    await check(board, "operational", 0)
    await check(board, "down", 30, 31, 32, 33, 60)
    (chat,) = await board.components(CHAT)
    assert chat.state == "operational"


async def test_a_persons_word_counts_until_it_is_taken_back(database: Database) -> None:
    board = StatusBoard(database)
    await check(board, "operational", 0)
    await board.override("chat", "degraded", by="kim")
    await check(board, "operational", 30, 60)
    (chat,) = await board.components(CHAT)
    assert (chat.state, chat.checks, chat.override_by) == ("degraded", "operational", "kim")
    await board.override("chat", None, by="kim")
    await check(board, "operational", 90)
    states = [one.state for one in sorted((await board.intervals(CHAT, at(-1)))["chat"], key=lambda one: one.began)]
    assert states == ["operational", "degraded", "operational"]
    with pytest.raises(BadRequestError):
        await board.override("chat", "unknown", by="kim")


async def test_trouble_that_lasts_opens_one_draft_which_ends_with_it(database: Database) -> None:
    board, incidents, after = StatusBoard(database), Incidents(database), timedelta(minutes=5)
    await check(board, "operational", 0)
    await check(board, "down", *range(30, 331, 30))

    async def drafts(seconds: float) -> int:
        return await incidents.open_drafts(await board.components(CHAT), after, at(seconds))

    assert [await drafts(300), await drafts(330), await drafts(331)] == [0, 1, 0]
    (draft,) = await incidents.listed(at(-1))
    assert (draft.started_at, draft.severity, draft.opened_by) == (at(30), "P2", "checks")
    assert draft.published_at is None
    await incidents.dismiss(draft.id, by="kim", now=at(340))
    assert await drafts(360) == 0, "what somebody put away stays away as long as the trouble is the same"
    await check(board, "operational", 360, 390)
    await check(board, "down", *range(420, 721, 30))
    assert await drafts(720) == 1
    await check(board, "operational", 750, 780)
    assert await drafts(780) == 0
    (second,) = await incidents.listed(at(-1))
    assert second.ended_at == at(780)


async def test_each_reminder_is_written_once(database: Database) -> None:
    incidents = Incidents(database)
    await incidents.open(Written("Mails wait", "P1", "down", ("email",), at(0)), by="kim", now=at(0))
    assert [await incidents.raise_reminders(at(60 * minutes)) for minutes in (10, 21, 22, 31, 32)] == [0, 1, 0, 1, 0]
    async with database.connection() as connection:
        cursor = await connection.execute(
            "select data ->> 'reminder' as kind from events where kind = 'status.reminder'"
        )
        assert [row["kind"] for row in await cursor.fetchall()] == ["notice_soon", "notice_late"]


async def test_planned_work_is_announced_before_it_begins_and_no_outage_becomes_one(database: Database) -> None:
    incidents, now = Incidents(database), at(0)
    hour = timedelta(hours=1)
    with pytest.raises(BadRequestError, match="before it begins"):
        await incidents.plan("Late", "…", ["chat"], now - hour, now + hour, by="kim", now=now)
    made = await incidents.plan("New servers", "…", ["chat"], now + hour, now + 2 * hour, by="kim", now=now)
    await incidents.end_maintenance(made, by="kim", now=now + 1.5 * hour)
    (work,) = await incidents.maintenance(at(0))
    assert (work.ends_at, work.phase(now + 2 * hour)) == (now + 1.5 * hour, "done")
    with pytest.raises(ConflictError):
        await incidents.end_maintenance(made, by="kim", now=now + 2 * hour)


async def test_what_a_process_writes_of_itself_is_measured(database: Database) -> None:
    beats = Heartbeats(database)
    await beats.beat("one", "worker", {"model": "open"})
    await beats.beat("two", "api", {})
    await beats.leave("two")
    measures = await beats.measure(queue=3.0, api_answers=None, mail_job="gmail_sync")
    (beat,) = measures.beats
    assert (beat.process, beat.breakers, beat.age < 5) == ("worker", {"model": "open"}, True)
    assert (measures.queue, measures.review, measures.mail_failures, dict(measures.deliveries)) == (3.0, 0.0, 0, {})
    assert Beat("worker", beat.age, {"model": "open"}) == beat
