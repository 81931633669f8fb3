"""The emulator against Google's description of the API: it can't drift into fiction."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from email.message import EmailMessage
from typing import Any

import httpx
import pytest

from evals.emulators.gmail.discovery import document, methods, problems
from evals.emulators.gmail.emulator import MODIFY, GmailEmulator
from tests.unit.evals.emulators.gmail_clients import a_mail, an_answer, as_raw, plain_client

DONE = {
    "gmail.users.getProfile",
    "gmail.users.history.list",
    "gmail.users.labels.list",
    "gmail.users.messages.attachments.get",
    "gmail.users.messages.get",
    "gmail.users.messages.list",
    "gmail.users.messages.modify",
    "gmail.users.messages.send",
    "gmail.users.stop",
    "gmail.users.threads.get",
    "gmail.users.watch",
}


def described(resource: Mapping[str, Any]) -> Iterator[tuple[str, str, str, set[str]]]:
    """Id, verb, path and scopes of every method, read from the document without the emulator's help."""
    for found in resource.get("methods", {}).values():
        yield found["id"], found["httpMethod"], "/" + found["path"], set(found["scopes"])
    for child in resource.get("resources", {}).values():
        yield from described(child)


@pytest.fixture(scope="module")
def gmail() -> Iterator[GmailEmulator]:
    with GmailEmulator() as running:
        yield running


@pytest.fixture
def client(gmail: GmailEmulator) -> Iterator[httpx.Client]:
    with plain_client(gmail) as opened:
        yield opened


def rich_mail() -> bytes:
    mail = EmailMessage()
    mail["From"], mail["Subject"], mail["Message-ID"] = (
        "Zoë <zoe@customer.example>",
        "Über alles",
        "<r@customer.example>",
    )
    mail.set_content("Plain.")
    mail.add_alternative("<p>Not <b>plain</b></p><img src='cid:x'>", subtype="html")
    mail.add_attachment(b"%PDF" * 9, maintype="application", subtype="pdf", filename="bill ä.pdf")
    enclosed = EmailMessage()
    enclosed["Subject"] = "Inside"
    enclosed.set_content("Deep.")
    mail.add_attachment(enclosed)
    return mail.as_bytes()


def test_every_answer_has_the_shape_that_the_document_gives_it(gmail: GmailEmulator, client: httpx.Client) -> None:
    start = gmail.mailbox.history.current
    rich, plain = gmail.mailbox.deliver(rich_mail()), gmail.mailbox.deliver(a_mail())
    gmail.mailbox.save_draft(an_answer(answers=None))
    doomed = gmail.mailbox.deliver(b"")
    gmail.mailbox.delete(doomed)
    gmail.mailbox.labels.make("Ours")
    full = client.get(f"/messages/{rich}").json()
    attachment = full["payload"]["parts"][1]["body"]["attachmentId"]
    answers = [
        ("gmail.users.messages.get", full),
        ("gmail.users.getProfile", client.get("/profile").json()),
        ("gmail.users.labels.list", client.get("/labels").json()),
        ("gmail.users.messages.list", client.get("/messages", params={"maxResults": 1}).json()),
        ("gmail.users.messages.list", client.get("/messages", params={"labelIds": "SPAM"}).json()),
        ("gmail.users.messages.attachments.get", client.get(f"/messages/{rich}/attachments/{attachment}").json()),
        (
            "gmail.users.messages.modify",
            client.post(f"/messages/{plain}/modify", json={"addLabelIds": ["SPAM"]}).json(),
        ),
        (
            "gmail.users.messages.modify",
            client.post(f"/messages/{plain}/modify", json={"removeLabelIds": ["SPAM"]}).json(),
        ),
        ("gmail.users.messages.send", client.post("/messages/send", json={"raw": as_raw(an_answer())}).json()),
        ("gmail.users.watch", client.post("/watch", json={"topicName": gmail.pubsub.topic}).json()),
        ("gmail.users.history.list", client.get("/history", params={"startHistoryId": start}).json()),
        ("gmail.users.history.list", client.get("/history", params={"startHistoryId": start, "maxResults": 1}).json()),
        (
            "gmail.users.history.list",
            client.get("/history", params={"startHistoryId": gmail.mailbox.history.current}).json(),
        ),
    ]
    for form in ("minimal", "metadata", "full", "raw"):
        answers += [("gmail.users.messages.get", client.get(f"/messages/{rich}", params={"format": form}).json())]
    for form in ("minimal", "metadata", "full"):
        answers += [("gmail.users.threads.get", client.get(f"/threads/{rich}", params={"format": form}).json())]
    for name, answer in answers:
        assert "error" not in answer, (name, answer)
        assert problems(str(methods()[name].response), answer) == [], name
    kinds = {kind for change in answers[10][1]["history"] for kind in change} - {"id", "messages"}
    assert kinds == {"messagesAdded", "messagesDeleted", "labelsAdded", "labelsRemoved"}
    stopped = client.post("/stop")
    assert (stopped.status_code, stopped.content) == (204, b"")
    assert {name for name, _ in answers} | {"gmail.users.stop"} == DONE


def test_every_method_of_the_document_has_its_route_and_the_missing_say_so(
    gmail: GmailEmulator, client: httpx.Client
) -> None:
    for name, verb, path, _ in described(document()):
        answer = client.request(verb, gmail.url + re.sub(r"\{\w+\}", "me", path), params={"alt": "json"})
        assert gmail.calls.of()[-1].method == name
        if name in DONE:
            assert answer.status_code != 501, name
        elif answer.status_code != 403:  # the token's scopes don't reach everywhere
            assert answer.json()["error"]["message"] == f"The emulator doesn't do {name}"


@pytest.mark.parametrize("scope", sorted(document()["auth"]["oauth2"]["scopes"]))
def test_a_scope_opens_the_methods_that_the_document_says(gmail: GmailEmulator, scope: str) -> None:
    with plain_client(gmail, [scope]) as client:
        for name, verb, path, scopes in described(document()):
            if name in DONE:
                answer = client.request(verb, gmail.url + re.sub(r"\{\w+\}", "me", path))
                refused = answer.status_code == 403 and "insufficientPermissions" in answer.text
                assert refused is (scope not in scopes), name


@pytest.mark.parametrize(
    ("verb", "path", "asked", "said"),
    [
        ("GET", "/messages?maxResult=5", None, 'Unknown name "maxResult"'),
        ("GET", "/messages?maxResults=many", None, "TYPE_INTEGER"),
        ("GET", "/messages?maxResults=-1", None, "uint32"),
        ("GET", "/messages?q=a&q=b", None, "may be given once"),
        ("GET", "/messages?includeSpamTrash=perhaps", None, "TYPE_BOOLEAN"),
        ("GET", "/messages?userId=me", None, 'Unknown name "userId"'),
        ("GET", "/messages?q=larger:5M", None, "can't search for 'larger:5M'"),
        ("GET", "/messages?pageToken=x", None, "Invalid pageToken"),
        ("GET", "/messages?fields=messages", None, "neither 'alt' nor 'fields'"),
        ("GET", "/messages/1?format=pretty", None, "is not one of"),
        ("GET", "/history", None, "startHistoryId"),
        ("GET", "/history?startHistoryId=x", None, "uint64"),
        ("GET", "/history?startHistoryId=1000&historyTypes=read", None, "is not one of"),
        ("GET", "/history?startHistoryId=1000&pageToken=x", None, "Invalid pageToken"),
        ("POST", "/messages/send", {}, "'raw' RFC822 payload"),
        ("POST", "/messages/send", {"raw": "%%%"}, "not base64url"),
        ("POST", "/messages/send", {"raw": as_raw(b"Subject: x\n\nx")}, "Recipient address required"),
        ("POST", "/messages/send", {"raw": 5}, "int where string should be"),
        ("POST", "/messages/send", {"Raw": "x"}, 'Unknown name "Raw"'),
        ("POST", "/messages/send", b"{", "Invalid JSON"),
        ("POST", "/stop", {}, "takes no body"),
        ("POST", "/watch", {}, "Invalid topicName"),
        ("POST", "/messages/{id}/modify", {}, "No label add or removes"),
        ("POST", "/messages/{id}/modify", {"addLabelIds": ["Nowhere"]}, "Invalid label: Nowhere"),
        ("POST", "/messages/{id}/modify", {"removeLabelIds": ["SENT"]}, "Invalid label: SENT"),
        ("GET", "/messages/{id}/attachments/none", None, "Invalid attachment token"),
    ],
)
def test_what_makes_no_sense_is_refused_in_googles_words(
    gmail: GmailEmulator, client: httpx.Client, verb: str, path: str, asked: Any, said: str
) -> None:
    path = path.replace("{id}", gmail.mailbox.deliver(a_mail()))
    given = {"content": asked} if isinstance(asked, bytes) else {"json": asked}
    answer = client.request(verb, path, **({} if asked is None else given))
    assert answer.status_code == 400
    assert said in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("verb", "path", "asked"),
    [
        ("GET", "/messages/0", None),
        ("GET", "/threads/0", None),
        ("GET", "/history?startHistoryId=999999", None),
        ("POST", "/messages/send", {"raw": as_raw(an_answer()), "threadId": "0"}),
        ("POST", "/watch", {"topicName": "projects/other/topics/gmail"}),
    ],
)
def test_what_is_not_there_is_not_found(client: httpx.Client, verb: str, path: str, asked: Any) -> None:
    answer = client.request(verb, path, json=asked) if asked else client.request(verb, path)
    assert (answer.status_code, answer.json()["error"]["status"]) == (404, "NOT_FOUND")


def test_who_may_see_headers_alone_sees_no_text(gmail: GmailEmulator) -> None:
    mail_id = gmail.mailbox.deliver(a_mail())
    with plain_client(gmail, ["https://www.googleapis.com/auth/gmail.metadata"]) as client:
        assert client.get(f"/messages/{mail_id}").status_code == 403
        assert client.get("/messages", params={"q": "in:inbox"}).status_code == 403
        wanted = {"format": "metadata", "metadataHeaders": ["subject", "FROM"]}
        shown = client.get(f"/messages/{mail_id}", params=wanted).json()["payload"]["headers"]
    assert [header["name"] for header in shown] == ["From", "Subject"]


def test_an_answer_that_gmail_could_not_give_is_the_emulators_own_failure() -> None:
    gmail = GmailEmulator()
    gmail.mailbox.profile = lambda: {"messagesTotal": "7"}  # type: ignore[method-assign] # a mistake, on purpose
    with pytest.raises(AssertionError, match="messagesTotal"):
        ask_for_the_profile(gmail)


def ask_for_the_profile(gmail: GmailEmulator) -> None:
    with gmail, plain_client(gmail) as client:
        client.get("/profile")


@pytest.mark.parametrize(
    ("schema", "value", "said"),
    [
        ("Message", {"historyId": 5}, "int where string should be"),
        ("Message", {"historyId": "-1"}, "no uint64"),
        ("Message", {"internalDate": "soon"}, "no int64"),
        ("Message", {"sizeEstimate": True}, "bool where integer should be"),
        ("Message", {"sizeEstimate": 2**31}, "no int32"),
        ("Message", {"labelIds": ["INBOX", 5]}, "labelIds[1]"),
        ("Message", {"payload": {"body": {"data": "+/=="}}}, "payload.body.data: not base64url"),
        ("Message", {"raw": "abcde"}, "not base64url"),
        ("Message", {"threadid": "1"}, 'Unknown name "threadid"'),
        ("Label", {"type": "mine"}, "is not one of"),
        ("History", [], "list where object should be"),
    ],
)
def test_a_wrong_shape_is_found(schema: str, value: Any, said: str) -> None:
    (problem,) = problems(schema, value)
    assert said in problem


def test_the_scope_that_tests_use_covers_what_is_done() -> None:
    assert all(MODIFY in methods()[name].scopes for name in DONE)
