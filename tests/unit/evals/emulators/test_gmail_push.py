from __future__ import annotations

import time
from collections.abc import Iterator
from threading import Event

import pytest

from evals.emulators.gmail.emulator import GmailEmulator
from evals.emulators.gmail.push import Bad, Deliver, Lose, Overtake
from skills.errors import BadRequestError
from tests.unit.evals.emulators.gmail_clients import Endpoint, a_mail, an_answer, google_client


@pytest.fixture
def gmail() -> Iterator[GmailEmulator]:
    with GmailEmulator() as running:
        yield running


@pytest.fixture
def endpoint(gmail: GmailEmulator) -> Iterator[Endpoint]:
    """Watched, and told of it once already."""
    with Endpoint(gmail) as listening, google_client(gmail) as users:
        gmail.push_to(listening.url)
        users.watch(userId="me", body={"topicName": gmail.pubsub.topic}).execute()
        gmail.wait_until(lambda: gmail.pubsub.attempts, what="the first notice")
        listening.pushes.clear()
        yield listening


def deliver(gmail: GmailEmulator, count: int = 1) -> list[int]:
    """Mails come in; the history ids after each."""
    ids = []
    for _ in range(count):
        gmail.mailbox.deliver(a_mail(message_id=None))
        ids.append(gmail.mailbox.history.current)
    return ids


def wait_for(gmail: GmailEmulator, attempts: int) -> None:
    """Wait until so many tries were made, the first notice of the watch included."""
    gmail.wait_until(lambda: len(gmail.pubsub.attempts) >= attempts, what=f"{attempts} tries")


def test_every_change_is_told_with_a_token_that_holds(gmail: GmailEmulator, endpoint: Endpoint) -> None:
    (history_id,) = deliver(gmail)
    wait_for(gmail, 2)
    (push,) = endpoint.pushes
    assert (push.history_id, push.address) == (history_id, gmail.mailbox.address)
    assert push.claims
    assert push.claims["aud"] == endpoint.url


def test_a_person_who_sends_or_reads_is_a_change_too(gmail: GmailEmulator, endpoint: Endpoint) -> None:
    sent = gmail.mailbox.send_as_person(an_answer())
    gmail.mailbox.relabel(sent, ["STARRED"], [])
    gmail.mailbox.delete(sent)
    wait_for(gmail, 4)
    assert len(endpoint.pushes) == 3


def test_a_notice_comes_again_until_it_is_acknowledged(gmail: GmailEmulator, endpoint: Endpoint) -> None:
    endpoint.answers += [500, 429]
    deliver(gmail)
    wait_for(gmail, 4)
    assert [attempt.status for attempt in gmail.pubsub.attempts[1:]] == [500, 429, 204]
    assert len({push.message_id for push in endpoint.pushes}) == 1


def test_an_endpoint_that_is_down_is_tried_again(gmail: GmailEmulator) -> None:
    with Endpoint(gmail) as gone, google_client(gmail) as users:
        gmail.push_to(gone.url)
        users.watch(userId="me", body={"topicName": gmail.pubsub.topic}).execute()
        wait_for(gmail, 1)
    deliver(gmail)
    wait_for(gmail, 3)
    assert [attempt.status for attempt in gmail.pubsub.attempts[1:3]] == [None, None]


def test_a_notice_may_be_lost_doubled_or_late(gmail: GmailEmulator, endpoint: Endpoint) -> None:
    gmail.pubsub.next(Lose(), Deliver(times=2))
    _, doubled = deliver(gmail, 2)
    wait_for(gmail, 3)
    assert [push.history_id for push in endpoint.pushes] == [doubled, doubled]
    assert len({push.message_id for push in endpoint.pushes}) == 1
    gmail.pubsub.next(Deliver(seconds=0.1))
    before = time.time()
    deliver(gmail)
    wait_for(gmail, 4)
    assert gmail.pubsub.attempts[-1].at - before >= 0.09


def test_a_notice_may_be_overtaken(gmail: GmailEmulator, endpoint: Endpoint) -> None:
    gmail.pubsub.next(Overtake())
    first, second = deliver(gmail, 2)
    wait_for(gmail, 3)
    assert [push.history_id for push in endpoint.pushes] == [second, first]


@pytest.mark.parametrize(
    "bad",
    [
        "wrong audience",
        "wrong issuer",
        "expired",
        "forged",
        "unsigned",
        "missing",
        "unverified",
        "another account",
    ],
)
def test_a_bad_token_is_refused_by_who_verifies(gmail: GmailEmulator, endpoint: Endpoint, bad: Bad) -> None:
    attempt = gmail.forge(bad)
    assert (attempt.status, attempt.bad) == (401, bad)
    assert endpoint.pushes[-1].claims is None


def test_a_forgery_needs_somebody_to_deceive(gmail: GmailEmulator) -> None:
    with pytest.raises(BadRequestError, match="No endpoint"):
        gmail.forge("expired")


def test_google_changes_its_keys_and_the_old_tokens_hold(gmail: GmailEmulator, endpoint: Endpoint) -> None:
    gmail.pubsub.rotate_keys()
    deliver(gmail)
    wait_for(gmail, 2)
    assert endpoint.pushes[-1].claims
    assert len(gmail.pubsub.certs()["keys"]) == 2


def test_nothing_is_told_once_the_watch_is_over(gmail: GmailEmulator, endpoint: Endpoint) -> None:
    gmail.watch.end()
    deliver(gmail)
    with google_client(gmail) as users:
        users.watch(userId="me", body={"topicName": gmail.pubsub.topic}).execute()
    wait_for(gmail, 2)
    assert [push.history_id for push in endpoint.pushes] == [gmail.mailbox.history.current]


@pytest.mark.parametrize(("behaviour", "told"), [("include", [True, False]), ("exclude", [False, True])])
def test_a_watch_may_be_of_some_labels(gmail: GmailEmulator, behaviour: str, told: list[bool]) -> None:
    body = {"topicName": gmail.pubsub.topic, "labelIds": ["INBOX"], "labelFilterBehavior": behaviour}
    with google_client(gmail) as users:
        users.watch(userId="me", body=body).execute()
    assert [gmail.watch.covers(frozenset({label})) for label in ("INBOX", "SENT")] == told


def test_gmail_drops_what_comes_within_a_second_of_the_last(gmail: GmailEmulator, endpoint: Endpoint) -> None:
    gmail.watch.one_a_second = True
    first, *_ = deliver(gmail, 3)
    wait_for(gmail, 2)
    gmail.watch.one_a_second = False
    (last,) = deliver(gmail)
    wait_for(gmail, 3)
    assert [push.history_id for push in endpoint.pushes] == [first, last]


def test_a_mail_that_comes_while_nobody_listens_is_no_failure(gmail: GmailEmulator) -> None:
    with google_client(gmail) as users:
        users.watch(userId="me", body={"topicName": gmail.pubsub.topic}).execute()
    told = Event()
    gmail.mailbox.watch(lambda _: told.set())
    deliver(gmail)
    assert told.wait(5)
    assert gmail.pubsub.attempts == []
