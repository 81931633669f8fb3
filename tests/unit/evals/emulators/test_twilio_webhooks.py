"""The emulator's webhooks, received over HTTP and read by the channel that will read the real ones."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID

import pytest

from channels.whatsapp.consent import Consent
from channels.whatsapp.form import Form
from channels.whatsapp.inbound import received
from channels.whatsapp.signature import HEADER, WebhookSignature
from channels.whatsapp.statuses import Progress, Status, StatusEvent, callback_url, status_event
from evals.emulators.twilio.faults import DOUBLED, LOST, OUT_OF_ORDER, UNREAD, Life
from evals.emulators.twilio.ledger import RefusedError
from evals.emulators.twilio.resources import Media
from evals.emulators.twilio.server import AUTH_TOKEN, NUMBER, TwilioServer

PUBLIC = "https://support.example.com"
ADA = "+491701234567"
ROW = UUID(int=3)


@dataclass(frozen=True)
class Arrival:
    """A webhook as it came."""

    target: str
    body: bytes
    genuine: bool

    @property
    def form(self) -> Form:
        return Form.parse(self.body)

    @property
    def event(self) -> StatusEvent:
        event = status_event(self.form, self.target.partition("?")[2])
        assert event is not None
        return event


class Endpoint(ThreadingHTTPServer):
    """Our webhooks' place: keeps what comes, and checks it as the product will."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Keeper)
        self.arrivals: list[Arrival] = []
        self.check = WebhookSignature(public_url=PUBLIC, secrets=[AUTH_TOKEN])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Keeper(BaseHTTPRequestHandler):
    server: Endpoint

    def log_message(self, *args: Any) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        genuine = self.server.check.genuine(self.path, body, self.headers[HEADER])
        self.server.arrivals.append(Arrival(self.path, body, genuine))
        self.send_response(204 if genuine else 403)
        self.end_headers()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def twilio(endpoint: Endpoint) -> Iterator[TwilioServer]:
    with TwilioServer(
        messages_url=f"{PUBLIC}/messages", proxy=(PUBLIC, endpoint.url), pace=0.001, opt_outs=True
    ) as server:
        yield server


def reply(twilio: TwilioServer, text: str = "On its way") -> str:
    form = {
        "To": [f"whatsapp:{ADA}"],
        "From": [f"whatsapp:{NUMBER}"],
        "Body": [text],
        "StatusCallback": [callback_url(f"{PUBLIC}/statuses", ROW, 0)],
    }
    return twilio.create(form).sid


def test_what_a_customer_writes_comes_signed_for_the_public_address(twilio: TwilioServer, endpoint: Endpoint) -> None:
    (posted,) = twilio.write(ADA, "Wo ist mein Päckchen? 😀", name="Ada")
    (arrival,) = endpoint.arrivals
    assert (posted.status, posted.url, arrival.genuine) == (204, f"{PUBLIC}/messages", True)
    envelope = received(arrival.form).envelope
    assert (envelope.text, envelope.address, envelope.name) == ("Wo ist mein Päckchen? 😀", ADA, "Ada")
    assert envelope.provider_message_id == twilio.ledger.messages[0].sid


def test_a_customer_without_a_number_comes_by_user_id(twilio: TwilioServer, endpoint: Endpoint) -> None:
    twilio.write("US.13491208655302741918", "hi")
    assert received(endpoint.arrivals[0].form).envelope.address == "US.13491208655302741918"


def test_files_and_places_come_along(twilio: TwilioServer, endpoint: Endpoint) -> None:
    twilio.write(ADA, media=[Media(b"x", "image/png")], Latitude="1", Longitude="2")
    got = received(endpoint.arrivals[0].form)
    assert got.envelope.text == "[location: 1, 2]"
    assert got.media[0].url.startswith(twilio.url)
    twilio.write(ADA, media=[Media(b"x", "image/png")])
    assert received(endpoint.arrivals[1].form).envelope.text == "[image: image/png]"


def test_a_doubled_message_comes_twice_with_one_name(twilio: TwilioServer, endpoint: Endpoint) -> None:
    assert [posted.status for posted in twilio.write(ADA, "hi", fault="doubled")] == [204, 204]
    assert len({received(arrival.form).envelope.provider_message_id for arrival in endpoint.arrivals}) == 1


def test_a_replay_is_the_same_bytes(twilio: TwilioServer, endpoint: Endpoint) -> None:
    twilio.write(ADA, "hi", fault="replayed")
    assert endpoint.arrivals[0] == endpoint.arrivals[1]
    assert endpoint.arrivals[1].genuine


@pytest.mark.parametrize("fault", ["forged", "truncated"])
def test_a_forged_or_truncated_message_is_turned_away(twilio: TwilioServer, endpoint: Endpoint, fault: Any) -> None:
    (posted,) = twilio.write(ADA, "hi", fault=fault)
    assert (posted.status, endpoint.arrivals[0].genuine) == (403, False)


def test_statuses_come_in_order_with_the_outbox_row(twilio: TwilioServer, endpoint: Endpoint) -> None:
    twilio.write(ADA, "hi")
    sid = reply(twilio)
    twilio.settle()
    events = [arrival.event for arrival in endpoint.arrivals[1:]]
    assert all(arrival.genuine for arrival in endpoint.arrivals)
    assert [event.progress.status for event in events] == [Status.SENT, Status.DELIVERED, Status.READ]
    assert {(event.provider_message_id, event.delivery_id, event.address) for event in events} == {(sid, ROW, ADA)}


@pytest.mark.parametrize(
    ("life", "count", "end"),
    [
        (UNREAD, 2, Status.DELIVERED),
        (OUT_OF_ORDER, 3, Status.READ),
        (DOUBLED, 7, Status.READ),
        (Life(("failed", "delivered"), 63018), 2, Status.DELIVERED),
    ],
)
def test_however_statuses_come_they_end_the_same(
    twilio: TwilioServer, endpoint: Endpoint, life: Life, count: int, end: Status
) -> None:
    twilio.write(ADA, "hi")
    twilio.lives(life)
    reply(twilio)
    twilio.settle()
    reports = [arrival.event.progress for arrival in endpoint.arrivals[1:]]
    assert len(reports) == count
    assert reduce(lambda known, report: known.after(report), reports).status is end


def test_lost_statuses_never_come(twilio: TwilioServer, endpoint: Endpoint) -> None:
    twilio.write(ADA, "hi")
    twilio.lives(LOST)
    reply(twilio)
    twilio.settle()
    assert (len(endpoint.arrivals), twilio.sent[0].status) == (1, "queued")


def test_a_text_outside_the_window_fails_by_a_status(twilio: TwilioServer, endpoint: Endpoint) -> None:
    reply(twilio)
    twilio.settle()
    (arrival,) = endpoint.arrivals
    assert arrival.event.progress == Progress(Status.FAILED, 63016)


def test_stop_holds_until_start(twilio: TwilioServer, endpoint: Endpoint) -> None:
    twilio.write(ADA, "STOP")
    with pytest.raises(RefusedError) as refused:
        reply(twilio)
    assert refused.value.code == 21610
    twilio.write(ADA, "start")
    reply(twilio)
    twilio.settle()
    wishes = [received(arrival.form).consent for arrival in endpoint.arrivals[:2]]
    assert wishes == [Consent.STOP, Consent.START]


def test_an_endpoint_that_is_away_is_told_in_the_log() -> None:
    with TwilioServer(messages_url="http://127.0.0.1:1/messages") as twilio:
        (posted,) = twilio.write(ADA, "hi")
        assert (posted.status, twilio.posted) == (None, [posted])


def test_nobody_can_write_to_an_address_that_is_not_set() -> None:
    with TwilioServer() as twilio, pytest.raises(ValueError, match="messages_url is not set"):
        twilio.write(ADA, "hi")
