"""What customers wrote while no webhook came through."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from api.channels.whatsapp import MISSED_JOB
from channels.whatsapp import PREFIX
from evals.emulators.twilio.faults import Answer, Drop, Fail
from evals.emulators.twilio.resources import Media
from skills.errors import UnavailableError
from tests.integration.whatsapp.conftest import Line

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + b"\0" * 40


async def looked(line: Line, ago: timedelta) -> None:
    """The job last ended well so long ago."""
    await line.rows(
        "insert into scheduler_jobs (name, due_at, ended_at) values (%s, now(), now() - %s)"
        " on conflict (name) do update set ended_at = excluded.ended_at",
        MISSED_JOB,
        ago,
    )


def lost(line: Line, sender: str, text: str, *media: Media, minutes: int = 10) -> str:
    """A message that Twilio has and whose webhook went nowhere."""
    message = line.twilio.ledger.receive(PREFIX + sender, text, media)
    message.created = datetime.now(UTC) - timedelta(minutes=minutes)
    message.sent = message.created
    return message.sid


async def test_a_message_whose_webhook_was_lost_is_found_once_and_answered(line: Line) -> None:
    await looked(line, timedelta(minutes=30))
    ada, ben = line.somebody(), line.somebody()
    await line.write(ada, "this one came")
    lost(line, ada, "this one did not")
    lost(line, ben, "nor this one", minutes=20)
    assert (await line.job(MISSED_JOB)).counts == {"taken": 2}
    assert (await line.job(MISSED_JOB)).counts == {"taken": 0}
    texts = [one["text"] for one in await line.transcript(ada) if one["author"] == "customer"]
    assert texts == ["this one came", "this one did not"]
    assert (await line.transcript(ben))[0]["text"] == "nor this one"
    assert await line.hears(ben)


async def test_its_files_come_too(line: Line) -> None:
    await looked(line, timedelta(minutes=30))
    eve = line.somebody()
    lost(line, eve, "", Media(PNG, "image/png"))
    assert (await line.job(MISSED_JOB)).counts == {"taken": 1}
    await line.fetch_files()
    case_id = await line.case_of(eve)
    rows = await line.rows(
        "select f.media_type, f.refusal from message_files f join messages m on m.id = f.message_id"
        " where m.case_id = %s and f.ordinal = 1",
        case_id,
    )
    assert [(row["media_type"], row["refusal"]) for row in rows] == [("image/png", None)]


async def test_what_may_still_come_and_what_is_older_than_the_channel_is_left_alone(line: Line) -> None:
    await line.rows("delete from scheduler_jobs where name = %s", MISSED_JOB)
    lost(line, line.somebody(), "before there was a channel")
    assert (await line.job(MISSED_JOB)).counts == {}
    await looked(line, timedelta(minutes=1))
    lost(line, line.somebody(), "on its way", minutes=0)
    lost(line, line.somebody(), "long before the last look", minutes=180)
    taken = (await line.job(MISSED_JOB)).counts["taken"]
    assert taken == 1  # the first one of this test: within the hour before the last look


@pytest.mark.parametrize("fault", [Drop(), Fail(500, 20500, "Internal")])
async def test_a_list_that_can_not_be_read_moves_nothing(line: Line, fault: Drop | Fail) -> None:
    await looked(line, timedelta(minutes=30))
    fay = line.somebody()
    lost(line, fay, "still here")
    line.twilio.otherwise(fault)
    try:
        with pytest.raises(UnavailableError):
            await line.job(MISSED_JOB)
    finally:
        line.twilio.otherwise(Answer())
    assert (await line.job(MISSED_JOB)).counts == {"taken": 1}
