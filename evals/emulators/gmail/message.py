"""A mail as it lies in the mailbox, and as the API shows it in each of the four formats."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from typing import Any

from selectolax.lexbor import LexborHTMLParser

from evals.emulators.gmail.identity import Identity, identity, text

_SNIPPET = 200


@dataclass(slots=True)
class Mail:
    """One mail. Labels and history id change, nothing else does."""

    id: str
    thread_id: str
    raw: bytes
    labels: set[str]
    at_ms: int
    """When Gmail took it, in milliseconds since the epoch (``internalDate``)."""
    history_id: int
    parsed: Message = field(init=False)
    identity: Identity = field(init=False)

    def __post_init__(self) -> None:
        self.parsed = message_from_bytes(self.raw)
        self.identity = identity(self.parsed)

    @property
    def brief(self) -> dict[str, Any]:
        """The mail as lists show it."""
        return {"id": self.id, "threadId": self.thread_id}

    @property
    def labelled(self) -> dict[str, Any]:
        """The mail as answers to a send or a change show it."""
        return self.brief | {"labelIds": sorted(self.labels)}

    def resource(self, form: str, headers: frozenset[str] = frozenset()) -> dict[str, Any]:
        """The mail as ``messages.get`` shows it.

        Args:
            form: minimal, metadata, full or raw.
            headers: in the format metadata, the only ones to show, in lower case; none means all.
        """
        shown = self.labelled | {
            "snippet": snippet(self.parsed),
            "sizeEstimate": len(self.raw),
            "historyId": str(self.history_id),
            "internalDate": str(self.at_ms),
        }
        if form == "raw":
            shown["raw"] = encoded(self.raw)
        elif form == "full":
            shown["payload"] = _part(self.parsed, "", self.id)
        elif form == "metadata":
            wanted = [header for header in _headers(self.parsed) if not headers or header["name"].lower() in headers]
            shown["payload"] = {"mimeType": self.parsed.get_content_type(), "headers": wanted}
        return shown

    def attachment(self, attachment_id: str) -> bytes | None:
        """The content behind an id from the format full."""
        for part_id, part in _walk(self.parsed, ""):
            if attachment_id == _attachment_id(self.id, part_id):
                return content(part)
        return None


def snippet(parsed: Message) -> str:
    """The beginning of what a reader sees, as HTML-escaped text."""
    for wanted, plain in (("text/plain", _as_is), ("text/html", _without_tags)):
        for _, part in _walk(parsed, ""):
            if part.get_content_type() == wanted and not part.get_filename():
                seen = plain(content(part).decode("utf-8", "replace"))
                return html.escape(" ".join(seen.split())[:_SNIPPET])
    return ""


def _as_is(seen: str) -> str:
    return seen


def _without_tags(markup: str) -> str:
    body = LexborHTMLParser(markup).body
    return body.text(separator=" ") if body else ""


def content(part: Message) -> bytes:
    """A leaf's content with the transfer encoding undone, in its own charset; of an enclosed mail, its source."""
    if part.is_multipart():
        enclosed = list(_children(part, "")) if part.get_content_maintype() == "message" else []
        return b"".join(child.as_bytes() for _, child in enclosed)
    found = part.get_payload(decode=True)
    return found if isinstance(found, bytes) else b""


def encoded(raw: bytes) -> str:
    """Base64url with padding, as Gmail writes it."""
    return base64.urlsafe_b64encode(raw).decode()


def decoded(value: str) -> bytes:
    """The bytes behind base64url, padded or not."""
    return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))


def _part(part: Message, part_id: str, mail_id: str) -> dict[str, Any]:
    name = text(part.get_filename() or "")
    shown: dict[str, Any] = {
        "partId": part_id,
        "mimeType": part.get_content_type(),
        "filename": name,
        "headers": _headers(part),
    }
    found = content(part)
    container = part.get_content_maintype() == "multipart"
    if container or not found:
        shown["body"] = {"size": 0}
    elif name or part.get_content_maintype() != "text":
        shown["body"] = {"attachmentId": _attachment_id(mail_id, part_id), "size": len(found)}
    else:
        shown["body"] = {"size": len(found), "data": encoded(found)}
    if children := list(_children(part, part_id)):
        shown["parts"] = [_part(child, child_id, mail_id) for child_id, child in children]
    return shown


def _headers(part: Message) -> list[dict[str, str]]:
    return [{"name": text(name), "value": text(value)} for name, value in part.items()]


def _children(part: Message, part_id: str) -> Iterator[tuple[str, Message]]:
    children = part.get_payload() if part.is_multipart() else []
    for index, child in enumerate(children if isinstance(children, list) else []):
        if isinstance(child, Message):
            yield (f"{part_id}.{index}" if part_id else str(index)), child


def _walk(part: Message, part_id: str) -> Iterator[tuple[str, Message]]:
    yield part_id, part
    for child_id, child in _children(part, part_id):
        yield from _walk(child, child_id)


def _attachment_id(mail_id: str, part_id: str) -> str:
    return encoded(f"ANGjdJ-{mail_id}-{part_id or 'root'}".encode()).rstrip("=")
