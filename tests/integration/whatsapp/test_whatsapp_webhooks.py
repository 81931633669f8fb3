"""WhatsApp from webhook to webhook: stored once, answered once, and every status ends where it has to."""

from __future__ import annotations

import asyncio
from urllib.parse import urlencode

import pytest

from evals.emulators.twilio.faults import DOUBLED, OUT_OF_ORDER, UNREAD, Life, failing
from evals.emulators.twilio.server import AUTH_TOKEN, NUMBER
from evals.emulators.twilio.webhooks import signature
from tests.integration.whatsapp.conftest import PUBLIC, Line

MESSAGES, STATUSES = "/v1/whatsapp/messages", "/v1/whatsapp/statuses"


def webhook(sender: str, text: str, sid: str = "SM" + "a" * 32, **more: str) -> dict[str, str]:
    return {
        "MessageSid": sid,
        "From": f"whatsapp:{sender}",
        "To": f"whatsapp:{NUMBER}",
        "Body": text,
        "NumMedia": "0",
        **more,
    }


async def posted(
    line: Line, form: dict[str, str], *, path: str = MESSAGES, told: str = PUBLIC, token: str = AUTH_TOKEN, cut: int = 0
) -> tuple[int, str]:
    """A webhook by hand: signed for the address ``told``, cut short by so many bytes."""
    body = urlencode(form).encode()
    answer = await line.web.post(
        path,
        content=body[: len(body) - cut],
        headers={
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Twilio-Signature": signature(token, told + path, form),
        },
    )
    return answer.status_code, answer.text


async def stored(line: Line, sid: str) -> int:
    return len(await line.rows("select 1 from messages where provider_message_id = %s", sid))


async def test_a_message_is_answered_and_its_statuses_are_seen(line: Line) -> None:
    ada = line.somebody()
    (webhook_,) = await line.write(ada, "Where is my order?", name="Ada")
    assert webhook_.status == 200
    assert await line.hears(ada) == ["echo: Where is my order?"]
    await asyncio.to_thread(line.twilio.settle)
    await line.until("select 1 from delivery_reports where status = 'read'")
    question, answer = await line.transcript(ada)
    assert (question["author"], question["text"]) == ("customer", "Where is my order?")
    assert (answer["author"], answer["delivery"]) == ("agent", "read")
    events = await line.rows(
        "select kind, data from events where case_id = %s and kind = 'message.reported' order by at",
        await line.case_of(ada),
    )
    assert [event["data"]["status"] for event in events] == ["delivered", "read"]


@pytest.mark.parametrize(("life", "seen"), [(OUT_OF_ORDER, "read"), (DOUBLED, "read"), (UNREAD, "delivered")])
async def test_statuses_in_any_order_and_doubled_end_at_the_highest(line: Line, life: Life, seen: str) -> None:
    ada = line.somebody()
    line.twilio.lives(life)
    await line.write(ada, "Hello")
    await line.hears(ada)
    await asyncio.to_thread(line.twilio.settle)
    assert all(post.status == 204 for post in line.twilio.posted if post.url.startswith(f"{PUBLIC}{STATUSES}"))
    await line.until("select 1 from outbox where case_id = %s and state = 'sent'", await line.case_of(ada))
    assert (await line.transcript(ada))[-1]["delivery"] == seen


async def test_a_failure_after_the_acceptance_is_a_trouble_that_a_person_sees(line: Line) -> None:
    ada = line.somebody()
    line.twilio.lives(failing(63024))
    await line.write(ada, "Hello")
    case_id = await line.case_of(ada)
    await line.until("select 1 from outbox where case_id = %s and state = 'failed'", case_id)
    assert (await line.transcript(ada))[-1]["delivery"] == "failed"
    troubles = (await line.kim.get("/v1/review/troubles")).json()["outbox"]
    (trouble,) = [one for one in troubles if one["case_id"] == case_id]
    assert (trouble["error"], trouble["state"]) == ("not_on_whatsapp (63024)", "failed")
    assert await line.rows("select 1 from events where case_id = %s and kind = 'message.failed'", case_id)


async def test_a_proof_of_arrival_outranks_a_failure_of_another_device(line: Line) -> None:
    ada = line.somebody()
    line.twilio.lives(Life(("undelivered", "delivered"), 63003))
    await line.write(ada, "Hello")
    await line.hears(ada)
    await line.until(
        "select 1 from outbox where case_id = %s and state = 'sent' and reported_failure is null"
        " and exists (select from delivery_reports r where r.outbox_id = outbox.id and r.status = 'delivered')",
        await line.case_of(ada),
    )
    assert (await line.transcript(ada))[-1]["delivery"] == "delivered"


async def test_a_limit_that_passes_by_itself_sends_the_text_once_more(line: Line) -> None:
    ada = line.somebody()
    line.twilio.lives(failing(63018))
    await line.write(ada, "Hello")
    case_id = await line.case_of(ada)
    await line.until("select 1 from outbox where case_id = %s and state = 'pending' and error is not null", case_id)
    await line.rows("update outbox set due_at = now() where case_id = %s", case_id)
    assert await line.hears(ada, 2) == ["echo: Hello"] * 2
    await asyncio.to_thread(line.twilio.settle)
    await line.until("select 1 from outbox where case_id = %s and state = 'sent'", case_id)
    assert (await line.transcript(ada))[-1]["delivery"] == "read"


async def test_fifty_copies_of_one_webhook_at_once_are_one_message(line: Line) -> None:
    ada, sid = line.somebody(), "SM" + "5" * 32
    answers = await asyncio.gather(*(posted(line, webhook(ada, "Hello", sid)) for _ in range(50)))
    assert {status for status, _ in answers} == {200}
    assert await stored(line, sid) == 1
    assert await line.hears(ada) == ["echo: Hello"]


async def test_a_replay_of_a_signed_webhook_changes_nothing(line: Line) -> None:
    ada = line.somebody()
    first, second = await line.write(ada, "Hello", fault="replayed")
    assert (first.status, second.status) == (200, 200)
    assert await line.hears(ada) == ["echo: Hello"]
    assert len(await line.transcript(ada)) == 2


async def test_ten_pictures_at_once_of_a_new_contact_are_one_conversation(line: Line) -> None:
    ada = line.somebody()
    forms = [
        webhook(
            ada,
            "",
            f"MM{number:032d}",
            NumMedia="1",
            MessageType="image",
            MediaUrl0=f"{line.twilio.url}/2010-04-01/Accounts/AC/Messages/MM/Media/ME{number}",
            MediaContentType0="image/jpeg",
        )
        for number in range(10)
    ]
    answers = await asyncio.gather(*(posted(line, form) for form in forms))
    assert {status for status, _ in answers} == {200}
    found = await line.rows(
        "select count(distinct conversation_id) as talks, count(distinct case_id) as cases, count(*) as messages"
        " from messages where provider_message_id like 'MM0000%%'"
    )
    assert found == [{"talks": 1, "cases": 1, "messages": 10}]
    assert len(await line.rows("select 1 from messages where for_person = 'files_only'")) == 10
    await line.rows("delete from awaited_files")


@pytest.mark.parametrize("path", [MESSAGES, STATUSES])
async def test_a_forged_webhook_is_turned_away_and_counted(line: Line, path: str) -> None:
    form, sid = webhook(line.somebody(), "Hello", "SM" + "f" * 32), "SM" + "f" * 32
    status, text = await posted(line, form, path=path, token="guessed")
    assert (status, '"status":403' in text) == (403, True)
    assert await stored(line, sid) == 0
    assert (
        'csagent_webhooks_refused_total{channel="whatsapp",reason="signature"}' in (await line.web.get("/metrics")).text
    )


async def test_the_address_that_twilio_was_told_counts_not_the_one_behind_the_proxy(line: Line) -> None:
    form = webhook(line.somebody(), "Hello", "SM" + "b" * 32)
    assert (await posted(line, form, told=str(line.web.base_url)))[0] == 403
    assert (await posted(line, form, told=f"{PUBLIC}:443"))[0] == 200


async def test_the_token_before_holds_while_it_is_rotated(line: Line) -> None:
    form = webhook(line.somebody(), "Hello", "SM" + "c" * 32)
    assert (await posted(line, form, token="the-one-before"))[0] == 200


async def test_a_webhook_cut_short_is_turned_away(line: Line) -> None:
    sid = "SM" + "d" * 32
    assert (await posted(line, webhook(line.somebody(), "Hello", sid), cut=5))[0] == 403
    (truncated,) = await line.write(line.somebody(), "Hello", fault="truncated")
    assert truncated.status == 403
    assert await stored(line, sid) == 0


async def test_a_signed_webhook_that_names_no_message_says_what_is_wrong(line: Line) -> None:
    status, text = await posted(line, {"MessageStatus": "sent"}, path=STATUSES)
    assert (status, "MessageSid" in text) == (422, True)
    sent = {"MessageSid": "SM" + "9" * 32, "MessageStatus": "a-new-one"}
    assert (await posted(line, sent, path=STATUSES))[0] == 204
    assert (await posted(line, {**sent, "MessageStatus": "sent"}, path=STATUSES))[0] == 204


async def test_a_body_that_is_too_large_is_refused(line: Line) -> None:
    answer = await line.web.post(MESSAGES, content=b"a" * 300_000)
    assert answer.status_code == 413


async def test_a_kind_that_cannot_be_shown_is_a_persons_and_its_original_is_kept(line: Line) -> None:
    ada = line.somebody()
    await line.write(ada, "", MessageType="order")
    case_id = await line.case_of(ada)
    (row,) = await line.rows("select for_person from messages where case_id = %s and direction = 'in'", case_id)
    assert row["for_person"] == "unreadable"
    (file,) = await line.rows(
        "select f.ordinal, f.media_type from message_files f join messages m on m.id = f.message_id"
        " where m.case_id = %s",
        case_id,
    )
    assert (file["ordinal"], file["media_type"]) == (0, "text/plain")


async def test_who_hides_their_number_stays_one_customer(line: Line) -> None:
    ada, user_id = line.somebody(), f"US.{line.somebody()[1:]}"
    await line.write(ada, "Hello", ExternalUserId=user_id)
    await line.hears(ada)
    await line.write(user_id, "It is me")
    await line.hears(user_id)
    index = line.services.keyring.address_index
    customers = await line.rows(
        "select distinct customer_id from identities where address_index = any(%s)",
        [index("whatsapp", ada), index("whatsapp", user_id)],
    )
    assert len(customers) == 1


async def test_a_long_text_arrives_in_order_and_no_emoji_is_torn(line: Line) -> None:
    ada = line.somebody()
    flag, family = "\U0001f1e9\U0001f1ea", "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    text = " ".join(f"{number} {flag}{family} and so on." for number in range(120))
    await line.write(ada, text)
    parts = await line.hears(ada, 3)
    assert " ".join(parts) == f"echo: {text}"
    assert all(len(part.encode("utf-16-le")) // 2 <= 1_600 for part in parts)
    await asyncio.to_thread(line.twilio.settle)
    reports = await line.rows(
        "select part, parts, status from delivery_reports r join outbox o on o.id = r.outbox_id"
        " where o.case_id = %s order by part",
        await line.case_of(ada),
    )
    assert [(row["part"], row["parts"], row["status"]) for row in reports] == [
        (part, len(parts), "read") for part in range(len(parts))
    ]


async def test_a_signed_webhook_that_cannot_be_read_is_a_message_for_a_person_with_the_original_kept(
    line: Line,
) -> None:
    form = {"Body": "Hello, is anybody there?", "From": "whatsapp:"}
    for _ in range(3):  # a repetition is the same message
        assert (await posted(line, form))[0] == 200
    (kept,) = await line.rows(
        "select id from messages where for_person = 'unreadable' and left(provider_message_id, 7) = 'unread:'"
    )
    original = await line.kim.get(f"/v1/review/files/{kept['id']}/0")
    assert "is+anybody+there" in original.text
