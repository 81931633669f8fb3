"""Files of messages, for whoever holds a link to one, and for staff.

A file is what somebody sent us, so a browser is told to keep it and to run nothing: an attachment, no sniffing, a
sandbox without any right. Only pictures may be shown in place, and only when the link says so.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Header, Path, Query, Response

from api.problems import responses
from api.routes.staff import CustomerReader, StaffRoute
from api.routes.visitor import With
from channels.envelope import File
from infra.postgres.files import ORIGINAL
from skills.errors import NotFoundError
from skills.turn import MessageId

router = APIRouter(prefix="/v1", tags=["files"])
staff_router = APIRouter(prefix="/v1/review", tags=["files", "review"], route_class=StaffRoute)

_SHOWN = frozenset(("image/jpeg", "image/png", "image/gif", "image/webp"))
"""What a browser shows in place, if it is asked to. An SVG is none of these: it may hold a script."""
_HEADERS = {
    "Cache-Control": "private, no-cache",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex",
}
_BYTES: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}},
    304: {"description": "It is what you have"},
}

IfNoneMatch = Annotated[str | None, Header(max_length=500)]


@router.get(
    "/files/{token}", response_class=Response, responses={**responses(404, 413, 422, 503), **_BYTES}, name="read_file"
)
async def read_linked_file(
    token: Annotated[str, Path(max_length=100)],
    use: With,
    if_none_match: IfNoneMatch = None,
    inline: Annotated[str | None, Query(max_length=10, description="Show a picture in place")] = None,
) -> Response:
    """The file that a link names. The link is all that is needed, and expires."""
    named = use.file_links.check(token)
    etag = _etag(named.message_id, named.ordinal)
    if if_none_match is not None and etag in if_none_match:
        return Response(status_code=304, headers={**_HEADERS, "ETag": etag})
    if named.ordinal == ORIGINAL:
        raise NotFoundError("there is no such file")
    found = await use.files.read(named.message_id, named.ordinal)
    return _answer(found.file, etag, inline=inline is not None)


@staff_router.get(
    "/files/{message_id}/{ordinal}",
    response_class=Response,
    responses={**responses(401, 403, 404, 413, 422, 503), **_BYTES},
)
async def read_file_of_message(
    message_id: UUID, ordinal: Annotated[int, Path(ge=0, le=32_767)], use: With, staff: CustomerReader
) -> Response:
    """A file of a message; 0 is the message as it came in. That you read it is written down; nothing keeps a copy."""
    found = await use.files.read(MessageId(message_id), ordinal, reader=staff)
    return _answer(found.file, _etag(message_id, ordinal), inline=False)


def _answer(file: File, etag: str, *, inline: bool) -> Response:
    if file.data is None:
        raise NotFoundError("this file was not kept", hint=f"it was left out: {file.refusal}")
    shown = inline and file.media_type in _SHOWN
    # A mail as it came in is the sender's text in every part: never a type that a browser would render.
    safe = shown or not file.media_type.startswith(("text/", "message/"))
    return Response(
        file.data,
        media_type=file.media_type if safe else "application/octet-stream",
        headers={**_HEADERS, "ETag": etag, "Content-Disposition": _disposition(file.name, shown=shown)},
    )


def _disposition(name: str, *, shown: bool) -> str:
    """RFC 6266: the name in ASCII for old browsers, whole for all others. Neither can end the header."""
    plain = "".join(mark if mark.isascii() and mark.isprintable() and mark not in '"\\%' else "_" for mark in name)
    return f"{'inline' if shown else 'attachment'}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _etag(message_id: UUID, ordinal: int) -> str:
    """Files never change, so their name is enough; hashed, because it is shown to whoever has only a link."""
    return f'"{hashlib.sha256(message_id.bytes + ordinal.to_bytes(2)).hexdigest()[:32]}"'
