"""The rows that figures are made of, kept up with what the product itself does."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from infra.analytics.periods import Period
from infra.analytics.report import Question
from infra.crypto.keyring import Keyring
from infra.postgres.analytics import Analytics
from infra.postgres.analytics_rows import AnalyticsRows
from infra.postgres.database import Database
from infra.postgres.life import ENDLESS
from skills.errors import ConflictError, DatabaseUnavailableError
from skills.turn import CaseId, Decision
from tests.core import Core, make_core

TODAY = Period((datetime.now(UTC) - timedelta(days=1)).date(), (datetime.now(UTC) + timedelta(days=1)).date())


@pytest.fixture
def core(database: Database, keyring: Keyring) -> Core:
    return make_core(database, keyring, life=replace(ENDLESS, reopen=timedelta(days=14)))


async def everything(core: Core) -> list[list[dict[str, Any]]]:
    tables = ("analytics_cases", "analytics_ends", "analytics_work")
    return [await core.rows(f"select * from {table} order by 1, 2") for table in tables]


async def a_day(core: Core) -> tuple[CaseId, CaseId]:
    """One that the agent settles, and comes back; one that goes to Kim, who hands it back."""
    first = (await core.write("a", "hello")).case_id
    await core.work(first)
    await core.deliver()
    await core.cases.resolve(first, "kim")
    await core.write("a", "it does not work")
    await core.work(first)
    await core.deliver()
    second = (await core.write("b", "a person please")).case_id
    await core.work(second)
    (waiting,) = await core.reviews.queue()
    read = await core.reviews.read(waiting.id, reader="kim")
    await core.reviews.decide(waiting.id, Decision(action="approve", reviewer="kim"), seen=read.version)
    await core.work(second)
    await core.deliver()
    await core.cases.take_over(second, "kim")
    await core.cases.hand_back(second, "kim")
    await core.write("b", "thank you, and how long?")
    await core.work(second)
    await core.deliver()
    return first, second


async def test_what_is_computed_step_by_step_is_what_is_computed_at_once(core: Core, rows: AnalyticsRows) -> None:
    await rows.refresh()
    first, second = await a_day(core)
    await rows.refresh()
    await core.cases.resolve(second, "kim", confirmed=True)
    await rows.judge(second, solved=True, person="lee")
    assert (await rows.refresh()).changed > 0
    cases, ends, work = await everything(core)
    assert [(one["number"], one["how"], one["reopened_at"] is not None) for one in ends if one["case_id"] == first] == [
        (1, "person", True)
    ]
    assert [(one["number"], one["how"], one["solved"]) for one in ends if one["case_id"] == second] == [
        (1, "person", True)
    ]
    (handed,) = [one for one in cases if one["case_id"] == second]
    assert handed["agent_seconds"] > handed["person_seconds"] > 0
    assert [one["agent_seconds"] > 0 and one["to_person_at"] is None for one in cases if one["case_id"] == first] == [
        True
    ]
    assert [(one["person"], one["action"]) for one in work] == [("kim", "approve")]
    async with core.database.connection() as connection:
        await connection.execute("truncate analytics_cases, analytics_ends, analytics_work, analytics_progress")
    await rows.refresh()
    assert await everything(core) == [cases, ends, work]
    await rows.start_over()
    await rows.look_back()
    assert (await rows.refresh()).changed == 0


async def test_two_at_once_do_it_once_and_nobody_waits(core: Core, rows: AnalyticsRows) -> None:
    await a_day(core)
    done = await asyncio.gather(*(AnalyticsRows(core.database).refresh() for _ in range(4)))
    assert max(one.cases for one in done) >= 2
    assert len((await everything(core))[0]) == 2


async def test_joined_and_parted_customers_are_followed(core: Core, rows: AnalyticsRows) -> None:
    first, second = await a_day(core)
    await rows.refresh()
    owners = "select id, customer_id from cases where id = any(%s)"
    owned = {row["id"]: row["customer_id"] for row in await core.rows(owners, [first, second])}
    owner, other = owned[first], owned[second]
    for kind, before, after in (("customer.merged", owner, other), ("customer.unmerged", other, owner)):
        await core.rows(
            "update conversations set customer_id = %s where id = (select conversation_id from cases"
            " where id = %s) returning id",
            after,
            first,
        )
        await core.rows(
            "insert into events (id, kind, data) values (gen_random_uuid(), %s, jsonb_build_object("
            "'source_id', %s::text, 'into_id', %s::text)) returning id",
            kind,
            str(before),
            str(after),
        )
        await rows.refresh()
        (kept,) = await core.rows("select customer_id from analytics_cases where case_id = %s", first)
        assert kept["customer_id"] == after


async def test_an_event_that_comes_late_counts_and_one_from_long_ago_after_the_night(
    core: Core, rows: AnalyticsRows
) -> None:
    case = (await core.write("a", "hello")).case_id
    await rows.refresh()
    insert = (
        "insert into events (id, kind, at, case_id, actor) values (gen_random_uuid(), 'case.answered_by_person',"
        " now() - %s::interval, %s, 'kim') returning id"
    )
    await core.rows(insert, timedelta(minutes=1), case)
    await rows.refresh()
    assert len((await everything(core))[2]) == 1
    await core.rows(insert, timedelta(hours=20), case)
    await core.rows("update analytics_progress set seen_at = now() + interval '1 hour' returning 1")
    await rows.refresh()
    assert len((await everything(core))[2]) == 1
    await rows.look_back()
    await rows.refresh()
    assert len((await everything(core))[2]) == 2


async def test_only_a_case_that_is_over_can_be_judged(core: Core, rows: AnalyticsRows) -> None:
    case = (await core.write("a", "hello")).case_id
    with pytest.raises(ConflictError, match="over"):
        await rows.judge(case, solved=True, person="kim")


async def test_no_word_of_a_customer_is_in_the_rows(core: Core, rows: AnalyticsRows) -> None:
    await core.write("a", "my name is Rumpelstiltskin")
    await rows.refresh()
    assert "Rumpelstiltskin" not in str(await everything(core))


class Away(Database):
    """A replica that does not answer."""

    asked = 0

    def connection(self) -> Any:
        self.asked += 1
        raise DatabaseUnavailableError


async def test_a_replica_is_read_and_while_it_is_away_the_primary_is_and_says_so(
    core: Core, rows: AnalyticsRows, database_url: str
) -> None:
    await a_day(core)
    await rows.refresh()
    replica = Database(database_url, size=2)
    await replica.open_whenever()
    try:
        answer = await Analytics(Away("postgresql://nowhere"), replica).report(Question(TODAY, "day"))
    finally:
        await replica.close()
    assert (answer.served, answer.notice, answer.of("escalation").now.value) == ("replica", None, 0.5)
    away = Away("postgresql://nowhere")
    analytics = Analytics(core.database, away)
    for _ in range(2):
        answer = await analytics.report(Question(TODAY, "day"))
        assert (answer.served, answer.of("escalation").now.value) == ("primary", 0.5)
        assert answer.notice == "the replica does not answer: these figures come from the primary"
    assert away.asked == 1


@pytest.mark.parametrize("block", ["cases", "work"])
async def test_a_replica_that_goes_away_while_it_is_read_is_passed_over_like_one_that_is_away(
    core: Core, rows: AnalyticsRows, database_url: str, monkeypatch: pytest.MonkeyPatch, block: str
) -> None:
    await a_day(core)
    await rows.refresh()
    replica = Database(database_url, size=2, application="doomed")
    await replica.open()
    analytics = Analytics(core.database, replica)
    usual = analytics._read

    async def read(connection: Any, names: Any, values: Any) -> Any:
        if block in names and connection.info.get_parameters().get("application_name") == "doomed":
            await connection.execute("select pg_terminate_backend(pg_backend_pid())")
        return await usual(connection, names, values)

    monkeypatch.setattr(analytics, "_read", read)
    try:
        answer = await analytics.report(Question(TODAY, "day"))
    finally:
        await replica.close()
    assert (answer.served, answer.of("escalation").now.value) == ("primary", 0.5)


async def test_before_anything_was_computed_the_answer_says_so(core: Core, rows: AnalyticsRows) -> None:
    answer = await Analytics(core.database).report(Question(TODAY, "day"))
    assert answer.as_of is None
    assert answer.notice is not None
    assert "nothing was computed yet" in answer.notice
    assert all(one.now.denominator == 0 for one in answer.measured)
