"""A shop that embeds the chat: on an origin of its own, under the policy that the documents ask for."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI, Response

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Thimblewick: herbs on the sill</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,"><link rel="stylesheet" href="/shop.css">
<script src="{chat}/chat.js" defer data-title="Thimblewick" data-accent="#2f6b3c"></script></head>
<body><header><strong>Thimblewick</strong><nav aria-label="Shop"><a href="/2">Planters</a> <a href="/3">Pods</a>
<a href="/4">Help</a></nav></header>
<main><h1>Herbs on the sill, all year round</h1><p>A planter that waters itself, and a lamp that knows when to rest.</p>
<ul><li><h2>Thimble</h2><p>Three pods. For a narrow sill.</p><p><b>£59</b></p></li>
<li><h2>Trellis</h2><p>Six pods. For a kitchen that cooks.</p><p><b>£99</b></p></li>
<li><h2>Thicket</h2><p>Twelve pods. For a café.</p><p><b>£179</b></p></li></ul></main></body></html>"""

STYLE = """
:root { color-scheme: light dark; --paper: #faf8f3; --ink: #22301f; --line: #d9d4c4; --leaf: #2f6b3c; }
@media (prefers-color-scheme: dark) { :root { --paper: #161a15; --ink: #e7ebe2; --line: #333b30; --leaf: #8fd19b; } }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 17px/1.5 system-ui, "Liberation Sans", sans-serif; }
header { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 8px 24px; padding: 20px 32px;
  border-bottom: 1px solid var(--line); }
header strong { font-size: 20px; color: var(--leaf); }
a { color: inherit; margin-inline-start: 16px; }
main { padding: 48px 32px; max-width: 760px; }
h1 { font-size: 40px; line-height: 1.15; margin: 0 0 12px; }
h2 { font-size: 20px; margin: 0; }
ul { display: grid; gap: 16px; padding: 0; margin: 32px 0 0; list-style: none; }
li { border: 1px solid var(--line); border-radius: 12px; padding: 16px 20px; }
li p { margin: 4px 0 0; }
@media (max-width: 600px) { main { padding: 24px 20px; } header { padding: 16px 20px; } h1 { font-size: 30px; } }
"""

POLICY = (
    "default-src 'none'; script-src {chat}; connect-src {chat}; style-src 'self'; img-src data:; form-action 'none'; "
    "base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)


@asynccontextmanager
async def open_shop(chat: str, listener: socket.socket) -> AsyncIterator[None]:
    """The shop, whose pages take the chat from that address."""
    app = FastAPI(openapi_url=None)

    async def style() -> Response:
        return Response(STYLE, media_type="text/css")

    async def page(page: int) -> Response:
        return Response(
            PAGE.format(chat=chat),
            media_type="text/html",
            headers={"Content-Security-Policy": POLICY.format(chat=chat)},
        )

    app.add_api_route("/shop.css", style)
    app.add_api_route("/{page}", page)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, ws="none"))
    serving = asyncio.create_task(server.serve([listener]))
    yield
    server.should_exit = True
    await serving
