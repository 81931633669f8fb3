"""Serves the chat page and the files of all pages, under headers that let nothing else run.

The policy allows scripts and styles from this host alone and no inline ones, and trusted types forbid turning text into
markup at all, so a customer's message stays text even where a page has a mistake.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Header, Response

from api.pages.files import PageFile, chat_script, page_files
from skills.errors import NotFoundError

router = APIRouter(include_in_schema=False)

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)

SECURITY_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
}
"""Sent with every page and file. Strict-Transport-Security is left to whoever ends TLS."""

ANYWHERE: Mapping[str, str] = {
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
"""Sent with what sites embed, which is the same for everybody. What it may then ask is decided by their origin."""

IfNoneMatch = Annotated[str | None, Header()]


@router.api_route("/chat", methods=["GET", "HEAD"])
async def chat_page(if_none_match: IfNoneMatch = None) -> Response:
    """The customer's chat."""
    return _answer(page_files()["chat.html"], if_none_match)


@router.api_route("/chat.js", methods=["GET", "HEAD"])
async def embedded_chat(
    if_none_match: IfNoneMatch = None, accept_encoding: Annotated[str | None, Header()] = None
) -> Response:
    """The chat as the one script that a site embeds."""
    return _answer(chat_script(), if_none_match, anywhere=True, accept_encoding=accept_encoding)


@router.api_route("/chat/{language}.json", methods=["GET", "HEAD"])
async def words_of_the_chat(language: str, if_none_match: IfNoneMatch = None) -> Response:
    """What the chat says in another language than English.

    Raises:
        NotFoundError: it does not speak it.
    """
    file = page_files().get(f"assets/chat/words/{language}.json")
    if file is None:
        raise NotFoundError("the chat doesn't speak that language")
    return _answer(file, if_none_match, anywhere=True)


@router.api_route("/assets/{path:path}", methods=["GET", "HEAD"])
async def asset(path: str, if_none_match: IfNoneMatch = None) -> Response:
    """A style sheet, a module or the icon.

    Raises:
        NotFoundError: there is no such file.
    """
    file = page_files().get(f"assets/{path}")
    if file is None:
        raise NotFoundError("there is no such file")
    return _answer(file, if_none_match)


def _answer(
    file: PageFile, if_none_match: str | None, *, anywhere: bool = False, accept_encoding: str | None = None
) -> Response:
    # Asked again every time, answered by 304 while unchanged: a page never meets the scripts of another version.
    headers = {**SECURITY_HEADERS, "ETag": file.etag, "Cache-Control": "no-cache"}
    if anywhere:
        headers |= ANYWHERE
    body = file.body
    if file.zipped is not None:
        headers["Vary"] = "Accept-Encoding"
        if _takes_gzip(accept_encoding):
            body, headers["Content-Encoding"], headers["ETag"] = file.zipped, "gzip", f'{file.etag[:-1]}-gzip"'
    if if_none_match is not None and headers["ETag"] in if_none_match:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=file.media_type, headers=headers)


def _takes_gzip(accept_encoding: str | None) -> bool:
    codings = [coding.replace(" ", "").lower().partition(";") for coding in (accept_encoding or "").split(",")]
    return any(name == "gzip" and weight not in {"q=0", "q=0.0"} for name, _, weight in codings)
