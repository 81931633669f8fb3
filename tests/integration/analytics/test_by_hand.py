"""A month small enough to be reckoned on paper, as it stands in docs/analytics.md."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from infra.analytics.figures import Figure
from infra.postgres.analytics_rows import AnalyticsRows
from infra.postgres.database import Database
from tests.integration.analytics.conftest import Ask
from tests.integration.analytics.past import Past


def at(day: int, hour: int = 9, minute: int = 0, month: int = 3) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


def a_month() -> Past:
    past = Past()
    ada, ben, cyd = past.customer(), past.customer("vip"), past.customer()
    # February: Ada and Ben wrote. Ben's case ended, and was opened again in March.
    past.resolve(past.case(at(20, month=2), ada), at(20, 10, month=2), "silence")
    again = past.case(at(27, month=2), ben, "email", "de")
    past.reply(again, at(27, 9, 10, month=2))
    past.resolve(again, at(27, 11, month=2), "customer")
    past.reopen(again, at(1))
    past.reply(again, at(1, 9, 5))
    past.resolve(again, at(1, 12), "silence")
    # A: answered after 2 minutes, confirmed after 30, rated 5.
    a = past.case(at(2), ada)
    past.reply(a, at(2, 9, 2), "Returns")
    past.resolve(a, at(2, 9, 30), "customer")
    past.rate(a, at(2, 9, 40), 5)
    past.spend(a, "0.02")
    # B: 4 minutes, silence a day later, read and found solved. The message came twice: it is stored once.
    b = past.case(at(3), cyd)
    past.reply(b, at(3, 9, 4))
    past.resolve(b, at(4), "silence")
    past.judge(b, at(5), solved=True)
    past.spend(b, "0.01")
    # C: escalated at once, Kim approves after 20 minutes and takes over; handed back; the agent's own reply after 3
    # hours; confirmed, but a person had a part in it.
    c = past.case(at(10), ben, "email", "de")
    past.escalate(c, at(10, 9, 1))
    past.decide(c, at(10, 9, 21), "approve", "kim")
    past.take_over(c, at(10, 10), "kim")
    past.write_as_person(c, at(10, 10, 30), "kim")
    past.hand_back(c, at(10, 11), "kim")
    past.reply(c, at(10, 12))
    past.resolve(c, at(10, 13), "customer")
    past.rate(c, at(11), 2)
    # D: closed too early, reopened the next day, answered by Lee in the end.
    d = past.case(at(16))
    past.reply(d, at(16, 9, 6))
    past.resolve(d, at(16, 10), "silence")
    past.reopen(d, at(17))
    past.take_over(d, at(17, 9, 30), "lee")
    past.write_as_person(d, at(17, 10), "lee")
    past.resolve(d, at(17, 12), "person")
    # E: the mailbox's clock is a year behind, and the agent never spoke.
    e = past.case(at(30))
    past.write_elsewhere(e, at(30, 15), at(30, 15) - timedelta(days=365))
    # F: after the month.
    past.reply(past.case(at(1, month=4)), at(1, 10, month=4))
    return past


EXPECTED = {
    # key: (value, counted, of), now and in the 31 days before
    "csat": ((1 / 2, 1, 2), (None, 0, 0)),  # A: 5, C: 2
    "first_response_agent": ((300.0, None, 4), (600.0, None, 1)),  # 2, 4, 6 and 180 minutes: median 5 minutes
    "first_response_person": ((1200.0, None, 3), (None, None, 0)),  # 0 (E), 20 and 30 minutes: median 20 minutes
    # Ben's 2 + 3 hours, A 30 minutes, B 24 hours, C 4 hours, D 1 + 3 hours: median 4 hours
    "resolution_time": ((14_400.0, None, 5), (3600.0, None, 1)),
    "escalation": ((3 / 5, 3, 5), (0.0, 0, 2)),  # C, D and E of A to E
    "self_service_confirmed": ((1 / 5, 1, 5), (0.0, 0, 1)),  # A, not C; Ben's first end did not stand
    "self_service_assumed": ((2 / 5, 2, 5), (1.0, 1, 1)),  # Ben's second end and B
    "self_service_verified": ((1.0, 1, 1), (None, 0, 0)),  # B
    "reopen": ((1 / 6, 1, 6), (1 / 2, 1, 2)),  # D's first end of six; Ben's first of two
    "cost": ((0.006, 0.03, 5), (0.0, 0.0, 2)),
    "productivity": ((1.5, 3, 2), (None, 0, 0)),  # Kim: a decision and a reply on one day, Lee one reply
    "retention": ((1.0, 2, 2), (None, 0, 0)),  # Ada and Ben wrote in February, and both in March
}


async def test_a_month_reckoned_by_hand(database: Database, rows: AnalyticsRows, ask: Ask) -> None:
    await a_month().write(database)
    await rows.refresh()
    report = await ask()

    def shown(figure: Figure) -> tuple[float | None, float | None, int]:
        return figure.value, figure.numerator, figure.denominator

    assert [one.metric.key for one in report.measured] == list(EXPECTED)
    for one in report.measured:
        now, before = EXPECTED[one.metric.key]
        assert shown(one.now) == pytest.approx(now), one.metric.key
        assert shown(one.before) == pytest.approx(before), one.metric.key
    assert {
        (one.name, one.days, tuple(one.decisions.items()), one.replies, one.seconds) for one in report.reviewers
    } == {
        ("kim", 1, (("approve", 1),), 1, 1200.0),
        ("lee", 1, (), 1, None),
    }


async def test_a_part_and_a_filter_say_the_same(database: Database, rows: AnalyticsRows, ask: Ask) -> None:
    await a_month().write(database)
    await rows.refresh()
    whole = await ask()
    assert whole.labels["channel"] == ("chat", "email")
    assert whole.labels["topic"] == ("", "Returns")
    for dimension, name in (("channel", "email"), ("language", "de"), ("segment", "vip"), ("topic", "Returns")):
        alone = await ask(**{dimension: name})
        for one in whole.measured:
            (part,) = [part for part in one.parts[dimension] if part.label == name]  # type: ignore[index]
            assert (part.now, part.before) == (alone.of(one.metric.key).now, alone.of(one.metric.key).before)


async def test_a_figure_over_time_is_that_of_each_piece_of_the_period(
    database: Database, rows: AnalyticsRows, ask: Ask
) -> None:
    await a_month().write(database)
    await rows.refresh()
    report = await ask(step="week")
    assert [point.start.day for point in report.of("csat").over_time] == [1, 2, 9, 16, 23, 30]
    assert [point.figure.denominator for point in report.of("escalation").over_time] == [0, 2, 1, 1, 0, 1]
    assert [point.figure.value for point in report.of("csat").over_time] == [None, 1.0, 0.0, None, None, None]
    assert sum(point.figure.denominator for point in report.of("reopen").over_time) == 6
