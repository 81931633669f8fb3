"""winmail.dat: what Outlook wraps is unwrapped, and lying counts cost nothing."""

from __future__ import annotations

import base64
import struct
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.gmail.mail import read_mail
from channels.gmail.winmail import WinmailFile, open_winmail

START = struct.pack("<IH", 0x223E9F78, 1)


def item(level: int, name: int, data: bytes) -> bytes:
    return struct.pack("<BIIH", level, 0, len(data), 0)[:1] + struct.pack("<HHI", name, 6, len(data)) + data + b"\0\0"


def text(kind: int, name: int, value: bytes) -> bytes:
    return struct.pack("<HHII", kind, name, 1, len(value)) + value + b"\0" * (-len(value) % 4)


PROPERTIES = (
    struct.pack("<I", 4)
    + struct.pack("<HHI", 3, 0x0E07, 1)
    + struct.pack("<HH16sII", 3, 0x8001, b"\0" * 16, 0, 5)
    + struct.pack("<I", 7)
    + struct.pack("<HH16sII", 3, 0x8002, b"\0" * 16, 1, 3)
    + b"abc\0"
    + struct.pack("<I", 7)
    + text(0x102, 0x1013, b"<p>Rich <b>words</b></p>")
)
LONG_NAME = struct.pack("<I", 1) + text(0x1F, 0x3707, "Größe lang.txt\0".encode("utf-16-le"))
WINMAIL = (
    START
    + item(1, 0x9003, PROPERTIES)
    + item(2, 0x9002, b"\0" * 14)
    + item(2, 0x8010, b"GROESS~1.TXT\0")
    + item(2, 0x800F, b"file words")
    + item(2, 0x9005, LONG_NAME)
    + b"\0" * 12
)


def test_text_and_files_are_found() -> None:
    opened = open_winmail(WINMAIL)
    assert opened is not None
    assert opened.html == "<p>Rich <b>words</b></p>"
    assert opened.files == (WinmailFile("Größe lang.txt", b"file words"),)


def test_a_mail_of_outlook_reads_like_any_other() -> None:
    read = read_mail(
        b"From: a@x.example\nContent-Type: application/ms-tnef; name=winmail.dat\nContent-Transfer-Encoding: base64\n\n"
        + base64.encodebytes(WINMAIL)
    )
    assert read.text == "Rich words"
    assert [(one.name, one.data) for one in read.attachments] == [("Größe lang.txt", b"file words")]


def test_a_plain_body_is_found() -> None:
    opened = open_winmail(START + item(1, 0x800C, b"Plain words\0") + item(2, 0x800F, b"no file before") + b"\0" * 12)
    assert opened is not None
    assert (opened.text, opened.files) == ("Plain words", ())


def test_what_is_no_winmail_stays_a_file() -> None:
    assert open_winmail(b"%PDF-1.7") is None
    read = read_mail(b"Content-Type: application/ms-tnef; name=winmail.dat\n\n%PDF-1.7 %%EOF")
    assert [one.type for one in read.attachments] == ["application/pdf"]


@pytest.mark.parametrize(
    "properties",
    [
        struct.pack("<I", 2**32 - 1),
        struct.pack("<IHHI", 1, 0x1002, 1, 2**32 - 1),
        struct.pack("<IHHI", 1, 0x1001, 1, 2**32 - 1),
        struct.pack("<IHHI", 1, 0x1E, 1, 2**32 - 1),
    ],
)
def test_a_count_that_the_bytes_do_not_hold_costs_nothing(properties: bytes) -> None:
    began = time.process_time()
    assert open_winmail(START + item(1, 0x9003, properties) + b"\0" * 20) is not None
    assert time.process_time() - began < 1


@settings(deadline=None)
@given(st.binary(), st.integers(0, len(WINMAIL) - 1), st.integers(0, 255))
def test_any_bytes_are_opened_or_not(tail: bytes, at: int, byte: int) -> None:
    open_winmail(START + tail)
    open_winmail(WINMAIL[:at] + bytes([byte]) + WINMAIL[at + 1 :])
