"""Files: what they are, how they are called, and which are not taken."""

from __future__ import annotations

import io
import struct
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.archive import MAX_ENTRIES, Verdict, inspect
from channels.attachments import MAX_NAME_BYTES, TYPES, Limits, Reason, SentFile, check, safe_name

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + b"\0" * 40


def file(data: bytes, name: str = "a", kind: str = "application/octet-stream") -> SentFile:
    return SentFile(name, kind, data, None, inline=False)


def archive(*names: str, data: bytes = b"x", method: int = zipfile.ZIP_STORED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as opened:
        for name in names:
            opened.writestr(name, data)
    return packed.getvalue()


DOCX = archive("[Content_Types].xml", "word/document.xml")


def named(value: object) -> str:
    """The name of an example: without its bytes, for an archive's hold the time at which it was made."""
    return "data" if isinstance(value, bytes) else str(value)


@pytest.mark.parametrize(
    ("data", "name", "declared", "kind", "shown"),
    [
        (PNG, "photo.png", "image/png", "image/png", "photo.png"),
        (PNG, "photo.jpg", "image/jpeg", "image/png", "photo.jpg.png"),
        (PNG, "", "image/png", "image/png", "attachment.png"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF\0" + b"\0" * 20, "a.JPG", "x", "image/jpeg", "a.jpg"),
        (b"%PDF-1.7\n%\xe2\xe3\n%%EOF", "r.pdf", "application/octet-stream", "application/pdf", "r.pdf"),
        (b"RIFF\x24\0\0\0WEBPVP8 " + b"\0" * 20, "a.webp", "x", "image/webp", "a.webp"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "a.heic", "x", "image/heif", "a.heic"),
        (b"\0\0\0\x18ftypM4A \0\0\2\0", "a.m4a", "x", "audio/mp4", "a.m4a"),
        (b"\0\0\0\x18ftypisom\0\0\2\0isomiso2", "a.mp4", "x", "video/mp4", "a.mp4"),
        (b"OggS\0\2" + b"\0" * 30, "a.opus", "audio/opus", "audio/ogg", "a.opus"),
        (b"plain words", "notes", "text/plain", "text/plain", "notes.txt"),
        (b"a;b\n1;2", "list.csv", "application/vnd.ms-excel", "text/csv", "list.csv"),
        (b"BEGIN:VCALENDAR", "x.ics", "text/calendar", "text/calendar", "x.ics"),
        (archive("a.txt"), "a.zip", "x", "application/zip", "a.zip"),
        (DOCX, "a.docx", "x", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "a.docx"),
        (archive("mimetype", "content.xml"), "a.ods", "x", "application/vnd.oasis.opendocument", "a.ods"),
    ],
    ids=named,
)
def test_a_file_is_what_its_bytes_say(data: bytes, name: str, declared: str, kind: str, shown: str) -> None:
    (judged,) = check([file(data, name, declared)])
    assert (judged.type, judged.name, judged.refusal) == (kind, shown, None)
    assert (judged.data, judged.size, judged.declared_type) == (data, len(data), declared)


def locked() -> bytes:
    raw = bytearray(archive("a.txt"))
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    return bytes(raw)


@pytest.mark.parametrize(
    ("data", "name", "reason"),
    [
        (b"", "a.png", Reason.EMPTY),
        (b"MZ\x90\0" + b"\0" * 60, "invoice.pdf", Reason.PROGRAM),
        (b"#!/bin/sh\nrm", "a.txt", Reason.PROGRAM),
        (b"words", "invoice.pdf.EXE", Reason.PROGRAM),
        (b"words", "a.js", Reason.PROGRAM),
        (b"<script>alert(1)</script>", "a.txt", Reason.TYPE),
        (b"<svg xmlns='http://www.w3.org/2000/svg'>", "a.png", Reason.TYPE),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "old", Reason.TYPE),
        (b"7z\xbc\xaf\x27\x1c" + b"\0" * 30, "a.7z", Reason.TYPE),
        (b"\x01\x02\x03 nothing known", "a", Reason.TYPE),
        (archive("a.txt", data=b"\0" * 5_000_000, method=zipfile.ZIP_DEFLATED), "a.zip", Reason.ARCHIVE_BOMB),
        (archive(*(f"{number}" for number in range(MAX_ENTRIES + 1))), "a.zip", Reason.ARCHIVE_BOMB),
        (locked(), "a.zip", Reason.ARCHIVE_LOCKED),
        (archive("a.zip"), "a.zip", Reason.ARCHIVE_NESTED),
        (archive("a.txt")[:-10], "a.zip", Reason.ARCHIVE_BROKEN),
        (archive("a.exe"), "a.zip", Reason.PROGRAM),
        (archive("META-INF/MANIFEST.MF"), "a.zip", Reason.PROGRAM),
        (archive("[Content_Types].xml", "word/vbaProject.bin"), "a.docx", Reason.PROGRAM),
    ],
    ids=named,
)
def test_what_is_not_taken_says_why_and_keeps_no_bytes(data: bytes, name: str, reason: Reason) -> None:
    (judged,) = check([file(data, name)])
    assert judged.refusal is not None
    assert judged.refusal.reason is reason
    assert judged.name in judged.refusal.sentence
    assert judged.data == b""


def test_sizes_and_numbers_have_limits() -> None:
    limits = Limits(file_bytes=100, total_bytes=150, count=2)
    judged = check([file(b"a" * 101), file(b"b" * 100), file(b"c" * 60), file(b"d" * 50), file(b"e")], limits)
    assert [one.refusal and one.refusal.reason for one in judged] == [
        Reason.TOO_LARGE,
        None,
        Reason.TOO_MANY,
        None,
        Reason.TOO_MANY,
    ]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd.txt"),
        ("C:\\Users\\ada\\notes.txt", "notes.txt"),
        ("a\r\nX-Evil: 1.txt", "a X-Evil_ 1.txt"),
        ("ann\u202etxt.exe", "anntxt.exe.txt"),
        ("con.txt", "_con.txt"),
        ("...", "attachment.txt"),
        (".bashrc", "bashrc.txt"),
        ("a" * 500 + ".txt", "a" * (MAX_NAME_BYTES - 4) + ".txt"),
        ("Größe.txt", "Größe.txt"),
    ],
)
def test_a_name_is_safe_everywhere(name: str, shown: str) -> None:
    assert safe_name(name, "text/plain") == shown


@given(st.text(), st.sampled_from([*TYPES, "x/y"]))
def test_any_name_is_made_safe(name: str, kind: str) -> None:
    shown = safe_name(name, kind)
    assert 0 < len(shown.encode()) <= MAX_NAME_BYTES
    assert shown.isprintable()
    assert not set(shown) & set('/\\:*?"<>|')
    assert safe_name(shown, kind) == shown


@given(st.binary(), st.text(max_size=20), st.sampled_from([b"", b"PK\3\4", b"PK\5\6", b"%PDF", b"MZ"]))
def test_any_bytes_are_judged(data: bytes, name: str, start: bytes) -> None:
    (judged,) = check([file(start + data, name)])
    assert judged.size == len(start + data)


@given(st.data())
def test_a_damaged_archive_is_judged(data: st.DataObject) -> None:
    raw = bytearray(archive("a.txt", "b.txt"))
    for _ in range(4):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    assert inspect(bytes(raw)).verdict in Verdict


def test_a_table_of_contents_that_lies_about_its_size_is_not_read() -> None:
    raw = b"PK\3\4" + b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 1, 1, 2**31, 0, 0)
    assert inspect(raw).verdict is Verdict.BOMB
