"""A customer with a mail program, on the other side of the Gmail emulator."""

from __future__ import annotations

import asyncio
from email import message_from_bytes
from email.message import EmailMessage, Message
from email.policy import default
from email.utils import formataddr, make_msgid

from evals.emulators.gmail.emulator import GmailEmulator
from evals.sample_company.talks.talk import FindCase, until


class MailTalk:
    """One thread of mails.

    Args:
        gmail: the mailbox that is written to.
        find: the case of whoever has an address.
        name: the customer's.
        address: the customer's.
        subject: of the first mail.
        authenticated: whether the customer's mail server proves the address, as most do.
    """

    def __init__(
        self,
        gmail: GmailEmulator,
        find: FindCase,
        name: str,
        address: str,
        subject: str,
        *,
        authenticated: bool = True,
    ) -> None:
        self._gmail = gmail
        self._find = find
        self._from = formataddr((name, address))
        self._address = address
        self._subject = subject
        self._authenticated = authenticated
        self._read = 0
        self._last: Message | None = None

    async def write(self, text: str) -> None:
        """Send a mail; after the first, an answer to the newest that came back, which it quotes as programs do."""
        mail = EmailMessage()
        mail["From"] = self._from
        mail["To"] = self._gmail.mailbox.address
        mail["Message-ID"] = make_msgid(domain="customers.example")
        if self._authenticated:
            domain = self._address.rpartition("@")[2]
            mail["Authentication-Results"] = (
                f"mx.google.com; dkim=pass header.i=@{domain}; spf=pass smtp.mailfrom={self._address}; "
                f"dmarc=pass (p=NONE sp=NONE dis=NONE) header.from={domain}"
            )
        if self._last is None:
            mail["Subject"] = self._subject
        else:
            mail["Subject"] = str(self._last["Subject"])
            mail["In-Reply-To"] = mail["References"] = str(self._last["Message-ID"])
            text = f"{text}\n\nOn Mon, 2 Nov 2026 at 09:12, Thimblewick wrote:\n{_quoted(_text(self._last))}"
        mail.set_content(text)
        await asyncio.to_thread(self._gmail.mailbox.deliver, mail.as_bytes())

    async def wait(self) -> list[str]:
        """The texts of the mails that came back."""

        async def look() -> list[str]:
            mine = [sent for sent in self._gmail.mailbox.sent if self._address in sent.identity.recipients]
            fresh = [message_from_bytes(sent.raw, policy=default) for sent in mine[self._read :]]
            self._read = len(mine)
            self._last = fresh[-1] if fresh else self._last
            return [_text(mail) for mail in fresh]

        return await until(look)

    async def case(self) -> str:
        """Staff find it by the address."""
        return await self._find(self._address)


def _text(mail: Message) -> str:
    assert isinstance(mail, EmailMessage)
    body = mail.get_body(("plain",))
    return "" if body is None else str(body.get_content())


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in text.splitlines())
