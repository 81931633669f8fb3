"""The emulator's API, held against Twilio's own SDK: the SDK reads what it answers, and every property is there."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest.api.v2010.account import message as sdk
from twilio.rest.api.v2010.account.message import media as sdk_media

from channels.whatsapp.account import Account
from evals.emulators.twilio.faults import LOST, Answer, Truncate, failing
from evals.emulators.twilio.ledger import _PARAMETERS
from evals.emulators.twilio.resources import Media, media_json, message_json
from evals.emulators.twilio.server import ACCOUNT_SID, AUTH_TOKEN, NUMBER, TwilioServer

ADA = "whatsapp:+491701234567"
OURS = f"whatsapp:{NUMBER}"
PICTURE = Media(b"\xff\xd8\xff", "image/jpeg")


class Clock:
    def __init__(self) -> None:
        self.moment = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def twilio(clock: Clock) -> Iterator[TwilioServer]:
    with TwilioServer(clock=clock, templates={"HX1": "Hello {{1}}"}) as server:
        server.ledger.receive(ADA, "hello", (PICTURE,))
        yield server


@pytest.fixture
async def messages(twilio: TwilioServer) -> Any:
    async with httpx.AsyncClient(trust_env=False) as http:
        yield Account(ACCOUNT_SID, AUTH_TOKEN, base_url=twilio.url).messages(http)


def read_by(resource: Any) -> set[str]:
    """The properties that a resource of the SDK reads from its JSON."""
    return set(re.findall(r'payload\.get\(\s*"(\w+)"', inspect.getsource(resource.__init__)))


def test_a_message_has_every_property_that_the_sdk_reads_and_no_other(twilio: TwilioServer) -> None:
    assert set(message_json(twilio.ledger.messages[0])) == read_by(sdk.MessageInstance)


def test_a_file_has_every_property_that_the_sdk_reads_and_no_other(twilio: TwilioServer) -> None:
    assert set(media_json(twilio.ledger.messages[0], PICTURE)) == read_by(sdk_media.MediaInstance)


def test_every_parameter_that_the_sdk_can_send_is_known() -> None:
    assert set(re.findall(r'"([A-Z]\w+)":', inspect.getsource(sdk.MessageList._create))) == _PARAMETERS


async def test_the_sdk_reads_a_message_back_with_its_types(twilio: TwilioServer, messages: Any, clock: Clock) -> None:
    created = await messages.create_async(to=ADA, from_=OURS, body="On its way", status_callback="http://[::1]:1/s")
    assert (created.status, created.direction, created.num_media) == ("queued", "outbound-api", "0")
    assert (created.date_created, created.date_sent, created.error_code) == (clock.moment, None, None)
    twilio.settle()
    fetched = await messages(created.sid).fetch_async()
    assert (fetched.status, fetched.body, fetched.to, fetched.from_) == ("read", "On its way", ADA, OURS)
    assert (fetched.date_sent, fetched.date_updated) == (clock.moment, clock.moment)


async def test_a_text_after_a_day_is_taken_and_fails_afterwards(
    twilio: TwilioServer, messages: Any, clock: Clock
) -> None:
    clock.moment += timedelta(hours=24)
    created = await messages.create_async(to=ADA, from_=OURS, body="too late")
    assert created.status == "queued"
    twilio.settle()
    fetched = await messages(created.sid).fetch_async()
    assert (fetched.status, fetched.error_code) == ("failed", 63016)


async def test_a_template_is_delivered_after_a_day(twilio: TwilioServer, messages: Any, clock: Clock) -> None:
    clock.moment += timedelta(days=9)
    created = await messages.create_async(to=ADA, from_=OURS, content_sid="HX1", content_variables='{"1": "Ada"}')
    twilio.settle()
    fetched = await messages(created.sid).fetch_async()
    assert (fetched.status, fetched.body) == ("read", "Hello Ada")


async def test_a_message_can_fail_for_any_reason(twilio: TwilioServer, messages: Any) -> None:
    twilio.lives(failing(63018))
    created = await messages.create_async(to=ADA, from_=OURS, body="x")
    following = await messages.create_async(to=ADA, from_=OURS, body="y")
    twilio.settle()
    assert (await messages(created.sid).fetch_async()).error_code == 63018
    assert (await messages(following.sid).fetch_async()).status == "read"


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"to": ""}, 21604),
        ({"to": "whatsapp:+0"}, 21211),
        ({"to": "+491701234567"}, 21211),
        ({"from_": ""}, 21603),
        ({"from_": NUMBER}, 21910),
        ({"from_": "whatsapp:+15005550006"}, 63007),
        ({"body": ""}, 21619),
        ({"body": "a" * 1_601}, 21617),
        ({"status_callback": "nowhere"}, 21609),
        ({"media_url": ["file:///x"]}, 21609),
        ({"content_sid": "HX9"}, 21655),
        ({"content_sid": "HX1", "content_variables": "{"}, 21656),
        ({"content_sid": "HX1", "content_variables": '{"1": 5}'}, 21656),
        ({"content_sid": "HX1", "content_variables": '{"1": "two\\nlines"}'}, 21656),
    ],
)
async def test_what_cannot_be_sent_is_refused_with_twilios_code(
    twilio: TwilioServer, messages: Any, parameters: dict[str, Any], code: int
) -> None:
    with pytest.raises(TwilioRestException) as refused:
        await messages.create_async(**{"to": ADA, "from_": OURS, "body": "hello", **parameters})
    assert (refused.value.code, refused.value.status) == (code, 400)
    assert twilio.sent == []


def test_an_error_has_twilios_form_and_unknown_parameters_are_one(twilio: TwilioServer) -> None:
    url = f"{twilio.url}/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json"
    answer = httpx.post(url, data={"Too": ADA}, auth=(ACCOUNT_SID, AUTH_TOKEN), trust_env=False)
    assert answer.json() == {
        "code": 20001,
        "message": "Unknown parameters: Too",
        "more_info": "https://www.twilio.com/docs/errors/20001",
        "status": 400,
    }


@pytest.mark.parametrize("header", [None, "Bearer x", "Basic !", "Basic eDp5"])
def test_nothing_is_told_without_the_right_credentials(twilio: TwilioServer, header: str | None) -> None:
    url = f"{twilio.url}/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json"
    answer = httpx.get(url, headers={} if header is None else {"Authorization": header}, trust_env=False)
    assert (answer.status_code, answer.json()["code"]) == (401, 20003)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "Messages/SM404.json"),
        ("GET", "Calls.json"),
        ("POST", "Messages/SM404.json"),
        ("GET", "Messages/{sid}/Media/ME404.json"),
    ],
)
def test_what_is_not_there_is_not_found(twilio: TwilioServer, method: str, path: str) -> None:
    path = path.format(sid=twilio.ledger.messages[0].sid)
    url = f"{twilio.url}/2010-04-01/Accounts/{ACCOUNT_SID}/{path}"
    answer = httpx.request(method, url, auth=(ACCOUNT_SID, AUTH_TOKEN), trust_env=False)
    assert (answer.status_code, answer.json()["code"]) == (404, 20404)


async def test_lists_come_newest_first_and_page_by_page(twilio: TwilioServer, messages: Any) -> None:
    for number in range(5):
        await messages.create_async(to=ADA, from_=OURS, body=str(number))
    listed = await messages.list_async(to=ADA, from_=OURS, page_size=2)
    assert [message.body for message in listed] == ["4", "3", "2", "1", "0"]
    assert len([call for call in twilio.calls if call.method == "GET"]) == 3
    first = await messages.page_async(page_size=2)
    second = await first.next_page_async()
    assert second.previous_page_url is not None
    assert [message.body for message in second] == ["2", "1"]


async def test_lists_know_senders_and_dates(twilio: TwilioServer, messages: Any, clock: Clock) -> None:
    await messages.create_async(to=ADA, from_=OURS, body="sent")
    twilio.settle()
    twilio.lives(otherwise=LOST)
    await messages.create_async(to=ADA, from_=OURS, body="waits")

    async def bodies(**asked: Any) -> list[str]:
        return [message.body for message in await messages.list_async(**asked)]

    assert await bodies(from_=ADA) == ["hello"]
    assert await bodies(to=ADA, date_sent_after=clock.moment) == ["sent"]
    assert await bodies(to=ADA, date_sent_after=clock.moment + timedelta(seconds=1)) == []
    assert await bodies(to=ADA, date_sent_before=clock.moment) == ["sent"]
    assert await bodies(to=ADA, date_sent_before="2026-03-01") == ["sent"]
    assert await bodies(to=ADA, date_sent="2026-03-01") == ["sent"]
    assert await bodies(to=ADA, date_sent="2026-02-28") == []


@pytest.mark.parametrize("query", ["DateSent=yesterday", "PageSize=0", "PageSize=x", "Page=-1"])
def test_a_list_that_cannot_be_is_refused(twilio: TwilioServer, query: str) -> None:
    url = f"{twilio.url}/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json?{query}"
    assert httpx.get(url, auth=(ACCOUNT_SID, AUTH_TOKEN), trust_env=False).status_code == 400


async def test_files_are_listed_and_read_by_the_sdk(twilio: TwilioServer, messages: Any) -> None:
    (listed,) = await messages(twilio.ledger.messages[0].sid).media.list_async()
    assert (listed.sid, listed.content_type) == (PICTURE.sid, "image/jpeg")
    fetched = await messages(listed.parent_sid).media(listed.sid).fetch_async()
    assert fetched.uri == listed.uri


def test_a_file_is_behind_a_redirect_that_must_not_see_our_credentials(twilio: TwilioServer) -> None:
    url = f"{twilio.url}{twilio.ledger.messages[0].uri}/Media/{PICTURE.sid}"
    with httpx.Client(trust_env=False) as http:
        assert http.get(url).status_code == 401
        answer = http.get(url, auth=(ACCOUNT_SID, AUTH_TOKEN))
        assert (answer.status_code, answer.content) == (307, b"")
        store = answer.headers["Location"]
        assert http.get(store, auth=(ACCOUNT_SID, AUTH_TOKEN)).status_code == 400
        file = http.get(store)
        assert (file.content, file.headers["Content-Type"]) == (PICTURE.content, "image/jpeg")
        assert http.get(f"{twilio.url}/media-store/ME404").status_code == 404


async def test_every_request_is_logged_also_one_that_goes_wrong(twilio: TwilioServer, messages: Any) -> None:
    twilio.script(Truncate())
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        await messages.create_async(to=ADA, from_=OURS, body="one")
    twilio.otherwise(Answer())
    await messages.create_async(to=ADA, from_=OURS, body="two")
    assert [call.form["Body"] for call in twilio.calls] == [["one"], ["two"]]
    assert [message.body for message in twilio.sent] == ["one", "two"]
