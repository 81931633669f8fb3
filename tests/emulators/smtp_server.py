"""An SMTP server on this machine that takes mails, or misbehaves as it is told. One dialogue a connection."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Literal

Fault = Literal["refuse_rcpt", "busy_rcpt", "busy_data", "hang", "drop_after_data", "no_starttls", "bad_password"]


@dataclass
class SmtpServer:
    """``faults`` are had one by one, one a connection; afterwards all goes well."""

    port: int = 0
    faults: list[Fault] = field(default_factory=list)
    mails: list[EmailMessage] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    tls: ssl.SSLContext | None = None
    protected: list[bool] = field(default_factory=list)
    """Of each mail, whether it came through TLS."""
    closing: asyncio.Event = field(default_factory=asyncio.Event)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        fault = self.faults.pop(0) if self.faults else None
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await self._talk(reader, writer, fault)
        writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, fault: Fault | None) -> None:
        if fault == "hang":
            await self.closing.wait()
            return
        secure = False
        writer.write(b"220 here\r\n")
        while line := await reader.readline():
            verb = line.decode().split(None, 1)[0].upper()
            if verb == "DATA":
                answer = await self._taken(reader, writer, fault, secure=secure)
            else:
                answer = self._answer(verb, line, fault, secure=secure)
            writer.write(f"{answer}\r\n".encode() if answer else b"")
            if not answer or verb == "QUIT":
                return
            if verb == "STARTTLS" and self.tls is not None:
                await writer.start_tls(self.tls)
                secure = True

    def _answer(self, verb: str, line: bytes, fault: Fault | None, *, secure: bool) -> str:
        if verb == "EHLO":
            offered = not secure and self.tls is not None and fault != "no_starttls"
            return f"250-here\r\n{'250-STARTTLS' if offered else '250-8BITMIME'}\r\n250 AUTH PLAIN"
        if verb == "AUTH":
            self.logins.append(base64.b64decode(line.split()[-1]).decode().replace("\0", ":"))
            return "535 5.7.8 wrong" if fault == "bad_password" else "235 ok"
        if verb == "RCPT" and fault in {"refuse_rcpt", "busy_rcpt"}:
            return "550 5.1.1 nobody" if fault == "refuse_rcpt" else "450 4.2.1 later"
        return {"STARTTLS": "220 go on", "QUIT": "221 bye"}.get(verb, "250 ok")

    async def _taken(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, fault: Fault | None, *, secure: bool
    ) -> str:
        writer.write(b"354 go on\r\n")
        text = await reader.readuntil(b"\r\n.\r\n")
        if fault == "busy_data":
            return "451 4.3.0 later"
        self.mails.append(message_from_bytes(text[:-3], policy=policy.default))
        self.protected.append(secure)
        return "" if fault == "drop_after_data" else "250 taken"


@asynccontextmanager
async def smtp_server(*faults: Fault, tls: ssl.SSLContext | None = None) -> AsyncIterator[SmtpServer]:
    """A server for as long as the block lasts."""
    served = SmtpServer(faults=list(faults), tls=tls)
    server = await asyncio.start_server(served.talk, "127.0.0.1", 0)
    served.port = server.sockets[0].getsockname()[1]
    try:
        yield served
    finally:
        served.closing.set()
        server.close()
        await server.wait_closed()
