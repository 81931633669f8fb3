"""Whatever happened in whatever order, under whatever clocks: each figure is the one that plain SQL finds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.analytics.figures import Figure
from infra.analytics.periods import Period
from infra.analytics.report import Question
from infra.postgres.analytics import Analytics
from infra.postgres.analytics_rows import AnalyticsRows
from infra.postgres.database import Database
from tests.databases import LentDatabases
from tests.integration.analytics.oracle import reckoned
from tests.integration.analytics.past import Case, Past

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
FEBRUARY = Period(date(2026, 2, 1), date(2026, 2, 28))
ACTS = (
    *(
        "hear",
        "reply",
        "lose",
        "escalate",
        "decide",
        "take_back",
        "take_over",
        "hand_back",
        "write_as_person",
        "write_elsewhere",
    ),
    *("give_up", "resolve", "resolve", "reopen", "rate", "judge", "twice"),
)
# Hours to the next act. Below zero a clock went back; the long waits cross the borders of periods.
PAUSES = st.sampled_from((0.0, 0.05, 0.5, 3.0, 30.0, 170.0, 350.0, -0.2, -5.0))
MOVES = st.lists(st.tuples(st.sampled_from(ACTS), PAUSES, st.integers(0, 4)), max_size=9)
Talk = tuple[int, str, int, list[tuple[str, float, int]]]
TALKS = st.lists(
    st.tuples(st.integers(0, 80 * 24), st.sampled_from(("chat", "email")), st.integers(0, 5), MOVES),
    min_size=6,
    max_size=16,
)


POSSIBLE: dict[str, Callable[[Past, Case], bool]] = {
    "decide": lambda _, case: case.deciding is not None,
    "escalate": lambda _, case: case.deciding is None,
    "resolve": lambda _, case: case.resolved is None,
    "reopen": lambda _, case: case.resolved is not None,
    "rate": lambda past, case: case.resolved is not None and (case.id, case.end) not in past.rated,
    "judge": lambda _, case: case.resolved is not None,
}


def play(past: Past, case: Case, act: str, at: datetime, choice: int) -> None:
    if act in POSSIBLE and not POSSIBLE[act](past, case):
        return
    person = ("kim", "lee")[choice % 2]
    acts: dict[str, Callable[[], None]] = {
        "decide": lambda: past.decide(case, at, ("approve", "edit", "answer", "reject", "take_over")[choice], person),
        "take_back": lambda: past.take_back(case, at, person),
        "take_over": lambda: past.take_over(case, at, person),
        "hand_back": lambda: past.hand_back(case, at, person),
        "write_as_person": lambda: past.write_as_person(case, at, person),
        "write_elsewhere": lambda: past.write_elsewhere(
            case, at, at + timedelta(hours=(-9000, -1, 0, 1, 9000)[choice])
        ),
        "resolve": lambda: past.resolve(case, at, ("customer", "agent", "person", "silence", "silence")[choice]),
        "rate": lambda: past.rate(case, at, choice + 1),
        "judge": lambda: past.judge(case, at, solved=choice > 1),
        "twice": lambda: past.repeat_last_event(at),
    }
    plain: Callable[[Case, datetime], None] = getattr(past, act, past.hear)
    acts.get(act, lambda: plain(case, at))()


def shown(figure: Figure) -> tuple[float | None, float | None, int]:
    return figure.value, figure.numerator, figure.denominator


@settings(max_examples=6)
@given(talks=TALKS, merged=st.booleans())
async def test_every_figure_is_the_one_that_plain_sql_finds(
    databases: LentDatabases, talks: list[Talk], merged: bool
) -> None:
    with databases.lend() as url:
        database = Database(url, size=2)
        await database.open()
        try:
            await compare(database, talks, merged=merged)
        finally:
            await database.close()


async def compare(database: Database, talks: list[Talk], *, merged: bool) -> None:
    past = Past()
    people = [past.customer(("standard", "vip")[number % 2]) for number in range(6)]
    for hour, channel, owner, moves in talks:
        at = BEGAN + timedelta(hours=hour)
        case = past.case(at, people[owner], channel)
        for act, pause, choice in moves:
            at += timedelta(hours=pause)
            play(past, case, act, at, choice)
        if len(moves) % 2:
            past.spend(case, f"0.0{len(moves)}")
    await past.write(database)
    if merged:
        async with database.connection() as connection:
            for table in ("conversations", "cases"):
                await connection.execute(
                    f"update {table} set customer_id = %s where customer_id = %s", [people[0].id, people[1].id]
                )
    rows, analytics = AnalyticsRows(database), Analytics(database)
    await rows.refresh()
    expected = [
        await reckoned(database, *span, channel)
        for span in ((FEBRUARY.start, FEBRUARY.end), FEBRUARY.before)
        for channel in (None, "email")
    ]
    a_week = await reckoned(database, *FEBRUARY.steps("week")[1])
    await rows.start_over()
    assert (await rows.refresh()).changed == 0
    async with database.connection() as connection:  # as the archive does
        await connection.execute("truncate cases, messages, surveys, escalations, model_spend_of_cases cascade")
    await rows.start_over()
    await rows.refresh()
    report = await analytics.report(Question(FEBRUARY, "week"))
    for one in report.measured:
        key = one.metric.key
        mails = [part for part in one.parts["channel"] if part.label == "email"]
        found = [one.now, *[part.now for part in mails], one.before, *[part.before for part in mails]]
        reckonings = expected if mails else expected[::2]
        for figure, reckoning in zip(found, reckonings, strict=True):
            assert shown(figure) == pytest.approx(reckoning[key]), (key, one)
        assert shown(one.over_time[1].figure) == pytest.approx(a_week[key]), (key, one.over_time[1])
