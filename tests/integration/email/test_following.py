"""Following the mailbox: nothing is left out and nothing doubled, whatever becomes of pushes, cursors and Gmail."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from api.channels.email import MAIL, WATCH_JOB
from api.routes.gmail import JOB as SYNC_JOB
from api.wiring import build_scheduler
from channels.gmail.credentials import store
from channels.gmail.inbound import understand
from channels.gmail.refusals import CallError
from channels.gmail.sync import keep_watch
from evals.emulators.gmail.faults import BACKEND, NOT_FOUND_YET, RATE_LIMIT, Drop, Fail, Truncate
from infra.postgres.schedule import Reign
from skills.errors import DatabaseUnavailableError, LeaseLostError
from tests.integration.email.conftest import Desk
from tests.mailroom import consent

READ, HISTORY, LIST = "gmail.users.messages.get", "gmail.users.history.list", "gmail.users.messages.list"


async def texts(desk: Desk) -> list[str]:
    return [line.partition(" (")[0].partition(": ")[2] for line in await desk.told()]


async def cursor(desk: Desk) -> int:
    state = await desk.place.state()
    assert state is not None
    assert state.history_id is not None
    return state.history_id


async def test_what_was_there_before_is_not_ours(desk: Desk) -> None:
    desk.room.comes("From last year.")
    await desk.followed()
    desk.room.comes("New.", subject="Another")
    await desk.sync()
    await desk.sync()
    assert await texts(desk) == ["New."]


async def test_pages_are_read_to_the_end_in_order(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("channels.gmail.account._PAGE", 2)
    await desk.followed()
    for number in range(7):
        desk.room.comes(f"Number {number}.", subject=f"Subject {number}")
    assert (await desk.sync()).counts["received"] == 7
    assert await texts(desk) == [f"Number {number}." for number in range(7)]
    assert await cursor(desk) == desk.gmail.mailbox.history.current
    assert len(desk.gmail.calls.of(HISTORY)) == 4


async def test_drafts_spam_and_deleted_mails_are_nothing_and_what_leaves_spam_is_a_mail(desk: Desk) -> None:
    await desk.followed()
    spam = desk.gmail.mailbox.deliver(desk.room.mail("Was it spam?"), labels=("SPAM",))
    desk.gmail.mailbox.save_draft(desk.room.mail("Half a"))
    binned = desk.gmail.mailbox.deliver(desk.room.mail("Never mind."))
    desk.gmail.mailbox.relabel(binned, ["TRASH"], ["INBOX"])
    assert (await desk.sync()).counts == {"not_ours": 1}
    desk.gmail.mailbox.relabel(spam, ["INBOX"], ["SPAM"])
    assert (await desk.sync()).counts == {"received": 1}
    assert await texts(desk) == ["Was it spam?"]


async def test_the_same_mail_through_two_doors_is_one_message_and_a_namesake_is_another(desk: Desk) -> None:
    await desk.followed()
    twin = desk.room.mail("Once.", message_id="<twin@customer.example>")
    desk.gmail.mailbox.deliver(twin)
    desk.gmail.mailbox.deliver(twin)
    desk.room.comes("Something else.", message_id="<twin@customer.example>", subject="Other")
    assert (await desk.sync()).counts == {"received": 2, "known": 1}
    assert await texts(desk) == ["Once.", "Something else."]


async def test_a_cursor_that_gmail_forgot_is_followed_by_a_look_at_everything_and_nothing_doubles(desk: Desk) -> None:
    desk.room.comes("From before we were here.", subject="Old")
    await desk.followed()
    desk.room.comes("First.")
    await desk.sync()
    await desk.answered()
    desk.room.comes("Second.", subject="Other")
    desk.room.writes("A colleague answers.", answers="<2@customer.example>")
    desk.gmail.mailbox.forget_history()
    await desk.core.rows("update mailboxes set began_at = now() - interval '1 minute' returning 1")
    # The emulator's clock and ours are the same to the millisecond; the first mail is older than the margin in life.
    report = await desk.sync()
    assert report.counts["looked_at_all"] == 1
    assert (await desk.sync()).counts == {}
    said = await texts(desk)
    assert sorted(set(said)) == sorted(said)
    assert {"First.", "Second.", "A colleague answers."} <= set(said)


async def test_a_look_at_everything_does_not_go_behind_the_day_when_we_began(desk: Desk) -> None:
    desk.room.comes("From before we were here.")
    await desk.followed()
    await desk.core.rows("update mailboxes set began_at = now() + interval '2 seconds' returning 1")
    desk.gmail.mailbox.forget_history()
    assert (await desk.sync()).counts == {"looked_at_all": 1}
    assert await texts(desk) == []


async def test_a_mail_that_is_not_there_yet_is_asked_for_again_and_one_that_never_is_given_up(desk: Desk) -> None:
    await desk.followed()
    desk.room.comes("Here I am.")
    desk.gmail.faults.on(NOT_FOUND_YET, READ, times=1)
    assert (await desk.sync()).counts == {"missing": 1}
    assert (await desk.sync()).counts == {"received": 1}
    gone = desk.room.comes("Deleted at once.", subject="Other")
    desk.gmail.mailbox.delete(gone)
    await desk.sync()
    await desk.sync()
    assert [one.mail_id for one in await desk.place.awaited(9)] == [gone]
    await desk.core.rows("update awaited_mails set since = since - interval '11 minutes' returning 1")
    await desk.sync()
    assert await desk.place.awaited(9) == []


async def test_one_mail_that_gmail_cannot_give_holds_up_no_other(desk: Desk) -> None:
    await desk.followed()
    desk.room.comes("Broken over there.")
    desk.room.comes("Fine.", subject="Other")
    desk.gmail.faults.on(BACKEND, READ, times=1)
    await desk.sync()
    assert await texts(desk) in (["Fine."], ["Broken over there."])
    assert (await desk.sync()).counts == {"received": 1}


@pytest.mark.parametrize(
    ("method", "fault"),
    [
        *((method, fault) for method in (HISTORY, READ) for fault in (BACKEND, RATE_LIMIT, Drop(), Truncate())),
        *(("oauth2.token", fault) for fault in (Drop(), Truncate())),
    ],
)
async def test_while_gmail_fails_the_cursor_stays_and_afterwards_everything_comes_in_once(
    desk: Desk, method: str, fault: Any
) -> None:
    await desk.followed()
    before = await cursor(desk)
    for number in range(5):
        desk.room.comes(f"Number {number}.", subject=f"Subject {number}")
    desk.gmail.tokens.expire()
    desk.gmail.faults.on(fault, method)
    for _ in range(2):
        with pytest.raises(CallError):
            await desk.sync()
    assert await cursor(desk) == before
    desk.gmail.faults.mend()
    await desk.sync()
    assert sorted(await texts(desk)) == [f"Number {number}." for number in range(5)]


async def test_the_database_may_go_away_in_the_middle_and_nothing_is_left_out(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.followed()
    for number in range(4):
        desk.room.comes(f"Number {number}.", subject=f"Subject {number}")
    receive, seen = desk.services.inbox.receive, []

    async def failing(envelope: Any, **options: Any) -> Any:
        seen.append(envelope)
        if len(seen) == 3:
            raise DatabaseUnavailableError
        return await receive(envelope, **options)

    monkeypatch.setattr(desk.services.inbox, "receive", failing)
    with pytest.raises(DatabaseUnavailableError):
        await desk.sync()
    assert (await desk.sync()).counts == {"received": 2, "known": 2}
    assert await texts(desk) == [f"Number {number}." for number in range(4)]


async def test_a_mail_that_breaks_us_comes_to_a_person_and_keeps_no_other_from_coming_in(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.followed()

    def breaking(found: Any, own: Any) -> Any:
        if b"poison" in found.raw:
            raise RecursionError
        return understand(found, own)

    monkeypatch.setattr("channels.gmail.sync.understand", breaking)
    desk.room.comes("poison")
    desk.room.comes("Fine.", subject="Other")
    assert (await desk.sync()).counts == {"unread": 1, "received": 1}
    rows = await desk.core.rows("select for_person from messages order by id")
    assert [row["for_person"] for row in rows] == ["unreadable", None]
    (kept,) = await desk.core.rows("select f.size from message_files f join messages m on m.id = f.message_id"
                                   " where m.for_person is not null and f.ordinal = 0")  # fmt: skip
    assert kept["size"] == len(desk.gmail.mailbox.mails[0].raw)


async def test_two_runs_at_once_take_each_mail_in_once(desk: Desk) -> None:
    await desk.followed()
    for number in range(6):
        desk.room.comes(f"Number {number}.", subject=f"Subject {number}")
    reports = await asyncio.gather(*(desk.sync() for _ in range(4)))
    assert sum(report.counts["received"] for report in reports) == 6
    assert sum(report.counts["busy"] for report in reports) == 3


async def test_a_run_that_lost_its_hold_moves_no_cursor(desk: Desk) -> None:
    await desk.followed()
    old = await desk.place.hold()
    assert old is not None
    assert await desk.place.hold() is None
    await desk.core.rows("update mailboxes set held_until = now() - interval '1 second' returning 1")
    new = await desk.place.hold()
    assert new is not None
    for move in (desk.place.advance(old, 1), desk.place.begin(old, 1)):
        with pytest.raises(LeaseLostError):
            await move
    with pytest.raises(LeaseLostError):
        await desk.place.finish(old)
    await desk.place.release(old)
    await desk.place.renew(new)
    assert await desk.place.finish(new) is False


async def test_what_is_asked_for_during_a_run_is_another_run(desk: Desk) -> None:
    await desk.followed()
    held = await desk.place.hold()
    assert held is not None
    await desk.place.want()
    assert await desk.place.finish(held) is True


async def test_a_watch_is_renewed_daily_and_one_that_ended_is_begun_anew(desk: Desk) -> None:
    await desk.followed()
    topic = desk.gmail.pubsub.topic
    assert await keep_watch(desk.account, desk.place, topic) is True
    assert desk.gmail.watch.active
    assert await keep_watch(desk.account, desk.place, topic) is False
    await desk.place.watched(datetime.now(UTC) + timedelta(days=5, hours=23))
    assert await keep_watch(desk.account, desk.place, topic) is True
    desk.gmail.watch.end()
    await desk.place.watched(datetime.now(UTC) - timedelta(hours=1))
    desk.room.comes("While nobody was told.")
    assert await keep_watch(desk.account, desk.place, topic) is True
    assert desk.gmail.watch.active
    assert (await desk.sync()).counts == {"received": 1}


async def test_the_schedulers_jobs_do_both(desk: Desk) -> None:
    jobs = {job.name: job for job in MAIL.jobs(desk.services)}
    assert {SYNC_JOB, WATCH_JOB} <= set(jobs)
    reign = Reign(desk.services.database, "test", 1)
    assert (await jobs[SYNC_JOB].run(reign)).counts == {}
    assert (await jobs[WATCH_JOB].run(reign)).counts == {"renewed": 1}
    desk.room.comes()
    assert (await jobs[SYNC_JOB].run(reign)).counts == {"received": 1}
    stop = asyncio.Event()
    running = asyncio.create_task(build_scheduler(desk.services, MAIL.jobs(desk.services)).run(stop))
    desk.room.comes("By the scheduler.", subject="Other")
    async with asyncio.timeout(15):
        while len(await texts(desk)) < 2:  # noqa: ASYNC110 - the database has no event
            await asyncio.sleep(0.05)
    stop.set()
    await running


async def test_a_consent_that_was_taken_back_is_said_and_signing_in_anew_needs_no_restart(desk: Desk) -> None:
    await desk.followed()
    desk.gmail.tokens.revoke()
    with pytest.raises(CallError, match="not signed in") as refused:
        await desk.sync()
    assert "csagent gmail connect" in (refused.value.hint or "")
    desk.room.comes()
    sign_in_anew(desk)
    assert (await desk.sync()).counts == {"received": 1}


async def test_a_mailbox_of_another_history_is_looked_at_whole_once(desk: Desk) -> None:
    await desk.followed()
    await desk.core.rows("update mailboxes set history_id = 99999999 returning 1")
    desk.room.comes()
    assert (await desk.sync()).counts == {"looked_at_all": 1, "received": 1}
    assert (await desk.sync()).counts == {}


async def test_a_refusal_for_good_ends_the_run_and_leaves_the_mailbox_to_the_next(desk: Desk) -> None:
    await desk.followed()
    desk.room.comes()
    desk.gmail.faults.on(Fail(400), READ, times=1)
    with pytest.raises(CallError, match="400"):
        await desk.sync()
    assert (await desk.sync()).counts == {"received": 1}


def sign_in_anew(desk: Desk) -> None:
    store(desk.room.credentials, consent(desk.gmail))
