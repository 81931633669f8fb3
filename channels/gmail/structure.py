"""The parts of a mail: which are its text, which are files, and what can't be read.

Every limit is here for mails that were made to hurt. What a limit leaves out is said in a note.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from email.message import Message

from channels.attachments import SentFile
from channels.gmail.bounce import FailedRecipient, original_message_id, status_recipients
from channels.gmail.headers import Headers, decode_words
from channels.gmail.text import MAX_TEXT_BYTES, decode, lenient_base64, listed, one_line, unflowed
from channels.gmail.winmail import open_winmail
from channels.storable import storable

MAX_PARTS = 300
MAX_DEPTH = 20
"""Multiparts and forwarded mails inside each other."""

_SIGNATURES = listed("application/pkcs7-signature application/x-pkcs7-signature application/pgp-signature")
_SEALED = frozenset(("application/pkcs7-mime", "application/x-pkcs7-mime"))
_CALENDAR = re.compile(r"^(SUMMARY|DTSTART|LOCATION)(?:;[^:\n]{0,200})?:(.{1,500})$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Section:
    """One stretch of the mail's text, in the forms in which it came. Empty for a form that it has not."""

    plain: str = ""
    html: str = ""
    spare: bool = False
    """Whether it repeats what another section says, as a winmail.dat or an invitation does, and counts only alone."""


@dataclass(slots=True)
class Content:
    """What a mail is made of."""

    sections: list[Section] = field(default_factory=list)
    files: list[SentFile] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What was left out and why, for a person."""
    encrypted: str | None = None
    """With what, if nobody but the addressee can read it."""
    report: str | None = None
    """The kind of a multipart/report: ``delivery-status``, ``disposition-notification`` …"""
    failed: tuple[FailedRecipient, ...] = ()
    original_id: str | None = None
    """Whose delivery a report is about."""
    parts: int = 0
    text_bytes: int = 0

    def note(self, text: str) -> None:
        """Say once what was left out."""
        if text not in self.notes:
            self.notes.append(text)


def content(message: Message) -> Content:
    """Take a parsed mail apart."""
    found = Content()
    found.sections = _without_spares(_walk(message, found, depth=0))
    return found


def _without_spares(sections: list[Section]) -> list[Section]:
    return [section for section in sections if not section.spare] or sections


def _walk(part: Message, found: Content, *, depth: int) -> list[Section]:
    found.parts += 1
    if found.parts > MAX_PARTS:
        found.note(f"The mail has more than {MAX_PARTS} parts; the others were not read.")
        return []
    kind = part.get_content_type()
    if not part.is_multipart():
        return _leaf(part, kind, found)
    if depth >= MAX_DEPTH:
        found.note(f"Parts inside of more than {MAX_DEPTH} others were not read.")
        return []
    return _several(part, kind, found, depth)


def _several(part: Message, kind: str, found: Content, depth: int) -> list[Section]:
    children = _children(part)
    if kind == "multipart/report":
        return _report(part, children, found, depth)
    if kind == "message/rfc822":
        return [section for child in children for section in _forwarded(child, found, depth)]
    if kind == "multipart/encrypted":
        found.encrypted, children = "PGP", []
    elif kind == "multipart/signed":
        children = children[:1]  # the second part is the signature
    sections = [_walk(child, found, depth=depth + 1) for child in children]
    if kind == "multipart/alternative":
        return _alternative(sections)
    return [section for several in sections for section in several]


def _children(part: Message) -> list[Message]:
    payload = part.get_payload() if part.is_multipart() else ()
    return [child for child in payload if isinstance(child, Message)]


def _alternative(alternatives: list[list[Section]]) -> list[Section]:
    """One section of several forms of one text. Apple's programs put whole multiparts with pictures into one form."""
    spares = [section for several in alternatives for section in several if section.spare]
    alternatives = [[section for section in several if not section.spare] for several in alternatives]
    plain = [section.plain for several in alternatives for section in several if not _has_html(several)]
    rich = next((several for several in reversed(alternatives) if _has_html(several)), [])
    forms = [section.html or _as_html(section.plain) for section in rich]
    merged = Section(plain="\n\n".join(plain), html="\n".join(forms))
    return [merged] if merged.plain or merged.html else spares


def _has_html(sections: list[Section]) -> bool:
    return any(section.html for section in sections)


def _as_html(plain: str) -> str:
    escaped = plain.replace("&", "&amp;").replace("<", "&lt;")
    return f"<pre>{escaped}</pre>"


def _report(part: Message, children: list[Message], found: Content, depth: int) -> list[Section]:
    """The text of a report is its first part; the mail that it is about is not what anybody wrote now."""
    found.report = str(part.get_param("report-type") or "delivery-status").lower()[:50]
    sections: list[Section] = []
    for child in children:
        kind = child.get_content_type()
        if kind in {"message/rfc822", "text/rfc822-headers", "message/rfc822-headers"}:
            originals = _children(child)
            if originals:
                ids = Headers.of(originals[0]).message_ids("message-id")
                found.original_id = ids[0] if ids else None
            else:
                found.original_id = original_message_id(_text(child))
        elif kind == "text/delivery-status":
            found.failed += status_recipients(_text(child))
        elif not sections:
            sections.extend(_walk(child, found, depth=depth + 1))
    return sections


def _forwarded(message: Message, found: Content, depth: int) -> list[Section]:
    headers = Headers.of(message)
    lines = ["---------- Forwarded message ----------"]
    for name in ("From", "Date", "Subject", "To"):
        value = headers.text(name.lower())
        if value:
            lines.append(f"{name}: {value}")
    return [Section(plain="\n".join(lines)), *_walk(message, found, depth=depth + 1)]


def _leaf(part: Message, kind: str, found: Content) -> list[Section]:
    name = one_line(decode_words(part.get_filename() or ""), 300)
    disposition = (part.get_content_disposition() or "").lower()
    if kind in _SIGNATURES:
        return []
    if kind in _SEALED:
        found.encrypted = "S/MIME"
    if kind == "application/ms-tnef" or name.lower() == "winmail.dat":
        return _opened_winmail(part, name, found)
    is_text = kind in {"text/plain", "text/html"} or kind.startswith("multipart/")
    if is_text and disposition != "attachment" and not name:
        text = _text(part)
        found.text_bytes += len(text)
        if found.text_bytes > MAX_TEXT_BYTES:
            found.note("The text of the mail is too long; the rest was not read.")
            return []
        if "-----BEGIN PGP MESSAGE-----" in text:
            found.encrypted = "PGP"
        section = Section(html=text) if kind == "text/html" else Section(plain=text)
        return [section] if text.strip() else []
    data = _bytes(part)
    content_id = one_line(Headers.of(part).first("content-id"), 300).strip("<> ") or None
    found.files.append(SentFile(name, kind, data, content_id, inline=disposition == "inline" or content_id is not None))
    if kind != "text/calendar" or disposition == "attachment":
        return []
    return [Section(plain=_invitation(_text(part)), spare=True)]


def _opened_winmail(part: Message, name: str, found: Content) -> list[Section]:
    data = _bytes(part)
    opened = open_winmail(data)
    if opened is None:
        found.files.append(SentFile(name or "winmail.dat", "application/ms-tnef", data, None, inline=False))
        return []
    found.files.extend(
        SentFile(one_line(inner.name, 300), "application/octet-stream", inner.data, None, inline=False)
        for inner in opened.files
    )
    section = Section(storable(opened.text[:MAX_TEXT_BYTES]), storable(opened.html[:MAX_TEXT_BYTES]), spare=True)
    return [section] if section.plain.strip() or section.html.strip() else []


def _invitation(text: str) -> str:
    """What a calendar entry is about, for a mail that says nothing else."""
    found = dict(_CALENDAR.findall(re.sub(r"\n[ \t]", "", text)))
    words = [
        found[name].replace("\\,", ",").replace("\\n", " ")
        for name in ("SUMMARY", "DTSTART", "LOCATION")
        if name in found
    ]
    return f"[Invitation: {', '.join(words)}]" if words else ""


def _text(part: Message) -> str:
    charset = part.get_param("charset")
    data = _bytes(part)
    text = storable(decode(data[:MAX_TEXT_BYTES], str(charset[2] if isinstance(charset, tuple) else charset or "")))
    if part.get_content_type() == "text/plain" and str(part.get_param("format") or "").lower() == "flowed":
        return unflowed(text, delete_space=str(part.get_param("delsp") or "").lower() == "yes")
    return text


def _bytes(part: Message) -> bytes:
    encoding = str(part.get("content-transfer-encoding", "")).strip().lower()
    if encoding == "base64":
        del part["content-transfer-encoding"]  # so that the letters come as they are
        letters = part.get_payload(decode=True)
        part["content-transfer-encoding"] = encoding
        return lenient_base64(letters) if isinstance(letters, bytes) else b""
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""
