"""Sending through the emulator with the real SDK: the result says what is known, and no more."""

from __future__ import annotations

import asyncio
import json
import socket
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx
import pytest

from channels.envelope import (
    Accepted,
    Refused,
    SendResult,
    Unknown,
)
from channels.protocol import OutboundChannel
from channels.whatsapp import WHATSAPP
from channels.whatsapp.account import Account
from channels.whatsapp.outbound import WhatsAppOutbound
from channels.whatsapp.refusals import INVITED, WINDOW_CLOSED, refusal
from channels.whatsapp.sender import Sender
from evals.emulators.twilio.faults import (
    Answer,
    Behaviour,
    Drop,
    Fail,
    Hang,
    Truncate,
    rate_limited,
    server_error,
    unavailable,
)
from evals.emulators.twilio.server import ACCOUNT_SID, AUTH_TOKEN, NUMBER, TwilioServer
from tests.unit.channels.whatsapp.conftest import ADA, CARRYING, INVITING, TEMPLATES, Line, Memory, delivery


async def test_a_text_is_sent_as_it_stands(twilio: TwilioServer, line: Line) -> None:
    channel: OutboundChannel = line.outbound()
    result = await channel.send(delivery())
    (message,) = twilio.sent
    assert result == Accepted(message.sid)
    assert (message.body, message.to, message.from_) == ("It is on its way.", f"whatsapp:{ADA}", f"whatsapp:{NUMBER}")
    assert (channel.name, channel.repeatable) == (WHATSAPP, False)


async def test_a_user_id_is_an_address_as_good_as_a_number(twilio: TwilioServer, line: Line) -> None:
    assert isinstance(await line.send(delivery(address="US.13491208655302741918")), Accepted)
    assert twilio.sent[0].to == "whatsapp:US.13491208655302741918"


async def test_the_status_callback_names_the_outbox_row(twilio: TwilioServer, line: Line) -> None:
    line.sender = Sender(NUMBER, status_callback="https://support.example.com/s")
    await line.send(delivery())
    asked = parse_qs(urlsplit(twilio.sent[0].status_callback or "").query)
    assert asked == {"delivery": [str(UUID(int=5))], "part": ["0"], "of": ["1"]}


async def test_a_messaging_service_goes_along(twilio: TwilioServer, line: Line) -> None:
    line.sender = Sender(NUMBER, messaging_service_sid="MG" + "0" * 32)
    await line.send(delivery())
    assert (twilio.sent[0].messaging_service_sid, twilio.sent[0].status) == ("MG" + "0" * 32, "accepted")


async def test_a_long_text_is_sent_in_parts_in_order(twilio: TwilioServer, line: Line) -> None:
    paragraphs = [letter * 1_000 for letter in "abc"]
    result = await line.send(delivery("\n\n".join(paragraphs)))
    assert [message.body for message in twilio.sent] == paragraphs
    assert result == Accepted(twilio.sent[0].sid)


async def test_a_blank_text_is_refused_and_nothing_is_asked(twilio: TwilioServer, line: Line) -> None:
    assert await line.send(delivery(" \n")) == Refused("empty_text", retry=False)
    assert twilio.calls == []


@pytest.mark.parametrize("moment", [None, datetime(2026, 1, 1, tzinfo=UTC)])
async def test_a_closed_window_without_a_template_is_a_refusal(
    twilio: TwilioServer, line: Line, moment: datetime | None
) -> None:
    assert await line.send(delivery(), Memory(moment)) == Refused(WINDOW_CLOSED, retry=False)
    assert twilio.calls == []


async def test_a_template_carries_the_text_through_a_closed_window(twilio: TwilioServer, line: Line) -> None:
    line.sender = Sender(NUMBER, template=CARRYING)
    result = await line.send(delivery("On\nits way"), Memory(None))
    assert result == Accepted(twilio.sent[0].sid)
    assert twilio.sent[0].body == "News from us: On its way"
    assert json.loads(twilio.calls[0].form["ContentVariables"][0]) == {"1": "On its way"}


async def test_a_text_that_the_template_cannot_carry_is_a_refusal(twilio: TwilioServer, line: Line) -> None:
    line.sender = Sender(NUMBER, template=CARRYING)
    result = await line.send(delivery("a" * 1_100), Memory(None))
    assert (result, twilio.calls) == (Refused(WINDOW_CLOSED, retry=False), [])


async def test_an_invitation_is_sent_but_the_text_is_not(twilio: TwilioServer, line: Line) -> None:
    line.sender = Sender(NUMBER, template=INVITING)
    result = await line.send(delivery(), Memory(None))
    assert result == Refused(INVITED, retry=False)
    assert [message.body for message in twilio.sent] == [TEMPLATES[INVITING.content_sid]]


async def test_an_invitation_with_an_unknown_end_is_not_sent_again(twilio: TwilioServer, line: Line) -> None:
    twilio.script(Drop())
    line.sender = Sender(NUMBER, template=INVITING)
    assert await line.send(delivery(), Memory(None)) == Refused(WINDOW_CLOSED, retry=False)
    assert len(twilio.sent) == 1


async def test_an_invitation_that_failed_says_how(twilio: TwilioServer, line: Line) -> None:
    twilio.script(rate_limited())
    line.sender = Sender(NUMBER, template=INVITING)
    result = await line.send(delivery(), Memory(None))
    assert result == Refused("rate_limited (20429)", retry=True, seconds=1.0)


@pytest.mark.parametrize(
    ("behaviour", "result", "taken"),
    [
        (rate_limited(), Refused("rate_limited (20429)", retry=True, seconds=1.0), 0),
        (rate_limited(retry_after=40), Refused("rate_limited (20429)", retry=True, seconds=40.0), 0),
        (Fail(400, 63018, "Rate limit exceeded for Channel"), Refused("rate_limited (63018)", retry=True), 0),
        (Fail(400, 99999, "new"), Refused("refused (99999)", retry=False), 0),
        (Fail(408, 20408, "Request timeout"), Unknown("answered 408"), 0),
        (server_error(), Unknown("answered 500"), 0),
        (server_error(taken=True), Unknown("answered 500"), 1),
        (unavailable(), Unknown("answered 503"), 0),
        (Hang(), Unknown("no answer: TimeoutError"), 1),
        (Hang(taken=False), Unknown("no answer: TimeoutError"), 0),
        (Drop(), Unknown("no answer: RemoteProtocolError"), 1),
        (Truncate(), Unknown("unreadable answer: JSONDecodeError"), 1),
        (Answer(pause=5), Unknown("no answer: TimeoutError"), 0),
    ],
)
async def test_a_fault_is_told_for_what_it_is_and_never_repeated(
    twilio: TwilioServer, line: Line, behaviour: Behaviour, result: SendResult, taken: int
) -> None:
    twilio.script(behaviour)
    if result == Unknown("no answer: TimeoutError"):
        line.deadline = 1.0
    assert await line.send(delivery()) == result
    assert (len(twilio.calls), len(twilio.sent)) == (1, taken)


@pytest.mark.parametrize(
    ("wrong", "address", "result"),
    [
        ({"secret": "wrong"}, ADA, Refused("not_authorised (20003)", retry=True)),
        ({"number": "+15005550006"}, ADA, Refused("invalid_sender (63007)", retry=True)),
        ({}, "+0", Refused("invalid_address (21211)", retry=False)),
        ({"status_callback": "nowhere"}, ADA, Refused("invalid_status_callback (21609)", retry=True)),
    ],
)
async def test_what_twilio_refuses_is_refused_with_a_reason(
    twilio: TwilioServer, line: Line, wrong: dict[str, str], address: str, result: Refused
) -> None:
    line.account = replace(line.account, secret=wrong.get("secret", AUTH_TOKEN))
    line.sender = Sender(wrong.get("number", NUMBER), wrong.get("status_callback"))
    assert await line.send(delivery(address=address)) == result
    assert twilio.sent == []


async def test_who_opted_out_gets_nothing(twilio: TwilioServer, line: Line) -> None:
    twilio.ledger.opted_out.add(f"whatsapp:{ADA}")
    assert await line.send(delivery()) == Refused("opted_out (21610)", retry=False)


def test_codes_that_nobody_knows_follow_the_http_status() -> None:
    assert refusal(None, 429) == Refused("rate_limited (429)", retry=True)
    assert refusal(None, 403) == Refused("not_authorised (403)", retry=True)
    assert refusal(None) == Refused("refused (400)", retry=False)


async def test_no_connection_is_worth_another_attempt(line: Line) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        line.account = replace(line.account, base_url=f"http://127.0.0.1:{closed.getsockname()[1]}")
        result = await line.send(delivery())
    assert result == Refused("not connected: ConnectError", retry=True)
    line.account = replace(line.account, base_url="http://127.0.0.1:x")
    assert await line.send(delivery()) == Refused("not connected: InvalidURL", retry=True)


@pytest.mark.parametrize(
    ("error", "result"),
    [
        ({"code": ["x"], "message": "m"}, Refused("refused (['x'])", retry=False)),
        ({"type": "t", "title": "m", "status": "x", "code": 5}, Unknown("answered x")),
        ({"type": "t", "title": "m", "status": 400, "code": 21610}, Refused("opted_out (21610)", retry=False)),
        ("no object", Refused("refused (400)", retry=False)),
    ],
)
async def test_an_error_of_another_form_is_read_as_far_as_it_goes(error: object, result: SendResult) -> None:
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(400, json=error))) as http:
        channel = WhatsAppOutbound(Account(ACCOUNT_SID, "x"), http, Sender(NUMBER), Memory())
        assert await channel.send(delivery()) == result


@pytest.mark.parametrize("body", [b"[]", b'"x"', b"{}", b'{"sid": 7}', b'{"sid": "SM1", "date_sent": 5}', b""])
async def test_an_answer_of_another_form_is_no_answer(body: bytes) -> None:
    strange = httpx.MockTransport(lambda _: httpx.Response(201, content=body))
    async with httpx.AsyncClient(transport=strange) as http:
        channel = WhatsAppOutbound(Account(ACCOUNT_SID, "x"), http, Sender(NUMBER), Memory())
        result = await channel.send(delivery())
    assert isinstance(result, Unknown)
    assert result.reason.startswith("unreadable answer")


async def test_a_message_that_is_born_failed_is_refused() -> None:
    failed = httpx.MockTransport(
        lambda _: httpx.Response(201, json={"sid": "SM1", "status": "failed", "error_code": 63024})
    )
    async with httpx.AsyncClient(transport=failed) as http:
        channel = WhatsAppOutbound(Account(ACCOUNT_SID, "x"), http, Sender(NUMBER), Memory())
        assert await channel.send(delivery()) == Refused("not_on_whatsapp (63024)", retry=False)


async def test_without_a_base_url_the_request_goes_to_twilio_with_an_api_key() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(201, json={"sid": "SM1", "status": "queued"})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        account = Account(ACCOUNT_SID, "x", username="SK1")
        assert "x" not in repr(account).partition("secret")[2]
        assert await WhatsAppOutbound(account, http, Sender(NUMBER), Memory()).send(delivery()) == Accepted("SM1")
    assert str(seen[0].url) == f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json"
    assert seen[0].headers["Authorization"] == httpx.BasicAuth("SK1", "x")._auth_header


async def test_many_texts_go_out_side_by_side(twilio: TwilioServer, line: Line) -> None:
    results = await asyncio.gather(*(line.send(delivery(f"text {number}")) for number in range(10)))
    assert {result.provider_message_id for result in results if isinstance(result, Accepted)} == {
        message.sid for message in twilio.sent
    }
