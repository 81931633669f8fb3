"""Whoever writes faster than the pace is answered later and in fewer turns; nothing is refused, nothing is lost."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from channels.web import CHAT
from graph.handling import TurnHandler
from infra.postgres.inbox import Inbox, Receipt
from infra.postgres.pace import Pace
from infra.postgres.turns import PostgresLedger
from skills.turn import CaseId, ChannelName
from tests.core import Core

MAIL = ChannelName("mail")
RESOLVE = "update cases set status = 'resolved', resolved_at = now() where id = %s returning 1"
SLOW = Pace(every=timedelta(minutes=10), burst=2, cases_an_hour=3)


def paced(core: Core, pace: Pace = SLOW) -> Core:
    core.inbox = Inbox(core.database, core.keyring, pace)
    core.ledger = PostgresLedger(core.database, core.keyring, pace)
    core.handler = TurnHandler(core.graph, core.ledger)
    return core


async def talk(core: Core, *texts: str) -> CaseId:
    """Each of them a turn of its own, at once."""
    receipts = [await write_and_work(core, text) for text in texts]
    return receipts[0].case_id


async def write_and_work(core: Core, text: str) -> Receipt:
    receipt = await core.write("talk", text)
    await core.work(receipt.case_id)
    return receipt


async def minutes_until_due(core: Core, case_id: CaseId) -> float:
    (row,) = await core.rows(
        "select extract(epoch from due_at - now())::float8 / 60 as minutes from case_work where case_id = %s", case_id
    )
    return float(row["minutes"])


async def time_passes(core: Core, minutes: int) -> None:
    await core.rows(
        "update case_work set next_turn_at = next_turn_at - make_interval(mins => %s),"
        " due_at = due_at - make_interval(mins => %s) returning 1",
        minutes,
        minutes,
    )


async def test_a_case_has_its_burst_and_then_one_turn_at_a_time_with_all_that_came_in(core: Core) -> None:
    paced(core)
    case_id = await talk(core, "one", "two")
    await core.write("talk", "three")
    assert 9 < await minutes_until_due(core, case_id) < 10
    await core.write("talk", "four")
    assert await core.leases.claim(case_id) is None

    await time_passes(core, 10)
    await core.work(case_id)
    await core.deliver()
    assert (await core.said("talk"))[-1] == "agent: echo: three | four"


async def test_a_case_that_rests_has_its_burst_again(core: Core) -> None:
    paced(core)
    await talk(core, "one", "two")
    await time_passes(core, 60)
    await talk(core, "three", "four")


async def test_what_came_in_during_a_turn_keeps_to_the_pace_too(core: Core) -> None:
    paced(core, Pace(every=timedelta(minutes=10), burst=1))
    receipt = await core.write("talk", "one")
    lease = await core.claim(receipt.case_id)
    work = await core.ledger.load(lease)
    assert work is not None
    outcome = await core.handler.run(work)
    await core.write("talk", "two")
    assert await core.ledger.commit(work, outcome, may_supersede=False) == "committed"
    assert 9 < await minutes_until_due(core, receipt.case_id) < 10


async def test_one_talk_s_pace_is_nobody_elses(core: Core) -> None:
    paced(core)
    await talk(core, "one", "two")
    await core.write("talk", "three")
    other = await core.write("other", "hello", channel=CHAT)
    assert await minutes_until_due(core, other.case_id) <= 0


async def test_a_sender_s_further_cases_within_an_hour_wait_longer_and_longer(core: Core) -> None:
    paced(core)
    cases = [(await core.write("kim@example.com", "hello", channel=MAIL)).case_id]
    for number in range(4):
        await core.rows(RESOLVE, cases[-1])
        cases.append((await core.write("kim@example.com", f"again {number}", channel=MAIL)).case_id)
    waits = [round(await minutes_until_due(core, case_id)) for case_id in cases]
    assert waits == [0, 0, 0, 5, 5]


@given(st.integers(0, 10_000), st.integers(1, 50), st.integers(0, 600))
def test_a_delay_grows_with_the_cases_and_never_beyond_five_minutes(recent: int, limit: int, seconds: int) -> None:
    pace = Pace(every=timedelta(seconds=seconds), cases_an_hour=limit)
    assert timedelta(0) <= pace.delay(recent) <= pace.delay(recent + 1) <= timedelta(minutes=5)
    assert pace.delay(limit - 1) == timedelta(0)
