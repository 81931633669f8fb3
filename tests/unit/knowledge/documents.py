"""Small PDF and Word documents, made by hand."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from io import BytesIO

Placed = tuple[float, float, str]
"""The size of the letters, the place from below in points, the text. A size below zero is bold."""


def pdf(*pages: Sequence[Placed], title: str = "", outline: Sequence[str] = ()) -> bytes:
    """A PDF with these lines on its pages."""
    objects: list[bytes] = []

    def add(body: bytes) -> int:
        objects.append(body)
        return len(objects)

    add(b"")  # the catalog
    add(b"")  # the pages
    plain = add(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>")
    bold = add(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>")
    kids = []
    for page in pages:
        content = b"\n".join(
            b"BT /F%d %g Tf 1 0 0 1 72 %g Tm (%s) Tj ET" % (2 if size < 0 else 1, abs(size), y, _escaped(text))
            for size, y, text in page
        )
        packed = zlib.compress(content)
        stream = add(b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(packed), packed))
        kids.append(
            add(
                b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R"
                b" /Resources << /Font << /F1 %d 0 R /F2 %d 0 R >> >> >>" % (stream, plain, bold)
            )
        )
    named = b""
    if outline:
        first = len(objects) + 2
        root = add(b"<< /Type /Outlines /First %d 0 R /Last %d 0 R >>" % (first, first + len(outline) - 1))
        for number, entry in enumerate(outline):
            following = b" /Next %d 0 R" % (first + number + 1) if number + 1 < len(outline) else b""
            add(b"<< /Title (%s) /Parent %d 0 R%s /Dest [%d 0 R /Fit] >>" % (_escaped(entry), root, following, kids[0]))
        named = b" /Outlines %d 0 R" % root
    objects[0] = b"<< /Type /Catalog /Pages 2 0 R%s >>" % named
    objects[1] = b"<< /Type /Pages /Count %d /Kids [%s] >>" % (len(kids), b" ".join(b"%d 0 R" % kid for kid in kids))
    info = add(b"<< /Title (%s) >>" % _escaped(title))
    out = bytearray(b"%PDF-1.4\n")
    places = []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer << /Size %d /Root 1 0 R /Info %d 0 R >>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, info, start)
    return bytes(out)


def locked_pdf(password: str) -> bytes:
    """One that opens with a password only."""
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter(clone_from=PdfReader(BytesIO(pdf([(12, 700, "Secret.")]))))
    writer.encrypt(password, algorithm="AES-256")
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


def _escaped(text: str) -> bytes:
    return text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)").encode("cp1252")
