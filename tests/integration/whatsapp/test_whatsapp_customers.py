"""What customers may do besides writing: stop, send files, be silent for a day while a person decides."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from evals.emulators.twilio.faults import Drop, Fail, Redirect, server_error
from evals.emulators.twilio.resources import Media
from infra.postgres.awaited_files import MOST_ATTEMPTS
from infra.postgres.files import Files
from skills.turn import CaseId, MessageId
from tests.integration.whatsapp.conftest import Line

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 8 + b"IHDR" + b"\x00" * 40


async def files_of(line: Line, customer: str) -> list[tuple[str, str, int, str | None]]:
    entries = await Files(line.services.database, line.services.keyring).of_case(
        CaseId((await line.rows("select %s::uuid as id", await line.case_of(customer)))[0]["id"])
    )
    return [(entry.name, entry.media_type, entry.size, entry.refusal) for entry in entries]


async def due_again(line: Line) -> None:
    await line.rows("update awaited_files set due_at = now()")


async def test_a_picture_is_fetched_after_the_acknowledgement_checked_and_sealed(line: Line) -> None:
    ada, calls = line.somebody(), len(line.twilio.calls)
    (webhook,) = await line.write(ada, "", media=[Media(PNG, "image/png")])
    assert webhook.status == 200
    assert not [call for call in line.twilio.calls[calls:] if call.method == "GET"], "Twilio was asked before"
    assert await files_of(line, ada) == [("image-1", "image/png", 0, "coming")]
    assert dict((await line.fetch_files()).counts) == {"kept": 1}
    assert await files_of(line, ada) == [("image-1.png", "image/png", len(PNG), None)]
    (row,) = await line.rows(
        "select m.id, f.content_sealed from message_files f join messages m on m.id = f.message_id"
        " where m.case_id = %s",
        await line.case_of(ada),
    )
    assert PNG not in bytes(row["content_sealed"])
    found = await Files(line.services.database, line.services.keyring).read(MessageId(row["id"]), 1)
    assert found.file.data == PNG
    assert not await line.rows("select 1 from awaited_files")


async def test_text_and_picture_of_one_message_stay_together_and_the_text_is_answered(line: Line) -> None:
    ada = line.somebody()
    await line.write(ada, "Is this the right one?", media=[Media(PNG, "image/png")])
    assert await line.hears(ada) == ["echo: Is this the right one?"]
    (row,) = await line.rows(
        "select for_person from messages where case_id = %s and direction = 'in'", await line.case_of(ada)
    )
    assert row["for_person"] is None
    await line.fetch_files()
    assert [refusal for *_, refusal in await files_of(line, ada)] == [None]


@pytest.mark.parametrize(
    ("media", "faults", "reason"),
    [
        (Media(b"#!/bin/sh\nrm -rf /", "image/png"), [], "program"),
        (Media(b"\x00\x01\x02" * 30, "application/octet-stream"), [], "type"),
        (Media(b"\xff\xd8\xff" + b"\x00" * (17 * 1_048_576), "image/jpeg"), [], "too_large"),
        (Media(PNG, "image/png"), [Fail(404, 20404, "not found")], "gone"),
        (Media(PNG, "image/png"), [Redirect("http://127.0.0.1:9/elsewhere")], "again"),
        (Media(PNG, "image/png"), [Redirect("ftp://elsewhere.example/file")], "strange_address"),
    ],
)
async def test_a_file_that_cannot_be_taken_has_a_row_with_the_reason(
    line: Line, media: Media, faults: list[Any], reason: str
) -> None:
    ada = line.somebody()
    await line.write(ada, "", media=[media])
    await line.case_of(ada)
    await line.hears(ada)
    line.twilio.script(*faults)
    assert dict((await line.fetch_files()).counts) == {reason: 1}
    ((_, _, size, refusal),) = await files_of(line, ada)
    assert refusal == ("coming" if reason == "again" else reason)
    assert (size == 0) or reason in {"program", "type"}
    await line.rows("delete from awaited_files")


async def test_a_file_that_is_away_is_fetched_later_and_given_up_in_the_end(line: Line) -> None:
    ada = line.somebody()
    await line.write(ada, "", media=[Media(PNG, "image/png")])
    await line.hears(ada)
    line.twilio.script(server_error(), Drop(taken=False))
    assert dict((await line.fetch_files()).counts) == {"again": 1}
    assert dict((await line.fetch_files()).counts) == {}, "fetched again before its time"
    (row,) = await line.rows("select attempts, extract(epoch from due_at - now())::float8 as wait from awaited_files")
    assert (row["attempts"], 5 < row["wait"] <= 10) == (1, True)
    await due_again(line)
    assert dict((await line.fetch_files()).counts) == {"again": 1}
    await line.rows("update awaited_files set attempts = %s, due_at = now()", MOST_ATTEMPTS - 1)
    line.twilio.script(server_error())
    assert dict((await line.fetch_files()).counts) == {"unavailable": 1}
    assert [refusal for *_, refusal in await files_of(line, ada)] == ["unavailable"]


async def test_two_schedulers_at_once_fetch_a_file_once(line: Line) -> None:
    ada, calls = line.somebody(), len(line.twilio.calls)
    await line.write(ada, "", media=[Media(PNG, "image/png")])
    done = await asyncio.gather(*(line.fetch_files() for _ in range(3)))
    assert sum(sum(each.counts.values()) for each in done) == 1
    assert len([call for call in line.twilio.calls[calls:] if call.method == "GET"]) == 1


async def test_stop_ends_it_is_confirmed_once_and_an_answer_after_it_is_a_trouble(line: Line) -> None:
    ada = line.somebody()
    await line.write(ada, "I want a person")
    await line.hears(ada)  # the note that a colleague looks at it
    case_id = await line.case_of(ada)
    await line.write(ada, "STOPP!")
    assert (await line.hears(ada, 2))[1].startswith("Sie erhalten hier keine Nachrichten mehr")
    await line.write(ada, "stop")
    (escalation,) = await line.rows("select id from escalations where case_id = %s", case_id)
    read = (await line.kim.get(f"/v1/review/escalations/{escalation['id']}")).json()
    assert [said["text"] for said in read["transcript"] if said["author"] == "customer"][1:] == ["STOPP!", "stop"]
    decided = await line.kim.post(
        f"/v1/review/escalations/{escalation['id']}/decision",
        json={"action": "answer", "text": "Here I am.", "version": read["version"]},
    )
    assert decided.status_code == 202
    await line.until("select 1 from outbox where case_id = %s and error = 'opted_out'", case_id)
    assert len(line.said_to(ada)) == 2
    troubles = (await line.kim.get("/v1/review/troubles")).json()["outbox"]
    assert [one["error"] for one in troubles if one["case_id"] == case_id] == ["opted_out"]
    assert (await line.transcript(ada))[-1]["delivery"] == "failed"

    await line.write(ada, "START")
    assert (await line.hears(ada, 3))[2].startswith("You will get messages from us here again")
    await line.write(ada, "Thank you")
    assert (await line.hears(ada, 4))[3] == "echo: Thank you"
    kinds = await line.rows(
        "select kind from events where case_id = %s and kind like 'customer.opted%%' order by at", case_id
    )
    assert [row["kind"] for row in kinds] == ["customer.opted_out", "customer.opted_in"]


async def test_where_twilio_confirms_by_itself_we_say_nothing(line: Line) -> None:
    ada = line.somebody()
    await line.write(ada, "Hello")
    await line.hears(ada)
    await line.write(ada, "no more please", OptOutType="STOP")
    await line.until(
        "select 1 from identities where opted_out_at is not null and address_index = %s",
        line.services.keyring.address_index("whatsapp", ada),
    )
    assert await line.services.consents.opted_out("whatsapp", ada)
    await line.write(ada, "yes please", OptOutType="START")
    assert not await line.services.consents.opted_out("whatsapp", ada)
    assert line.said_to(ada) == ["echo: Hello"]


async def test_who_begins_with_start_is_answered_as_anybody(line: Line) -> None:
    ada = line.somebody()
    await line.write(ada, "Start")
    assert await line.hears(ada) == ["echo: Start"]


async def test_stop_as_the_first_word_is_kept_and_confirmed(line: Line) -> None:
    ada = line.somebody()
    await line.write(ada, "Stop", ExternalUserId="US.4242")
    assert (await line.hears(ada))[0].startswith("You will get no more messages")
    assert await line.services.consents.opted_out("whatsapp", ada)
    assert await line.services.consents.opted_out("whatsapp", "US.4242"), "the same person by another name"


async def test_the_end_of_the_window_is_on_every_escalation_and_the_nearer_end_comes_first(line: Line) -> None:
    ada, ben = line.somebody(), line.somebody()
    for customer in (ada, ben):
        await line.write(customer, "I want a person")
        await line.hears(customer)
    case_id = await line.case_of(ben)
    await line.rows(
        "update messages set received_at = received_at - interval '23 hours 50 minutes' where case_id = %s", case_id
    )
    await line.rows("update escalations set due_at = now() + interval '3 hours' where status = 'open'")
    queue = [
        item
        for item in (await line.kim.get("/v1/review/escalations")).json()["items"]
        if item["case_id"] in {case_id, await line.case_of(ada)}
    ]
    assert [item["case_id"] for item in queue] == [case_id, await line.case_of(ada)]
    closes = [datetime.fromisoformat(item["window_closes_at"]) - datetime.now(UTC) for item in queue]
    assert timedelta(minutes=3) < closes[0] < timedelta(minutes=6)
    assert timedelta(hours=23) < closes[1] < timedelta(hours=24)
    assert [item["reply_by"] for item in queue] == [queue[0]["window_closes_at"], queue[1]["due_at"]]
    read = (await line.kim.get(f"/v1/review/escalations/{queue[0]['id']}")).json()
    assert (read["window_closes_at"], read["reply_by"]) == (queue[0]["window_closes_at"],) * 2


async def test_a_window_that_closes_while_a_person_decides_lets_the_template_carry_the_answer(line: Line) -> None:
    ada = line.somebody()
    await line.write(ada, "I want a person")
    await line.hears(ada)
    await line.silent_for_a_day(ada)
    (escalation,) = await line.rows("select id from escalations where case_id = %s", await line.case_of(ada))
    read = (await line.kim.get(f"/v1/review/escalations/{escalation['id']}")).json()
    await line.kim.post(
        f"/v1/review/escalations/{escalation['id']}/decision",
        json={"action": "answer", "text": "It left us\non Monday.", "version": read["version"]},
    )
    assert (await line.hears(ada, 2))[1] == "News from us: It left us on Monday."
    await line.until(
        "select 1 from outbox where case_id = %s and state = 'sent' and kind = 'reply'", await line.case_of(ada)
    )
