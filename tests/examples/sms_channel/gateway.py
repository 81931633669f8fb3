"""The invented gateway, over real HTTP on a thread of its own, with what can go wrong at one."""

from __future__ import annotations

import json
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Literal, Self
from uuid import uuid4

from tests.examples.sms_channel import signature

Fault = Literal["busy", "wrong number", "broken", "broken late", "silent", "silent late", "half an answer"]
LATE = frozenset({"broken late", "silent late", "half an answer"})
"""With these the message goes out all the same."""


class Gateway:
    """A context manager that listens while it is open."""

    def __init__(self, secret: str) -> None:
        self.secret = secret
        self.faults: deque[Fault] = deque()
        """Of the next requests, in this order."""
        self._sent: dict[str, tuple[str, str]] = {}
        self.news = threading.Condition()
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                message = json.loads(self.rfile.read(int(self.headers["content-length"])))
                gateway._answer(self, message)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """Where it takes messages."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def received(self, number: str) -> list[str]:
        """What the customer with this number has on the telephone."""
        with self.news:
            return [text for to, text in self._sent.values() if to == number]

    def webhook(self, number: str, text: str, key: str) -> tuple[bytes, dict[str, str]]:
        """What the gateway sends when this customer writes."""
        return self.signed(json.dumps({"id": key, "from": number, "text": text}).encode())

    def signed(self, body: bytes) -> tuple[bytes, dict[str, str]]:
        """Any body, as genuine as can be."""
        return body, {signature.HEADER: signature.sign(self.secret, body)}

    def _answer(self, request: BaseHTTPRequestHandler, message: dict[str, str]) -> None:
        fault = self.faults.popleft() if self.faults else None
        if fault is None or fault in LATE:
            with self.news:
                self._sent.setdefault(message["reference"], (message["to"], message["text"]))
                self.news.notify_all()
        if fault in {"silent", "silent late"}:
            request.close_connection = True
            return
        status = {"busy": 429, "wrong number": 400, "broken": 503, "broken late": 500}.get(fault or "", 201)
        body = json.dumps({"id": str(uuid4())}).encode()
        body = body[: len(body) // 2] if fault == "half an answer" else body
        request.send_response(status)
        request.send_header("content-length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
