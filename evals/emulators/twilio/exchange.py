"""One HTTP connection to the emulator."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import re
import socket
import threading
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol, assert_never
from urllib.parse import parse_qs, parse_qsl, urlsplit

from evals.emulators.twilio.faults import Answer, Behaviour, Drop, Fail, Hang, Redirect, Truncate
from evals.emulators.twilio.ledger import Ledger, RefusedError
from evals.emulators.twilio.resources import VERSION, Media, Message, error_json, media_json, message_json, page_json

STORE = "/media-store/"
_PATH = re.compile(
    rf"/{VERSION}/Accounts/(?P<account>\w+)/Messages"
    r"(?:/(?P<message>\w+)(?:/Media(?:/(?P<media>\w+))?)?)?(?P<json>\.json)?"
)
_LARGEST_PAGE = 1_000

Answered = tuple[int, dict[str, Any]]


class Emulator(Protocol):
    """What stands behind the connections."""

    account_sid: str
    credentials: bytes
    closing: threading.Event
    ledger: Ledger

    @property
    def url(self) -> str:
        """Where it listens."""
        ...

    def called(self, method: str, path: str, form: Mapping[str, Sequence[str]]) -> Behaviour:
        """Record a request and say what happens to it."""
        ...

    def create(self, form: Mapping[str, Sequence[str]]) -> Message:
        """Take a message from us."""
        ...

    def file(self, sid: str) -> Media | None:
        """The file of that SID."""
        ...


class Listener(ThreadingHTTPServer):
    """Accepts connections, each in a thread of its own."""

    daemon_threads = True
    emulator: Emulator

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news for the terminal."""


class Exchange(BaseHTTPRequestHandler):
    """One connection; it may carry several requests."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one write for head and body, else the client waits for a delayed acknowledgement
    server: Listener

    def log_message(self, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Read messages, or a file."""
        if self.path.startswith(STORE):
            self._serve_file()
        else:
            self._behave("GET", b"")

    def do_POST(self) -> None:
        """Create a message."""
        self._behave("POST", self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def _behave(self, method: str, raw: bytes) -> None:
        emulator = self.server.emulator
        form = parse_qs(raw.decode("utf-8", "replace"), keep_blank_values=True)
        behaviour: Behaviour = emulator.called(method, self.path, form)
        match behaviour:
            case Answer():
                emulator.closing.wait(behaviour.pause)
                self._answer(*self._carry_out(method, form))
            case Fail():
                if behaviour.taken:
                    self._carry_out(method, form)
                error = error_json(behaviour.status, behaviour.code, behaviour.message)
                asked = None if behaviour.retry_after is None else {"Retry-After": str(behaviour.retry_after)}
                self._send(behaviour.status, json.dumps(error).encode(), headers=asked)
            case Redirect():
                self._send(307, b"", headers={"Location": behaviour.location})
            case Hang():
                if behaviour.taken:
                    self._carry_out(method, form)
                emulator.closing.wait()
                self.close_connection = True
            case Drop():
                if behaviour.taken:
                    self._carry_out(method, form)
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
            case Truncate():
                status, content = self._carry_out(method, form)
                text = json.dumps(content).encode()
                self._send(status, text[: len(text) // 2])
            case _:
                assert_never(behaviour)

    def _carry_out(self, method: str, form: dict[str, list[str]]) -> Answered:
        try:
            return self._routed(method, form)
        except RefusedError as error:
            return error.status, error_json(error.status, error.code, str(error))

    def _routed(self, method: str, form: dict[str, list[str]]) -> Answered:
        emulator = self.server.emulator
        if not self._authorised():
            raise RefusedError(20003, "Authenticate", 401)
        url = urlsplit(self.path)
        found = _PATH.fullmatch(url.path)
        if found is None or found["account"] != emulator.account_sid:
            raise _missing(url.path)
        if method == "POST":
            if found["message"] is not None:
                raise _missing(url.path)
            return 201, message_json(emulator.create(form))
        if found["message"] is None:
            return 200, self._page(url.path, dict(parse_qsl(url.query)))
        message = emulator.ledger.find(found["message"])
        if message is None:
            raise _missing(url.path)
        if "/Media" in url.path:
            return self._media(message, found["media"], as_json=found["json"] is not None)
        return 200, message_json(message)

    def _media(self, message: Message, sid: str | None, *, as_json: bool) -> Answered:
        if sid is None:
            rows = [media_json(message, one) for one in message.media]
            path = f"{message.uri}/Media.json"
            return 200, page_json(path, "media_list", rows, page=0, size=50, asked={})
        media = next((one for one in message.media if one.sid == sid), None)
        if media is None:
            raise _missing(f"{message.uri}/Media/{sid}")
        if as_json:
            return 200, media_json(message, media)
        return 307, {"location": f"{self.server.emulator.url}{STORE}{media.sid}"}

    def _page(self, path: str, asked: dict[str, str]) -> dict[str, Any]:
        try:
            page, size = int(asked.pop("Page", "0")), int(asked.pop("PageSize", "50"))
        except ValueError:
            raise RefusedError(20001, "Page and PageSize are numbers") from None
        if page < 0 or not 0 < size <= _LARGEST_PAGE:
            raise RefusedError(20006, f"Page size must be between 1 and {_LARGEST_PAGE}")
        asked.pop("PageToken", None)
        rows = [message_json(message) for message in self.server.emulator.ledger.listed(asked)]
        return page_json(path, "messages", rows, page=page, size=size, asked=asked)

    def _authorised(self) -> bool:
        scheme, _, encoded = self.headers.get("Authorization", "").partition(" ")
        try:
            given = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            return False
        return scheme.casefold() == "basic" and hmac.compare_digest(given, self.server.emulator.credentials)

    def _serve_file(self) -> None:
        """The store behind the redirect: like the real one it refuses a request that brings credentials."""
        media = self.server.emulator.file(self.path.removeprefix(STORE))
        if "Authorization" in self.headers:
            self._send(400, b"Only one auth mechanism allowed", "text/plain")
        elif media is None:
            self._send(404, b"", "text/plain")
        else:
            self._send(200, media.content, media.content_type)

    def _answer(self, status: int, content: dict[str, Any]) -> None:
        if "location" in content:
            self._send(status, b"", headers={"Location": content["location"]})
        else:
            self._send(status, json.dumps(content).encode())

    def _send(
        self,
        status: int,
        body: bytes,
        content_type: str = "application/json;charset=utf-8",
        headers: dict[str, str] | None = None,
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def _missing(path: str) -> RefusedError:
    return RefusedError(20404, f"The requested resource {path} was not found", 404)
