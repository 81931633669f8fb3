"""What Twilio reports of texts later: in any order, doubled, of an earlier attempt, or of nothing of ours."""

from __future__ import annotations

from channels.whatsapp import WHATSAPP
from channels.whatsapp.statuses import Status
from evals.emulators.twilio.faults import Drop
from tests.integration.whatsapp.way import ADA, Way


async def report(
    way: Way,
    status: Status,
    *,
    part: int = 0,
    parts: int = 1,
    failure: str | None = None,
    name: str | None = None,
    again: bool = False,
) -> None:
    (row,) = await way.core.rows("select id from outbox order by position limit 1")
    await way.reports.record(
        WHATSAPP,
        outbox_id=row["id"],
        provider_message_id=name or f"SM-{part}",
        status=status.value,
        rank=status.rank,
        failure=failure,
        part=part,
        parts=parts,
        again=again,
    )


async def test_a_report_settles_an_unknown_text_and_what_waited_goes_on(way: Way) -> None:
    await way.reply(ADA, "one")
    await way.reply(ADA, "two")
    way.twilio.script(Drop())
    await way.deliver()
    await report(way, Status.SENT)
    await way.deliver()
    assert (way.bodies, await way.states()) == (["echo: one", "echo: two"], [("sent", None)] * 2)


async def test_a_report_of_one_part_does_not_settle_the_whole(way: Way) -> None:
    await way.reply(ADA, "one")
    way.twilio.script(Drop())
    await way.deliver()
    await report(way, Status.DELIVERED, part=0, parts=2)
    assert [state for state, _ in await way.states()] == ["unknown"]
    await report(way, Status.SENT, part=1, parts=2)
    assert await way.states() == [("sent", None)]


async def test_a_failure_that_is_reported_before_the_answer_is_a_failure_all_the_same(way: Way) -> None:
    await way.reply(ADA, "one")
    (delivery,) = await way.core.outbox.claim(10)
    await report(way, Status.FAILED, failure="window_closed (63016)")
    assert [state for state, _ in await way.states()] == ["sending"]
    await way.core.outbox.sent([(delivery, "SM-0")])
    assert await way.states() == [("failed", "window_closed (63016)")]
    assert await way.core.rows("select 1 from events where kind = 'message.failed'")


LIMITED = "rate_limited (63018)"


async def test_a_limit_that_passes_and_is_reported_before_the_answer_sends_the_text_again(way: Way) -> None:
    await way.reply(ADA, "one")
    (delivery,) = await way.core.outbox.claim(10)
    await report(way, Status.FAILED, failure=LIMITED, again=True)
    await way.core.outbox.sent([(delivery, "SM-0")])
    assert await way.states() == [("pending", LIMITED)]
    assert not await way.core.rows("select 1 from events where kind = 'message.failed'")
    await report(way, Status.FAILED, failure=LIMITED, again=True)  # once more, of the attempt that is over
    await way.deliver()
    assert (way.bodies, await way.states()) == (["echo: one"], [("sent", None)])


async def test_a_limit_that_passes_and_is_reported_of_an_unknown_text_sends_it_again(way: Way) -> None:
    await way.reply(ADA, "one")
    way.twilio.script(Drop())
    await way.deliver()
    await report(way, Status.FAILED, failure=LIMITED, again=True)
    assert await way.states() == [("pending", LIMITED)]


async def test_of_several_messages_a_limit_that_passes_is_a_persons(way: Way) -> None:
    await way.reply(ADA, "one")
    await way.deliver()
    await report(way, Status.FAILED, failure=LIMITED, again=True, part=1, parts=2)
    assert await way.states() == [("failed", LIMITED)]


async def test_a_text_that_a_person_found_arrived_and_that_was_limited_is_theirs_no_more(way: Way) -> None:
    await way.reply(ADA, "one")
    way.twilio.script(Drop())
    await way.deliver()
    (trouble,) = await way.core.outbox.troubled()
    await way.core.outbox.settle_by_hand(trouble.id, "arrived", "kim")
    await report(way, Status.FAILED, failure=LIMITED, again=True)
    (row,) = await way.core.rows("select state, settled_by from outbox")
    assert (row["state"], row["settled_by"]) == ("pending", None)


async def test_a_report_that_says_nothing_new_changes_nothing(way: Way) -> None:
    await way.reply(ADA, "one")
    await way.deliver()
    await report(way, Status.READ)
    await report(way, Status.DELIVERED)
    await report(way, Status.FAILED, failure="late")
    assert await way.states() == [("sent", None)]
    (row,) = await way.core.rows("select status from delivery_reports")
    assert row["status"] == "read"


async def test_the_reports_of_an_attempt_before_say_nothing_of_the_next(way: Way) -> None:
    await way.reply(ADA, "one")
    await way.deliver()
    await report(way, Status.FAILED, failure="channel_failed (63010)")
    (trouble,) = await way.core.outbox.troubled()
    await way.core.outbox.settle_by_hand(trouble.id, "send_again", "kim")
    await report(way, Status.FAILED, failure="channel_failed (63010)")
    await way.deliver()
    assert (len(way.bodies), await way.states()) == (2, [("sent", None)])


async def test_what_arrived_by_the_second_sending_has_arrived_whatever_is_heard_of_the_first(way: Way) -> None:
    await way.reply(ADA, "one")
    way.twilio.script(Drop())
    await way.deliver()
    (trouble,) = await way.core.outbox.troubled()
    await way.core.outbox.settle_by_hand(trouble.id, "send_again", "kim")
    await way.deliver()
    await report(way, Status.DELIVERED, name="SM-second")
    await report(way, Status.FAILED, failure="channel_failed (63010)", name="SM-first")
    assert await way.states() == [("sent", None)]


async def test_a_report_about_nothing_of_ours_is_nobodys(way: Way) -> None:
    about = {"status": "sent", "rank": 4, "failure": None}
    assert await way.reports.record(WHATSAPP, outbox_id=None, provider_message_id=None, **about) is None  # type: ignore[arg-type]
    assert await way.reports.record(WHATSAPP, outbox_id=None, provider_message_id="SM404", **about) is None  # type: ignore[arg-type]
    assert not await way.core.rows("select 1 from delivery_reports")


async def test_a_bounce_without_the_rows_id_is_found_by_the_providers_name(way: Way) -> None:
    await way.reply(ADA, "one")
    await way.deliver()
    case_id = await way.reports.record(
        WHATSAPP,
        outbox_id=None,
        provider_message_id=way.twilio.sent[0].sid,
        status="failed",
        rank=7,
        failure="no_such_mailbox",
    )
    assert case_id is not None
    assert await way.states() == [("failed", "no_such_mailbox")]


async def test_a_report_that_comes_before_a_text_goes_out_again_keeps_it_from_going_twice(way: Way) -> None:
    await way.reply(ADA, "one")
    way.twilio.script(Drop())
    await way.deliver()
    (trouble,) = await way.core.outbox.troubled()
    await way.core.outbox.settle_by_hand(trouble.id, "send_again", "kim")
    await report(way, Status.DELIVERED)
    await way.deliver()
    assert (way.bodies, await way.states()) == (["echo: one"], [("sent", None)])
