"""A server that speaks OpenAI's protocol on a free port of this machine, checks every request, and fails on demand.

    with OpenAIServer() as server:
        server.script(rate_limited(retry_after=1), Answer())  # one behaviour a request, in order
        server.otherwise(Hang())                              # and then this, until told otherwise
        server.respond_with(lambda chat: {"text": "Hello"})   # what a well-behaved answer says
        ...
        assert server.requests[0].body["temperature"] == 0

It is stricter than the real one: unknown fields are refused, and a byte counts as a token. Vectors are made of hashed
words, so texts that share words are close. A responder that raises is reported when the server closes.
"""

from __future__ import annotations

import json
import socket
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self, assert_never

from pydantic import ValidationError

from tests.emulators.openai_answers import (
    ChatRequest,
    Responder,
    Said,
    as_text,
    blank,
    chat_request,
    completion,
    embeddings,
)
from tests.emulators.openai_requests import Chat, Embeddings

KEY = "sk-emulated"
DIMENSIONS = 1536


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer as one should; ``until`` holds the answer back until a test lets it go."""

    until: threading.Event | None = None


@dataclass(frozen=True, slots=True)
class Say:
    """Answer in the right form, but with this as the model's own words."""

    content: str


@dataclass(frozen=True, slots=True)
class LoneSurrogate:
    """Answer as one should, with half a surrogate pair behind every string that the model says."""


@dataclass(frozen=True, slots=True)
class Raw:
    """Answer with these bytes."""

    body: bytes
    status: int = 200
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Hang:
    """Take the request and never answer."""


@dataclass(frozen=True, slots=True)
class Drop:
    """Take the request and close the connection."""


@dataclass(frozen=True, slots=True)
class Trickle:
    """Answer as one should, a byte every ``pause`` seconds."""

    pause: float = 0.05


Behaviour = Answer | Say | LoneSurrogate | Raw | Hang | Drop | Trickle

SERVER_ERROR = Raw(b'{"error": {"message": "The server had an error", "type": "server_error"}}', status=500)
GARBAGE = Raw(b'{"choices": [{"mess\xff')
NOT_JSON = Raw(b"<html><body>Bad gateway, politely</body></html>", content_type="text/html")
WRONG_FORM = Raw(b'{"choices": "none", "data": {"embedding": true}}')
EMPTY_CHOICES = Raw(b'{"id": "c", "object": "chat.completion", "created": 0, "model": "m", "choices": [], "data": []}')
EMPTY_CONTENT = Say("")


def rate_limited(retry_after: float | str | None = None, *, code: str = "rate_limit_exceeded") -> Raw:
    """A 429, with ``Retry-After`` if given (seconds, or a date as text)."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return Raw(_error("Slow down", code), status=429, headers=headers)


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it came in, header names in lower case; ``body`` is empty when it was no JSON object."""

    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]


class OpenAIServer:
    """The server; a context manager that listens while it is open."""

    def __init__(self, *, key: str = KEY, dimensions: int = DIMENSIONS) -> None:
        self.key = key
        self.dimensions = dimensions
        self.closing = threading.Event()
        self._arrival = threading.Condition()
        self._requests: list[Received] = []
        self._responder: Responder = blank
        self._script: deque[Behaviour] = deque()
        self._otherwise: Behaviour = Answer()
        self._failures: list[Exception] = []
        self._http = _Listener(("127.0.0.1", 0), _Exchange)
        self._http.emulator = self

    @property
    def url(self) -> str:
        """What ``OPENAI_BASE_URL`` has to be."""
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    @property
    def requests(self) -> list[Received]:
        """Everything that came in so far, in order."""
        with self._arrival:
            return list(self._requests)

    def script(self, *behaviours: Behaviour) -> None:
        """One behaviour for each of the next requests."""
        with self._arrival:
            self._script.extend(behaviours)

    def otherwise(self, behaviour: Behaviour) -> None:
        """What to do when the script is at its end."""
        with self._arrival:
            self._otherwise = behaviour

    def respond_with(self, responder: Responder) -> None:
        """What well-behaved chat answers say."""
        with self._arrival:
            self._responder = responder

    def reset(self) -> None:
        """Forget requests, script and responder."""
        with self._arrival:
            self._requests.clear()
            self._script.clear()
            self._otherwise = Answer()
            self._responder = blank

    def wait_for_requests(self, count: int, timeout: float = 10.0) -> None:
        """Block until that many came in (from asyncio: in a thread)."""
        with self._arrival:
            if not self._arrival.wait_for(lambda: len(self._requests) >= count, timeout):
                raise TimeoutError(f"{len(self._requests)} of {count} requests came")

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()
        if error is None and self._failures:
            raise self._failures[0]

    def receive(self, request: Received) -> Behaviour:
        """Record a request and say what happens to it."""
        with self._arrival:
            self._requests.append(request)
            self._arrival.notify_all()
            return self._script.popleft() if self._script else self._otherwise

    def respond(self, chat: ChatRequest) -> Said:
        """What the responder says; its failure is kept for the end."""
        try:
            return self._responder(chat)
        except Exception as error:  # a test's own code: anything may come
            self._failures.append(error)
            raise


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    emulator: OpenAIServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away, or a responder that raised, is no news for the terminal."""


class _Exchange(BaseHTTPRequestHandler):
    """One connection; it may carry several requests."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one write for head and body, else the client waits for a delayed acknowledgement
    server: _Listener

    def log_message(self, *args: Any) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            body = json.loads(raw)
        except ValueError:
            body = None
        received = Received(
            self.path,
            {name.lower(): value for name, value in self.headers.items()},
            body if isinstance(body, dict) else {},
        )
        self._behave(self.server.emulator.receive(received), received)

    def _behave(self, behaviour: Behaviour, received: Received) -> None:
        closing = self.server.emulator.closing
        match behaviour:
            case Raw():
                self._send(behaviour)
            case Hang():
                closing.wait()
                self.close_connection = True
            case Drop():
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
            case Trickle():
                self._send(self._answer(behaviour, received), pause=behaviour.pause)
            case Answer():
                while behaviour.until and not behaviour.until.wait(0.02) and not closing.is_set():
                    pass
                self._send(self._answer(behaviour, received))
            case Say() | LoneSurrogate():
                self._send(self._answer(behaviour, received))
            case _:
                assert_never(behaviour)

    def _answer(self, behaviour: Answer | Say | LoneSurrogate | Trickle, received: Received) -> Raw:
        emulator = self.server.emulator
        if received.headers.get("authorization") != f"Bearer {emulator.key}":
            return Raw(_error("Incorrect API key provided", "invalid_api_key"), status=401)
        try:
            match received.path:
                case "/v1/chat/completions":
                    answer = self._complete(Chat.model_validate(received.body), behaviour)
                case "/v1/embeddings":
                    answer = embeddings(Embeddings.model_validate(received.body), emulator.dimensions)
                case _:
                    return Raw(_error(f"Unknown request URL: {received.path}", "unknown_url"), status=404)
        except ValidationError as error:
            return Raw(_error(str(error), "invalid_request_error"), status=400)
        return Raw(json.dumps(answer).encode())

    def _complete(self, chat: Chat, behaviour: Answer | Say | LoneSurrogate | Trickle) -> dict[str, Any]:
        if isinstance(behaviour, Say):
            return completion(chat, behaviour.content)
        said = self.server.emulator.respond(chat_request(chat))
        return completion(chat, as_text(said, spoiled=isinstance(behaviour, LoneSurrogate)))

    def _send(self, raw: Raw, *, pause: float | None = None) -> None:
        self.send_response(raw.status)
        self.send_header("Content-Type", raw.content_type)
        self.send_header("Content-Length", str(len(raw.body)))
        for name, value in raw.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if pause is None:
            self.wfile.write(raw.body)
            return
        for byte in raw.body:
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            if self.server.emulator.closing.wait(pause):
                return


def _error(message: str, code: str) -> bytes:
    return json.dumps({"error": {"message": message, "type": "emulated", "code": code}}).encode()
