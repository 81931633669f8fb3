"""Google's own client drives the emulator."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import pytest
from google.auth.exceptions import RefreshError
from google.oauth2 import service_account
from googleapiclient.errors import HttpError

from evals.emulators.gmail.emulator import MODIFY, GmailEmulator
from evals.emulators.gmail.faults import EXPIRED_TOKEN, Drop
from tests.unit.evals.emulators.gmail_clients import CUSTOMER, a_mail, an_answer, as_raw, credentials, google_client

SEND = "gmail.users.messages.send"


@pytest.fixture
def gmail() -> Iterator[GmailEmulator]:
    with GmailEmulator() as running:
        yield running


@pytest.fixture
def users(gmail: GmailEmulator) -> Iterator[Any]:
    with google_client(gmail) as client:
        yield client


def test_a_delivered_mail_is_listed_and_read(gmail: GmailEmulator, users: Any) -> None:
    mail_id = gmail.mailbox.deliver(a_mail())
    assert users.messages().list(userId="me").execute() == {
        "messages": [{"id": mail_id, "threadId": mail_id}],
        "resultSizeEstimate": 1,
    }
    found = users.messages().get(userId="me", id=mail_id).execute()
    assert found["labelIds"] == ["INBOX", "UNREAD"]
    assert found["snippet"] == "It was to be here on Monday."
    raw = users.messages().get(userId="me", id=mail_id, format="raw").execute()["raw"]
    assert base64.urlsafe_b64decode(raw) == a_mail()


def test_an_attachment_is_fetched_by_its_id(gmail: GmailEmulator, users: Any) -> None:
    mail = EmailMessage()
    mail["From"], mail["Subject"] = CUSTOMER, "A photo"
    mail.set_content("See below.")
    mail.add_attachment(b"\x89PNG" * 50, maintype="image", subtype="png", filename="damage.png")
    mail_id = gmail.mailbox.deliver(mail.as_bytes())
    text, photo = users.messages().get(userId="me", id=mail_id).execute()["payload"]["parts"]
    assert base64.urlsafe_b64decode(text["body"]["data"]) == b"See below.\n"
    assert photo["filename"] == "damage.png"
    assert "data" not in photo["body"]
    attachment = users.messages().attachments().get(userId="me", messageId=mail_id, id=photo["body"]["attachmentId"])
    assert base64.urlsafe_b64decode(attachment.execute()["data"]) == b"\x89PNG" * 50


def test_an_answer_joins_the_thread_and_keeps_its_message_id(gmail: GmailEmulator, users: Any) -> None:
    first = gmail.mailbox.deliver(a_mail())
    sent = users.messages().send(userId="me", body={"raw": as_raw(an_answer()), "threadId": first}).execute()
    assert sent["threadId"] == first
    assert sent["labelIds"] == ["SENT"]
    (went_out,) = gmail.mailbox.sent
    assert went_out.identity.message_id == "<a1@shop.example>"
    assert went_out.identity.recipients == (CUSTOMER,)
    thread = users.threads().get(userId="me", id=first, format="minimal").execute()
    assert [mail["id"] for mail in thread["messages"]] == [first, sent["id"]]


def test_history_is_read_page_by_page_from_a_cursor(gmail: GmailEmulator, users: Any) -> None:
    cursor = users.getProfile(userId="me").execute()["historyId"]
    mails = [gmail.mailbox.deliver(a_mail(message_id=f"<{n}@customer.example>")) for n in range(5)]
    request = users.history().list(userId="me", startHistoryId=cursor, historyTypes="messageAdded", maxResults=2)
    pages, answer = [], {}
    while request is not None:
        answer = request.execute()
        pages.append([added["message"]["id"] for change in answer["history"] for added in change["messagesAdded"]])
        request = users.history().list_next(request, answer)
    assert pages == [mails[:2], mails[2:4], mails[4:]]
    assert answer["historyId"] == str(gmail.mailbox.history.current)


def test_messages_are_paged_by_the_clients_own_iteration(gmail: GmailEmulator, users: Any) -> None:
    mails = [gmail.mailbox.deliver(a_mail(message_id=f"<{n}@customer.example>")) for n in range(5)]
    request, seen = users.messages().list(userId="me", maxResults=2), []
    while request is not None:
        answer = request.execute()
        seen += [mail["id"] for mail in answer["messages"]]
        gmail.mailbox.deliver(a_mail("Meanwhile", message_id=None))
        request = users.messages().list_next(request, answer)
    assert seen == mails[::-1]


def test_a_cursor_that_is_too_old_is_not_found(gmail: GmailEmulator, users: Any) -> None:
    gmail.mailbox.forget_history()
    with pytest.raises(HttpError) as refused:
        users.history().list(userId="me", startHistoryId="1000").execute()
    assert refused.value.status_code == 404
    assert refused.value.error_details[0]["reason"] == "notFound"


def test_labels_are_changed_and_listed(gmail: GmailEmulator, users: Any) -> None:
    mail_id = gmail.mailbox.deliver(a_mail())
    own = gmail.mailbox.labels.make("Answered")
    body = {"addLabelIds": [own], "removeLabelIds": ["UNREAD"]}
    assert users.messages().modify(userId="me", id=mail_id, body=body).execute()["labelIds"] == ["INBOX", own]
    assert own in {label["id"] for label in users.labels().list(userId="me").execute()["labels"]}


def test_a_watch_lasts_a_week_and_can_be_stopped(gmail: GmailEmulator, users: Any) -> None:
    watch = users.watch(userId="me", body={"topicName": gmail.pubsub.topic}).execute()
    assert int(watch["expiration"]) == int(gmail.watch.until * 1_000)
    assert gmail.watch.active
    assert not users.stop(userId="me").execute()
    assert not gmail.watch.active


def test_an_expired_token_is_refreshed_once_and_the_call_repeated(gmail: GmailEmulator, users: Any) -> None:
    users.getProfile(userId="me").execute()
    gmail.tokens.expire()
    users.getProfile(userId="me").execute()
    assert [(call.method, call.status) for call in gmail.calls.of()] == [
        ("oauth2.token", 200),
        ("gmail.users.getProfile", 200),
        ("gmail.users.getProfile", 401),
        ("oauth2.token", 200),
        ("gmail.users.getProfile", 200),
    ]
    gmail.faults.on(EXPIRED_TOKEN, "gmail.users.getProfile", times=1)
    users.getProfile(userId="me").execute()
    assert gmail.calls.of("gmail.users.getProfile")[-2].status == 401


def test_a_consent_that_was_taken_back_is_an_invalid_grant(gmail: GmailEmulator) -> None:
    held = credentials(gmail)
    gmail.tokens.revoke()
    with google_client(gmail, held) as users, pytest.raises(RefreshError, match="invalid_grant"):
        users.getProfile(userId="me").execute()


def test_a_service_account_acts_for_the_mailbox(gmail: GmailEmulator) -> None:
    # google-auth's constructor has no types
    account = service_account.Credentials.from_service_account_info(  # type: ignore[no-untyped-call]
        gmail.tokens.service_account_info(), scopes=[MODIFY], subject=gmail.mailbox.address
    )
    with google_client(gmail, account) as users:
        assert users.getProfile(userId="me").execute()["emailAddress"] == gmail.mailbox.address


def test_a_service_account_that_acts_for_nobody_has_no_mailbox(gmail: GmailEmulator) -> None:
    # google-auth's constructor has no types
    account = service_account.Credentials.from_service_account_info(  # type: ignore[no-untyped-call]
        gmail.tokens.service_account_info(), scopes=[MODIFY]
    )
    with google_client(gmail, account) as users, pytest.raises(HttpError, match="Precondition check failed"):
        users.getProfile(userId="me").execute()


def test_googles_client_sends_a_mail_again_by_itself_when_the_answer_is_lost(gmail: GmailEmulator, users: Any) -> None:
    """Why the channel must not leave the sending to it: the mail went out twice, and nobody is told."""
    gmail.faults.on(Drop(taken=True), SEND, times=1)
    users.messages().send(userId="me", body={"raw": as_raw(an_answer())}).execute(num_retries=0)
    assert [call.status for call in gmail.calls.of(SEND)] == [None, 200]
    assert len(gmail.mailbox.sent) == 2
