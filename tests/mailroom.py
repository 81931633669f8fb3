"""A mailbox at the Gmail emulator, and us signed in to it, for tests of the email channel."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path

import httpx

from channels.gmail.account import Account
from channels.gmail.credentials import SCOPES, Credentials, store
from channels.gmail.inbound import Own
from channels.gmail.letterhead import Letterhead
from evals.emulators.gmail.emulator import GmailEmulator
from evals.emulators.gmail.reception import Found, received

MAILBOX = "support@shop.example"
ADA = "ada@customer.example"
QUICK = httpx.Timeout(1.0, connect=1.0)
LETTERHEAD = Letterhead(MAILBOX, "Shop", "Your Shop")
OWN = Own(frozenset({MAILBOX}))


def consent(gmail: GmailEmulator) -> dict[str, str]:
    """What `csagent gmail connect oauth` keeps."""
    return {
        "type": "authorized_user",
        "client_id": gmail.tokens.client.id,
        "client_secret": gmail.tokens.client.secret,
        "refresh_token": gmail.tokens.refresh_token(SCOPES),
        "token_uri": gmail.token_url,
    }


@dataclass
class Mailroom:
    """The emulator, and where our credentials lie."""

    gmail: GmailEmulator
    credentials: Path
    _count: int = field(default=0)

    def account(self, timeout: httpx.Timeout = QUICK, threads: int = 4) -> Account:
        held = Credentials(self.credentials, MAILBOX)
        return Account(held, api_url=self.gmail.url, timeout=timeout, threads=threads)

    def comes(
        self,
        text: str = "Where is my parcel?",
        *,
        sender: str = ADA,
        subject: str = "My parcel",
        answers: str = "",
        found: Found | None = None,
        files: tuple[tuple[str, str, bytes], ...] = (),
        headers: dict[str, str] | None = None,
        message_id: str = "",
    ) -> str:
        """A mail comes in. Returns Gmail's id of it."""
        raw = self.mail(
            text, sender=sender, subject=subject, answers=answers, files=files, headers=headers, message_id=message_id
        )
        return self.gmail.mailbox.deliver(received(raw, found))

    def mail(
        self,
        text: str = "Where is my parcel?",
        *,
        sender: str = ADA,
        to: str = MAILBOX,
        subject: str = "My parcel",
        answers: str = "",
        files: tuple[tuple[str, str, bytes], ...] = (),
        headers: dict[str, str] | None = None,
        message_id: str = "",
    ) -> bytes:
        self._count += 1
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = sender, to, subject
        mail["Message-ID"] = message_id or f"<{self._count}@customer.example>"
        if answers:
            mail["In-Reply-To"] = mail["References"] = answers
        for name, value in (headers or {}).items():
            mail[name] = value
        mail.set_content(text)
        for name, kind, data in files:
            maintype, _, subtype = kind.partition("/")
            mail.add_attachment(data, maintype=maintype, subtype=subtype, filename=name)
        return mail.as_bytes()

    def writes(self, text: str, *, to: str = ADA, subject: str = "Re: My parcel", answers: str = "") -> str:
        """A person sends a mail in Gmail's own window. Returns Gmail's id of it."""
        raw = self.mail(text, sender=MAILBOX, to=to, subject=subject, answers=answers)
        return self.gmail.mailbox.send_as_person(raw.replace(b"@customer.example>\n", b"@mail.gmail.com>\n", 1))


@contextmanager
def mailroom(folder: Path) -> Iterator[Mailroom]:
    """It is open while the block lasts."""
    with GmailEmulator(MAILBOX, delegated=SCOPES) as gmail:
        credentials = folder / "gmail.json"
        store(credentials, consent(gmail))
        yield Mailroom(gmail, credentials)
