"""Alerts by mail, through the company's own SMTP server.

The standard library's client, in a thread: a handful of mails an hour need nothing more. How the connection is
protected is in the address and never less than that: ``smtps://`` is TLS from the beginning, ``smtp://`` begins with
STARTTLS or sends nothing, ``smtp+plain://`` is for a relay on this machine or in a network that one trusts.

A connection that breaks after the text was given may have sent it: it is sent again, under the same Message-ID.
"""

from __future__ import annotations

import asyncio
import re
import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate
from urllib.parse import unquote, urlsplit

from infra.alerts.sending import Attempt, Never, NotYet, Told

SCHEMES = {"smtps": 465, "smtp": 587, "smtp+plain": 25}
"""How the connection is protected, and the usual port."""
ADDRESS = re.compile(r"[^\s@<>,;:\"\\()\[\]]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+|[\w.+-]{1,64}@localhost")
_PERMANENT = range(500, 600)
_AUTHENTICATION = frozenset({530, 534, 535, 538})


@dataclass(frozen=True, slots=True)
class Server:
    """Where mail is handed in. ``user`` and ``password`` are empty where nobody is asked for them."""

    host: str
    port: int
    protection: str
    """One of ``SCHEMES``."""
    user: str = ""
    password: str = ""


def server_of(url: str) -> Server:
    """The server at an address such as ``smtp://user:password@mail.example:587``.

    Raises:
        ValueError: it is none, or would send a password unprotected.
    """
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES or not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError(f"write it like smtp://user:password@mail.example:587, with one of {', '.join(SCHEMES)}")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if user and parts.scheme == "smtp+plain":
        raise ValueError("a password goes over smtps:// or smtp:// only")
    return Server(parts.hostname, parts.port or SCHEMES[parts.scheme], parts.scheme, user, password)


@dataclass(frozen=True, slots=True)
class Mail:
    """One text for one person. ``id`` is the left half of its Message-ID, the same for every attempt."""

    id: str
    to: str
    subject: str
    text: str


class Mailer:
    """Hands mails in.

    Args:
        server: where.
        sender: the address that they come from.
        context: what the server's certificate is checked against; this machine's authorities otherwise.
        step: seconds that each answer of the server may take.
        seconds: that all of them together may.
    """

    def __init__(
        self,
        server: Server,
        sender: str,
        *,
        context: ssl.SSLContext | None = None,
        step: float = 10.0,
        seconds: float = 30.0,
    ) -> None:
        self._server = server
        self._sender = sender
        self._context = context
        self._step = step
        self._seconds = seconds

    async def send(self, mail: Mail) -> Attempt:
        """Hand one in; what came of it."""
        connection = _Connection(self._step, self._sender.rpartition("@")[2])
        try:
            async with asyncio.timeout(self._seconds):
                return await asyncio.to_thread(self._send, connection, mail)
        except TimeoutError:
            connection.cut()  # so that the thread ends, too
            return NotYet("timeout")

    def _send(self, connection: _Connection, mail: Mail) -> Attempt:
        try:
            client = connection.opened(self._server, self._context)
            try:
                if self._server.user:
                    client.login(self._server.user, self._server.password)
                client.send_message(self._message(mail), self._sender, [mail.to])
                client.putcmd("quit")  # whatever it says to that, it has taken the mail
            finally:
                client.close()
        except (smtplib.SMTPException, OSError, UnicodeError) as error:
            return judged(error)
        return Told()

    def _message(self, mail: Mail) -> EmailMessage:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._sender, mail.to, mail.subject
        message["Date"] = formatdate(usegmt=True)
        message["Message-ID"] = f"<{mail.id}@{self._sender.rpartition('@')[2]}>"
        # No machine answers it, ours neither (RFC 3834).
        message["Auto-Submitted"] = "auto-generated"
        message["X-Auto-Response-Suppress"] = "All"
        message.set_content(mail.text)
        return message


def judged(error: Exception) -> Attempt:
    """What became of a mail by the error that handing it in ended with.

    An address that is refused for good will not be there later. Everything else can be mended, be it that we may not
    sign in or that our sender is refused, and is tried again.
    """
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, _ = next(iter(error.recipients.values()))
        refused = code in _PERMANENT and code not in _AUTHENTICATION
        return Never(f"smtp_{code}") if refused else NotYet(f"smtp_{code}", down=False)
    if isinstance(error, smtplib.SMTPResponseException):
        return NotYet(f"smtp_{error.smtp_code}", down=not isinstance(error, smtplib.SMTPDataError))
    return NotYet(next((code for kind, code in _CODES if isinstance(error, kind)), "unreachable"))


_CODES: tuple[tuple[type[Exception], str], ...] = (
    (smtplib.SMTPNotSupportedError, "no_starttls"),
    (TimeoutError, "timeout"),
    (ssl.SSLError, "tls"),
)


class _Connection:
    """One connection, which another thread can cut."""

    def __init__(self, step: float, name: str) -> None:
        self._step = step
        self._name = name
        self._client: smtplib.SMTP | None = None

    def opened(self, server: Server, context: ssl.SSLContext | None) -> smtplib.SMTP:
        """Connected, greeted, and protected as the address says."""
        if server.protection == "smtps":
            tls = context or ssl.create_default_context()
            self._client = smtplib.SMTP_SSL(
                server.host, server.port, local_hostname=self._name, timeout=self._step, context=tls
            )
            return self._client
        client = self._client = smtplib.SMTP(server.host, server.port, self._name, self._step)
        try:
            if server.protection == "smtp":
                client.starttls(context=context or ssl.create_default_context())
        except BaseException:
            client.close()
            raise
        return client

    def cut(self) -> None:
        """Hang up, whatever is under way."""
        sock = None if self._client is None else self._client.sock
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(2)
