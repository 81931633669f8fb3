"""What tests of the Gmail emulator hold in their hands: Google's own client, mails, and an endpoint for pushes."""

from __future__ import annotations

import base64
import json
import threading
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import httpx
import jwt
from google.oauth2.credentials import Credentials

from evals.emulators.gmail.emulator import MODIFY, GmailEmulator

with warnings.catch_warnings():
    # google-api-core warns of a date in 2027 when it meets an older grpcio, which nothing here uses.
    warnings.filterwarnings("ignore", "Package google.api_core", FutureWarning)
    from googleapiclient.discovery import build

CUSTOMER = "ana@customer.example"


def a_mail(
    subject: str = "Where is my parcel?",
    *,
    sender: str = CUSTOMER,
    to: str = "support@shop.example",
    message_id: str | None = "<1@customer.example>",
    answers: str | None = None,
    text: str = "It was to be here on Monday.",
) -> bytes:
    """A plain mail, as bytes."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, to, subject
    if message_id:
        mail["Message-ID"] = message_id
    if answers:
        mail["In-Reply-To"] = mail["References"] = answers
    mail.set_content(text)
    return mail.as_bytes()


def an_answer(subject: str = "Re: Where is my parcel?", answers: str | None = "<1@customer.example>") -> bytes:
    """What the company writes back."""
    return a_mail(subject, sender="support@shop.example", to=CUSTOMER, message_id="<a1@shop.example>", answers=answers)


def as_raw(mail: bytes) -> str:
    """A mail as the API takes it."""
    return base64.urlsafe_b64encode(mail).decode()


def credentials(gmail: GmailEmulator, scopes: Iterable[str] = (MODIFY,)) -> Credentials:
    """What a company that consented holds: a refresh token."""
    # google-auth's constructor has no types
    return Credentials(  # type: ignore[no-untyped-call]
        None,
        refresh_token=gmail.tokens.refresh_token(scopes),
        token_uri=gmail.token_url,
        client_id=gmail.tokens.client.id,
        client_secret=gmail.tokens.client.secret,
    )


@contextmanager
def google_client(gmail: GmailEmulator, given: Any = None) -> Iterator[Any]:
    """``users()`` of Google's own client."""
    held = given or credentials(gmail)
    options = {"api_endpoint": gmail.url}
    with build("gmail", "v1", static_discovery=True, client_options=options, credentials=held) as client:
        yield client.users()


@contextmanager
def plain_client(
    gmail: GmailEmulator, scopes: Iterable[str] = (MODIFY,), seconds: float = 5.0
) -> Iterator[httpx.Client]:
    """HTTP without any help, for what Google's client would hide."""
    form = {
        "grant_type": "refresh_token",
        "refresh_token": gmail.tokens.refresh_token(scopes),
        "client_id": gmail.tokens.client.id,
        "client_secret": gmail.tokens.client.secret,
    }
    token = httpx.post(gmail.token_url, data=form).json()["access_token"]
    base = f"{gmail.url}/gmail/v1/users/me"
    with httpx.Client(base_url=base, headers={"Authorization": f"Bearer {token}"}, timeout=seconds) as client:
        yield client


@dataclass(frozen=True, slots=True)
class Push:
    """A notice as it came in. ``claims`` is ``None`` when the token was not to be believed."""

    history_id: int
    address: str
    message_id: str
    claims: dict[str, Any] | None


class Endpoint:
    """Takes pushes on 127.0.0.1 while the ``with`` block lasts, and checks their tokens against Google's keys.

    Args:
        gmail: whose keys.
    """

    def __init__(self, gmail: GmailEmulator) -> None:
        self.pushes: list[Push] = []
        self.answers: list[int] = []
        """What it says to the next ones, before it says 204."""
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                push = endpoint.read(gmail, body, self.headers.get("Authorization", ""))
                endpoint.pushes.append(push)
                status = endpoint.answers.pop(0) if endpoint.answers else 204
                self.send_response(status if push.claims else 401)
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}/push"

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    def read(self, gmail: GmailEmulator, body: dict[str, Any], header: str) -> Push:
        """A notice, believed or not."""
        data = json.loads(base64.b64decode(body["message"]["data"]))
        assert gmail.pubsub.subscription
        assert body["subscription"] == gmail.pubsub.subscription.name
        claims: dict[str, Any] | None
        try:
            token = header.removeprefix("Bearer ")
            key = jwt.PyJWKClient(gmail.certs_url).get_signing_key_from_jwt(token)
            claims = jwt.decode(
                token, key, algorithms=["RS256"], audience=self.url, issuer="https://accounts.google.com"
            )
        except (jwt.InvalidTokenError, jwt.PyJWKClientError):
            claims = None
        if claims and not (claims["email_verified"] and claims["email"] == gmail.pubsub.subscription.account):
            claims = None
        return Push(data["historyId"], data["emailAddress"], body["message"]["messageId"], claims)
