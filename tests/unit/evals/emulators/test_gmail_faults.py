from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from evals.emulators.gmail.emulator import GmailEmulator
from evals.emulators.gmail.faults import (
    BACKEND,
    EXPIRED_TOKEN,
    NOT_FOUND_YET,
    RATE_LIMIT,
    TOO_MANY,
    UNAVAILABLE,
    USER_RATE_LIMIT,
    Drop,
    Fail,
    Hang,
    Truncate,
    Work,
)
from tests.unit.evals.emulators.gmail_clients import a_mail, an_answer, as_raw, plain_client

SEND = "gmail.users.messages.send"
MAIL = {"raw": as_raw(an_answer())}


@pytest.fixture
def gmail() -> Iterator[GmailEmulator]:
    with GmailEmulator() as running:
        yield running


@pytest.fixture
def client(gmail: GmailEmulator) -> Iterator[httpx.Client]:
    with plain_client(gmail) as opened:
        yield opened


@pytest.mark.parametrize(
    ("fault", "status", "reason", "state"),
    [
        (EXPIRED_TOKEN, 401, "authError", "UNAUTHENTICATED"),
        (RATE_LIMIT, 403, "rateLimitExceeded", "PERMISSION_DENIED"),
        (USER_RATE_LIMIT, 403, "userRateLimitExceeded", "PERMISSION_DENIED"),
        (TOO_MANY, 429, "rateLimitExceeded", "RESOURCE_EXHAUSTED"),
        (BACKEND, 500, "backendError", "INTERNAL"),
        (UNAVAILABLE, 503, "backendError", "UNAVAILABLE"),
        (NOT_FOUND_YET, 404, "notFound", "NOT_FOUND"),
    ],
)
def test_an_error_is_told_as_google_tells_it_and_nothing_is_done(
    gmail: GmailEmulator, client: httpx.Client, fault: Fail, status: int, reason: str, state: str
) -> None:
    gmail.faults.on(fault, SEND, times=1)
    answer = client.post("/messages/send", json=MAIL)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["status"]) == (status, status, state)
    assert error["errors"][0]["reason"] == reason
    assert gmail.mailbox.sent == []
    assert client.post("/messages/send", json=MAIL).status_code == 200


@pytest.mark.parametrize("taken", [True, False])
def test_a_cut_connection_leaves_the_caller_in_the_dark(
    gmail: GmailEmulator, client: httpx.Client, taken: bool
) -> None:
    gmail.faults.on(Drop(taken), SEND, times=1)
    with pytest.raises(httpx.TransportError):
        client.post("/messages/send", json=MAIL)
    assert len(gmail.mailbox.sent) == int(taken)
    assert gmail.calls.of(SEND)[0].status is None


@pytest.mark.parametrize("taken", [True, False])
def test_a_hanging_call_is_written_down_and_ends_with_the_caller_or_the_emulator(taken: bool) -> None:
    with GmailEmulator() as gmail, plain_client(gmail, seconds=0.2) as client:
        gmail.faults.on(Hang(taken), SEND, times=1)
        with pytest.raises(httpx.ReadTimeout):
            client.post("/messages/send", json=MAIL)
        gmail.wait_until(lambda: gmail.calls.of(SEND), what="the hanging call")
        assert len(gmail.mailbox.sent) == int(taken)


def test_an_answer_may_end_in_the_middle(gmail: GmailEmulator, client: httpx.Client) -> None:
    gmail.faults.on(Truncate(), SEND, times=1)
    answer = client.post("/messages/send", json=MAIL)
    assert answer.status_code == 200
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        answer.json()
    assert len(gmail.mailbox.sent) == 1


def test_a_server_may_fail_after_the_mail_went_out(gmail: GmailEmulator, client: httpx.Client) -> None:
    gmail.faults.on(Fail(500, taken=True), SEND, times=1)
    assert client.post("/messages/send", json=MAIL).status_code == 500
    assert len(gmail.mailbox.sent) == 1


def test_a_slow_answer_comes_in_the_end_and_the_emulator_does_not_wait_for_it(gmail: GmailEmulator) -> None:
    with GmailEmulator() as other, plain_client(other, seconds=0.2) as client:
        other.faults.on(Work(600), "gmail.users.getProfile")
        with pytest.raises(httpx.ReadTimeout):
            client.get("/profile")
    with plain_client(gmail) as client:
        gmail.faults.on(Work(0.05), times=1)
        assert client.get("/profile").elapsed.total_seconds() >= 0.045


def test_a_fault_of_one_method_goes_before_that_of_all_until_it_is_mended(
    gmail: GmailEmulator, client: httpx.Client
) -> None:
    gmail.faults.on(UNAVAILABLE)
    gmail.faults.on(TOO_MANY, "gmail.users.labels.list", times=2)
    assert [client.get("/labels").status_code for _ in range(3)] == [429, 429, 503]
    assert client.get("/profile").status_code == 503
    gmail.faults.mend()
    assert client.get("/profile").status_code == 200


def test_a_mail_may_be_missing_right_after_it_was_told_of(gmail: GmailEmulator, client: httpx.Client) -> None:
    mail_id = gmail.mailbox.deliver(a_mail())
    gmail.faults.on(NOT_FOUND_YET, "gmail.users.messages.get", times=1)
    assert [client.get(f"/messages/{mail_id}").status_code for _ in range(2)] == [404, 200]


def test_every_call_is_written_down(gmail: GmailEmulator, client: httpx.Client) -> None:
    client.get("/profile")
    client.get("/messages/none")
    assert [(call.method, call.verb, call.path, call.status) for call in gmail.calls.of()] == [
        ("oauth2.token", "POST", "/token", 200),
        ("gmail.users.getProfile", "GET", "/gmail/v1/users/me/profile", 200),
        ("gmail.users.messages.get", "GET", "/gmail/v1/users/me/messages/none", 404),
    ]


def test_waiting_in_vain_says_for_what(gmail: GmailEmulator) -> None:
    with pytest.raises(TimeoutError, match=r"a mail did not come about within 0\.01 s"):
        gmail.wait_until(lambda: gmail.mailbox.sent, seconds=0.01, what="a mail")
