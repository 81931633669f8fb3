"""A web server on this machine that answers as it is told, well or badly."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Act = Callable[["Handler"], None]
"""Answers a request in a way of its own."""

HTML = "text/html; charset=utf-8"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        site: Site = self.server.site  # type: ignore[attr-defined]
        site.asked.append(self.path)
        site.headers.append(dict(self.headers))
        act = site.pages.get(self.path)
        with suppress(ConnectionError, TimeoutError):
            if act is None:
                self.answer(404, b"no such page")
            else:
                act(self)

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing on standard error."""


@dataclass(slots=True)
class Site:
    """``pages`` says how each path is answered; ``asked`` has the paths that were asked for, in order."""

    port: int
    pages: dict[str, Act] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"


@contextmanager
def a_site() -> Iterator[Site]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    site = Site(server.server_address[1])
    server.site = site  # type: ignore[attr-defined]
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01), daemon=True)
    thread.start()
    try:
        yield site
    finally:
        site.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


def page(title: str, text: str, **headers: str) -> Act:
    body = f"<html lang=en><title>{title}</title><main><p>{text}</p></main></html>".encode()
    return lambda handler: handler.answer(200, body, Content_Type=HTML, **headers)


def file(body: bytes, media_type: str, **headers: str) -> Act:
    return lambda handler: handler.answer(200, body, Content_Type=media_type, **headers)


def redirect(to: str) -> Act:
    return lambda handler: handler.answer(302, Location=to)


def unchanging(title: str, text: str) -> Act:
    """A page that says 304 to whoever knows it."""

    def act(handler: Handler) -> None:
        if handler.headers.get("If-None-Match") == '"1"':
            handler.answer(304, ETag='"1"')
        else:
            page(title, text, ETag='"1"')(handler)

    return act


def endless(handler: Handler) -> None:
    """A page without an end, and without saying how long it is."""
    handler.send_response(200)
    handler.send_header("Content-Type", HTML)
    handler.send_header("Connection", "close")
    handler.end_headers()
    site: Site = handler.server.site  # type: ignore[attr-defined]
    while not site.closing.is_set():
        handler.wfile.write(b"more and more " * 4096)


def trickling(handler: Handler) -> None:
    """A letter now and then, for ever: no single wait is long."""
    handler.send_response(200)
    handler.send_header("Content-Type", HTML)
    handler.send_header("Connection", "close")
    handler.end_headers()
    site: Site = handler.server.site  # type: ignore[attr-defined]
    while not site.closing.wait(0.02):
        handler.wfile.write(b".")


def silent(handler: Handler) -> None:
    """Takes the request and says nothing."""
    site: Site = handler.server.site  # type: ignore[attr-defined]
    site.closing.wait(10)
    handler.close_connection = True


def half(handler: Handler) -> None:
    """Says that more will come, and hangs up."""
    handler.send_response(200)
    handler.send_header("Content-Length", "900")
    handler.end_headers()
    handler.wfile.write(b"half")
    handler.close_connection = True


def bomb(handler: Handler) -> None:
    """Some kilobytes that are eight megabytes."""
    handler.answer(200, gzip.compress(b" " * (8 << 20)), Content_Type=HTML, Content_Encoding="gzip")


def sitemap(*urls: str, index: bool = False) -> bytes:
    root, entry = ("sitemapindex", "sitemap") if index else ("urlset", "url")
    listed = "".join(f"<{entry}><loc>{url}</loc></{entry}>" for url in urls)
    return (
        f'<?xml version="1.0"?><{root} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{listed}</{root}>'.encode()
    )
