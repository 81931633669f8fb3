"""Sending through the emulator with the real SDK: the result says what is known, and no more."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx
import pytest

from channels.envelope import (
    Absent,
    Accepted,
    Arrived,
    ArrivedPartly,
    Deferred,
    Delivery,
    DeliveryKind,
    File,
    Reconciled,
    Refused,
    SendResult,
    Undecided,
    Unknown,
)
from channels.protocol import OutboundChannel
from channels.whatsapp import WHATSAPP
from channels.whatsapp.account import Account
from channels.whatsapp.outbound import WhatsAppOutbound
from channels.whatsapp.pace import Pace
from channels.whatsapp.reconciliation import Reconciliation
from channels.whatsapp.refusals import INVITED, WINDOW_CLOSED, refusal
from channels.whatsapp.sender import Link, Sender, no_link
from channels.whatsapp.window import Template
from evals.emulators.twilio.faults import (
    LOST,
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
from skills.turn import ConversationId, MessageId

ADA = "+491701234567"
TEMPLATES = {
    "HX" + "1" * 32: "News from us: {{1}}",
    "HX" + "2" * 32: "We have an answer for you. Write to us to get it.",
}
CARRYING, INVITING = (Template(sid) for sid in TEMPLATES)
CARRYING = replace(CARRYING, text_variable="1")


def delivery(text: str = "It is on its way.", address: str = ADA) -> Delivery:
    return Delivery(
        id=UUID(int=5),
        message_id=MessageId(UUID(int=6)),
        conversation_id=ConversationId(UUID(int=7)),
        channel=WHATSAPP,
        text=text,
        address=address,
        attempt=1,
    )


@dataclass
class Memory:
    """When the customer last wrote."""

    moment: datetime | None = field(default_factory=lambda: datetime.now(UTC))

    stopped: bool = False

    async def last_heard(self, _conversation_id: ConversationId) -> datetime | None:
        return self.moment

    async def opted_out(self, _address: str) -> bool:
        return self.stopped


@pytest.fixture
def twilio() -> Iterator[TwilioServer]:
    with TwilioServer(templates=TEMPLATES) as server:
        server.lives(otherwise=LOST)
        server.ledger.receive(f"whatsapp:{ADA}", "Where is my order?", ())
        yield server


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False) as client:
        yield client


class Line:
    """A way to the emulator: sends, and looks for what was sent."""

    def __init__(self, twilio: TwilioServer, http: httpx.AsyncClient) -> None:
        self.http = http
        self.account = Account(ACCOUNT_SID, AUTH_TOKEN, base_url=twilio.url)
        self.sender = Sender(NUMBER)
        self.pace: Pace | None = None
        self.link: Link = no_link

    def outbound(self, heard: Memory | None = None) -> WhatsAppOutbound:
        known = heard or Memory()
        return WhatsAppOutbound(self.account, self.http, self.sender, known, self._pace(), self.link, deadline=0.5)

    def _pace(self) -> Pace:
        self.pace = self.pace or Pace(1_000)
        return self.pace

    async def send(self, delivery: Delivery, heard: Memory | None = None) -> SendResult:
        return await self.outbound(heard).send(delivery)

    async def look(
        self, delivery: Delivery, since: datetime, known: tuple[str, ...] = (), *, minutes: int = 5
    ) -> Reconciled:
        reconciliation = Reconciliation(
            self.account, self.http, self.sender, lambda: datetime.now(UTC) + timedelta(minutes=minutes)
        )
        return await reconciliation.reconcile(delivery, handed_over_at=since, known=known)


@pytest.fixture
def line(twilio: TwilioServer, http: httpx.AsyncClient) -> Line:
    return Line(twilio, http)


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


async def test_a_part_that_fails_makes_the_whole_unknown_and_the_rest_is_found_missing(
    twilio: TwilioServer, line: Line
) -> None:
    began = datetime.now(UTC)
    long = delivery("\n\n".join(letter * 1_000 for letter in "abc"))
    twilio.script(Answer(), rate_limited(retry_after=60))
    assert await line.send(long) == Unknown("sent 1 of 3, then rate_limited (20429)")
    assert await line.look(long, began) == ArrivedPartly((twilio.sent[0].sid,), ("b" * 1_000, "c" * 1_000))


async def test_an_unknown_text_that_was_taken_is_found(twilio: TwilioServer, line: Line) -> None:
    began = datetime.now(UTC)
    twilio.script(Drop())
    assert isinstance(await line.send(delivery()), Unknown)
    found = await line.look(delivery(), began, minutes=0)
    assert found == Arrived((twilio.sent[0].sid,))


async def test_an_unknown_text_that_was_not_taken_is_absent_once_it_can_no_longer_turn_up(
    twilio: TwilioServer, line: Line
) -> None:
    began = datetime.now(UTC)
    twilio.script(Drop(taken=False))
    assert isinstance(await line.send(delivery()), Unknown)
    at_once = await line.look(delivery(), began, minutes=0)
    assert at_once == Undecided("it may still turn up", again=True)
    assert await line.look(delivery(), began) == Absent()


async def test_an_equal_text_of_another_row_or_an_earlier_day_is_not_taken_for_it(
    twilio: TwilioServer, line: Line
) -> None:
    earlier = await line.send(delivery())
    assert isinstance(earlier, Accepted)
    began = datetime.now(UTC)
    found = await line.look(delivery(), began, (earlier.provider_message_id or "",))
    assert found == Absent()
    twilio.sent[0].created -= timedelta(days=1)
    assert await line.look(delivery(), began) == Absent()


async def test_the_search_looks_far_back_up_to_its_limit(twilio: TwilioServer, line: Line) -> None:
    began = datetime.now(UTC)
    form = {"To": [f"whatsapp:{ADA}"], "From": [f"whatsapp:{NUMBER}"]}
    wanted = twilio.create({**form, "Body": ["It is on its way."]})
    for number in range(150):
        twilio.create({**form, "Body": [f"other {number}"]})
    assert await line.look(delivery(), began) == Arrived((wanted.sid,))
    for number in range(900):
        twilio.create({**form, "Body": [f"more {number}"]})
    found = await line.look(delivery(), began)
    assert found == Undecided("more than 1000 messages with this customer", again=False)


async def test_a_text_that_may_stand_in_a_template_is_a_persons_to_decide(twilio: TwilioServer, line: Line) -> None:
    line.sender, began = Sender(NUMBER, template=CARRYING), datetime.now(UTC)
    twilio.script(Drop())
    assert isinstance(await line.send(delivery(), Memory(None)), Unknown)
    found = await line.look(delivery(), began)
    assert found == Undecided("1 other messages may be it, as a template", again=False)


@pytest.mark.parametrize("behaviour", [server_error(), Drop(), Truncate()])
async def test_a_list_that_cannot_be_read_decides_nothing(
    twilio: TwilioServer, line: Line, behaviour: Behaviour
) -> None:
    twilio.script(behaviour)
    found = await line.look(delivery(), datetime.now(UTC))
    assert isinstance(found, Undecided)
    assert found.again


async def test_a_blank_text_was_never_sent(line: Line) -> None:
    assert await line.look(delivery(" "), datetime.now(UTC)) == Absent()


async def test_many_texts_go_out_side_by_side(twilio: TwilioServer, line: Line) -> None:
    results = await asyncio.gather(*(line.send(delivery(f"text {number}")) for number in range(10)))
    assert {result.provider_message_id for result in results if isinstance(result, Accepted)} == {
        message.sid for message in twilio.sent
    }


def letter(*files: File, kind: DeliveryKind = "reply", text: str = "Here it is.") -> Delivery:
    return replace(delivery(text), kind=kind, files=files, author="human")


PICTURE = File("a.png", "image/png", 3, b"png")


async def test_a_file_goes_out_after_the_text_from_where_twilio_can_get_it(twilio: TwilioServer, line: Line) -> None:
    line.link = lambda _message, ordinal: f"https://support.example.com/v1/files/{ordinal}"
    result = await line.send(letter(PICTURE, PICTURE))
    assert result == Accepted(twilio.sent[0].sid)
    assert [(message.body, message.media_urls) for message in twilio.sent] == [
        ("Here it is.", ()),
        ("", ("https://support.example.com/v1/files/1",)),
        ("", ("https://support.example.com/v1/files/2",)),
    ]


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        (PICTURE, "files_cannot_be_sent"),
        (replace(PICTURE, size=6 * 1_048_576), "file_too_large"),
        (File("a.pdf", "application/pdf", 17 * 1_048_576, b""), "file_too_large"),
    ],
)
async def test_a_file_that_cannot_go_out_keeps_the_whole_back(
    twilio: TwilioServer, line: Line, file: File, reason: str
) -> None:
    assert await line.send(letter(file)) == Refused(reason, retry=False)
    assert twilio.calls == []


async def test_a_file_does_not_fit_into_a_template(twilio: TwilioServer, line: Line) -> None:
    line.sender = Sender(NUMBER, template=CARRYING)
    assert await line.send(letter(PICTURE), Memory(None)) == Refused(WINDOW_CLOSED, retry=False)
    assert twilio.calls == []


async def test_files_that_were_taken_are_found_again(twilio: TwilioServer, line: Line) -> None:
    line.link = lambda _message, ordinal: f"https://support.example.com/v1/files/{ordinal}"
    began, sent = datetime.now(UTC), letter(PICTURE, PICTURE)
    twilio.script(Answer(), Answer(), Drop(taken=False))
    assert isinstance(await line.send(sent), Unknown)
    sids = tuple(message.sid for message in twilio.sent)
    assert await line.look(sent, began) == ArrivedPartly(sids, ("a.png",))


async def test_who_wrote_stop_gets_nothing_but_the_confirmation(twilio: TwilioServer, line: Line) -> None:
    assert await line.send(delivery(), Memory(stopped=True)) == Refused("opted_out", retry=False)
    assert await line.send(letter(kind="code"), Memory(stopped=True)) == Refused("opted_out", retry=False)
    assert twilio.calls == []
    assert isinstance(await line.send(letter(kind="consent"), Memory(stopped=True)), Accepted)


async def test_a_code_goes_out_in_its_own_template_or_not_at_all(twilio: TwilioServer, line: Line) -> None:
    code = letter(kind="code", text="Your code is 424242. It is good for ten minutes.")
    assert await line.send(code, Memory(None)) == Refused("no_code_template", retry=False)
    line.sender = Sender(NUMBER, code_template=CARRYING)
    assert isinstance(await line.send(code, Memory(None)), Accepted)
    assert json.loads(twilio.calls[0].form["ContentVariables"][0]) == {"1": "424242"}
    line.sender = Sender(NUMBER, code_template=INVITING)
    assert await line.send(code, Memory(None)) == Refused("no_code_template", retry=False)


async def test_a_short_rest_in_the_middle_of_a_text_is_waited_out(twilio: TwilioServer, line: Line) -> None:
    line.pace = Pace(1_000)
    twilio.script(Answer(), rate_limited())
    long = delivery("\n\n".join(letter_ * 1_000 for letter_ in "abc"))
    assert await line.send(long) == Accepted(twilio.sent[0].sid)
    assert [message.body[0] for message in twilio.sent] == ["a", "b", "c"]


async def test_a_text_too_far_back_in_the_line_is_put_off_without_an_attempt(twilio: TwilioServer, line: Line) -> None:
    line.pace = Pace(0.01, burst=1)
    assert isinstance(await line.send(delivery()), Accepted)
    result = await line.send(delivery())
    assert isinstance(result, Deferred)
    assert (result.reason, 90 < result.seconds <= 100, len(twilio.calls)) == ("paced", True, 1)


async def test_an_invitation_reports_nothing_about_the_text(twilio: TwilioServer, line: Line) -> None:
    line.sender = Sender(NUMBER, status_callback="https://support.example.com/s", template=INVITING)
    assert await line.send(delivery(), Memory(None)) == Refused(INVITED, retry=False)
    assert twilio.sent[0].status_callback is None
