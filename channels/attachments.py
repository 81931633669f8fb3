"""Files that come with a message: which are taken, under which name and type, what is said to the sender of the others.

What a file is, its bytes say (puremagic); what the sender says counts only between kinds of text. A refused file keeps
no bytes here, so that nobody can store it by mistake; a mail's original has it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

import puremagic

from channels import archive
from channels.envelope import File
from channels.storable import storable

MAX_NAME_BYTES = 150

TYPES = {
    "image/jpeg": (".jpg", ".jpeg", ".jfif"),
    "image/png": (".png",),
    "image/gif": (".gif",),
    "image/webp": (".webp",),
    "image/heif": (".heic", ".heif"),
    "image/tiff": (".tif", ".tiff"),
    "image/bmp": (".bmp",),
    "application/pdf": (".pdf",),
    "text/plain": (".txt", ".log", ".md", ".text"),
    "text/csv": (".csv",),
    "text/calendar": (".ics",),
    "audio/mpeg": (".mp3",),
    "audio/mp4": (".m4a",),
    "audio/ogg": (".ogg", ".oga", ".opus"),
    "audio/wav": (".wav",),
    "video/mp4": (".mp4",),
    "video/quicktime": (".mov",),
    "application/zip": (".zip",),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": (".docx",),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": (".xlsx",),
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": (".pptx",),
    "application/vnd.oasis.opendocument": (".odt", ".ods", ".odp"),
}
"""What is taken, with the endings that a name of it may have. The first is added to a name that has none of them."""

_ALIASES = {
    "application/ogg": "audio/ogg",
    "audio/x-wav": "audio/wav",
    "audio/wave": "audio/wav",
    "image/x-ms-bmp": "image/bmp",
    "image/heic": "image/heif",
    "audio/x-m4a": "audio/mp4",
}
_ARCHIVE_TYPES = {
    "zip": "application/zip",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "opendocument": "application/vnd.oasis.opendocument",
    "jar": "application/java-archive",
}
_PROGRAMS = frozenset((
    ".exe", ".dll", ".scr", ".com", ".bat", ".cmd", ".ps1", ".psm1", ".vbs", ".vbe", ".js", ".jse", ".mjs", ".wsf",
    ".wsh", ".hta", ".msi", ".msp", ".jar", ".apk", ".app", ".dmg", ".pkg", ".sh", ".bash", ".py", ".pl", ".rb",
    ".php", ".lnk", ".url", ".reg", ".cpl", ".inf", ".chm", ".iso", ".img", ".vhd", ".html", ".htm", ".xhtml",
    ".shtml", ".svg", ".xml", ".xsl", ".mht", ".docm", ".xlsm", ".pptm", ".dotm", ".xltm", ".xlam", ".doc", ".xls",
    ".ppt", ".rtf", ".one",
))  # fmt: skip
"""Endings of what runs, or may hold what runs, when somebody opens it."""
_ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_MARKUP = re.compile(rb"\s*(?:\xef\xbb\xbf)?\s*<[!?a-z]", re.IGNORECASE)
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_ENDING = re.compile(r"[A-Za-z0-9]{1,10}")
_INVISIBLE = frozenset(("Cc", "Cf", "Co", "Cn", "Zl", "Zp"))
"""Control characters, and those that turn the direction of a name or hide in it."""
_FORBIDDEN_IN_NAMES = re.compile(r"[<>:\"|?*]")
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)", re.IGNORECASE)


class Reason(Enum):
    """Why a file is not taken."""

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    TOO_MANY = "too_many"
    TYPE = "type"
    PROGRAM = "program"
    ARCHIVE_BOMB = "archive_bomb"
    ARCHIVE_LOCKED = "archive_locked"
    ARCHIVE_NESTED = "archive_nested"
    ARCHIVE_BROKEN = "archive_broken"


_SENTENCES = {
    Reason.EMPTY: "The file {name} arrived empty. Please send it again.",
    Reason.TOO_LARGE: "The file {name} is too large: we take up to {megabytes} MB. Please send a smaller one.",
    Reason.TOO_MANY: "We take {count} files with one message, so {name} was left out. Please send it in another one.",
    Reason.TYPE: "We can't take the file {name}. Please send it as a PDF, a picture or plain text.",
    Reason.PROGRAM: "We don't take programs or files that may hold one, so {name} was left out. Please send a PDF.",
    Reason.ARCHIVE_BOMB: "The archive {name} unpacks to far too much. Please send the files that matter one by one.",
    Reason.ARCHIVE_LOCKED: "The archive {name} is locked with a password. Please send the files without one.",
    Reason.ARCHIVE_NESTED: "The archive {name} has another archive inside. Please send the files one by one.",
    Reason.ARCHIVE_BROKEN: "The archive {name} is damaged. Please send it again.",
}
_ARCHIVE_REASONS = {
    archive.Verdict.BOMB: Reason.ARCHIVE_BOMB,
    archive.Verdict.LOCKED: Reason.ARCHIVE_LOCKED,
    archive.Verdict.NESTED: Reason.ARCHIVE_NESTED,
    archive.Verdict.BROKEN: Reason.ARCHIVE_BROKEN,
    archive.Verdict.MACROS: Reason.PROGRAM,
}


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is taken with one message. Gmail itself refuses mails over 25 MB."""

    file_bytes: int = 20 * 1_048_576
    total_bytes: int = 40 * 1_048_576
    count: int = 20


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a file was left out: a code for us, a sentence for the customer (English; translated where it is sent)."""

    reason: Reason
    sentence: str


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file as it came: nothing about it is checked."""

    name: str
    type: str
    """What the sender says it is."""
    data: bytes
    content_id: str | None = None
    inline: bool = False


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of a message. ``data`` is empty when it is refused."""

    name: str
    """Safe for a file system, a header and a screen; its ending tells what the file is."""
    declared_type: str
    type: str
    """What its bytes say; ``application/octet-stream`` when they don't."""
    size: int
    data: bytes
    content_id: str | None
    inline: bool
    refusal: Refusal | None = None

    @property
    def file(self) -> File:
        """As an envelope carries it."""
        if self.refusal is not None:
            return File(self.name, self.type, self.size, None, self.refusal.reason.value)
        return File(self.name, self.type, self.size, self.data)


def check(files: Iterable[SentFile], limits: Limits | None = None) -> tuple[Attachment, ...]:
    """Judge the files of one message, in their order."""
    allowed = limits or Limits()
    taken = total = 0
    judged = []
    for file in files:
        kind, reason = _judged(file)
        if len(file.data) > allowed.file_bytes:
            reason = Reason.TOO_LARGE
        elif reason is None and (taken >= allowed.count or total + len(file.data) > allowed.total_bytes):
            reason = Reason.TOO_MANY
        if reason is None:
            taken += 1
            total += len(file.data)
        name = safe_name(file.name, kind)
        sentence = (
            ""
            if reason is None
            else _SENTENCES[reason].format(name=name, megabytes=allowed.file_bytes // 1_048_576, count=allowed.count)
        )
        judged.append(
            Attachment(
                name=name,
                declared_type=file.type,
                type=kind,
                size=len(file.data),
                data=b"" if reason else file.data,
                content_id=file.content_id,
                inline=file.inline,
                refusal=Refusal(reason, sentence) if reason else None,
            )
        )
    return tuple(judged)


def _judged(file: SentFile) -> tuple[str, Reason | None]:
    if not file.data:
        return "application/octet-stream", Reason.EMPTY
    ending = _ending(_bare(file.name))
    if file.data.startswith(_ZIP):
        inside = archive.inspect(file.data)
        kind = _ARCHIVE_TYPES[inside.kind]
        reason = _ARCHIVE_REASONS.get(inside.verdict)
        if reason is None and any(_ending(name) in _PROGRAMS - {".xml"} for name in inside.names):
            reason = Reason.PROGRAM if inside.kind == "zip" else None
    else:
        kind, reason = sniffed(file.data, file.type, file.name), None
    if reason is None and ending in _PROGRAMS:
        reason = Reason.PROGRAM
    if reason is None and kind not in TYPES:
        reason = Reason.PROGRAM if "executable" in kind or kind == "application/java-archive" else Reason.TYPE
    return kind, reason


def sniffed(data: bytes, declared: str, name: str) -> str:
    """What bytes that are no zip archive are."""
    known = _magic(data)
    binary = _BINARY.search(data) is not None
    if known in TYPES or (binary and known):
        return known
    if binary:
        return "application/octet-stream"
    if _MARKUP.match(data[:1_000]):
        return "text/html"
    if data.startswith(b"#!"):
        return "application/x-executable"
    kinds = ("text/csv", "text/calendar")
    return next((kind for kind in kinds if declared == kind or _ending(name) in TYPES[kind]), "text/plain")


def _magic(data: bytes) -> str:
    """The type by the first and last bytes; empty for none that is known."""
    try:
        matches = puremagic.magic_string(data)
    except (puremagic.PureError, ValueError):
        return ""
    if matches[0].extension == ".m4a":
        return "audio/mp4"
    kinds = [str(match.mime_type) for match in matches if match.mime_type]
    return _ALIASES.get(kinds[0], kinds[0]) if kinds else ""


def safe_name(name: str, kind: str) -> str:
    """A name that is a name everywhere: no path, no control or direction character, not too long, a fitting ending."""
    bare = _bare(name) or "attachment"
    endings = TYPES.get(kind, ())
    if endings and _ending(bare) not in endings:
        bare += endings[0]
    stem, ending = (bare[: -len(_ending(bare))], _ending(bare)) if _ending(bare) else (bare, "")
    room = MAX_NAME_BYTES - len(ending.encode())
    return stem.encode()[:room].decode("utf-8", "ignore").rstrip(" .") + ending


def _bare(name: str) -> str:
    last = (
        unicodedata.normalize("NFC", " ".join(storable(name).split())).replace("\\", "/").rstrip("/").rpartition("/")[2]
    )
    visible = "".join(letter for letter in last if unicodedata.category(letter) not in _INVISIBLE)
    plain = _FORBIDDEN_IN_NAMES.sub("_", " ".join(visible.split())).strip(" .")
    return f"_{plain}" if _DEVICES.match(plain) else plain


def _ending(name: str) -> str:
    stem, dot, ending = name.rpartition(".")
    return f".{ending.lower()}" if stem and dot and _ENDING.fullmatch(ending) else ""
