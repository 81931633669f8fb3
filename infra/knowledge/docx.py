"""Word documents (DOCX) to Markdown: heading styles as headings, lists as lists, tables as rows.

Runs in a process of its own (``infra.knowledge.extraction``). Before anything is unpacked, the archive's
table of contents is judged as a customer's file is: a small file can say that it is an enormous one.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from io import BytesIO
from typing import Any

from channels.archive import Verdict, inspect
from infra.knowledge.extracted import Extracted, ExtractionError

_HEADING = re.compile(r"heading (\d)", re.IGNORECASE)
_LEVELS = 6


def extract_docx(data: bytes) -> Extracted:
    """The text of a Word document as Markdown.

    Raises:
        ExtractionError: it is none, is too large unpacked, or has no text.
    """
    refuse_bomb(data)
    from docx import Document
    from docx.opc.exceptions import OpcError
    from lxml.etree import LxmlError

    try:
        document = Document(BytesIO(data))
        text = "\n".join(_blocks(document)).strip()
        properties = document.core_properties
        title, language = properties.title or "", properties.language or ""
    except (OpcError, LxmlError, zipfile.BadZipFile, KeyError, ValueError, AttributeError, TypeError, OSError) as error:
        raise ExtractionError(
            f"is not a Word document that can be read ({type(error).__name__})", hint="save it anew as .docx"
        ) from None
    if not text:
        raise ExtractionError("has no text in it", hint="text in pictures can't be read")
    return Extracted(title=" ".join(title.split()), text=re.sub(r"\n{3,}", "\n\n", text), language=language)


def refuse_bomb(data: bytes) -> None:
    """See what the archive says of itself, before anything of it is unpacked.

    Raises:
        ExtractionError: it is no archive, is encrypted, or says that it is too large.
    """
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        raise ExtractionError("is locked by a password, or an old .doc", hint="save it as .docx without a password")
    match inspect(data).verdict:
        case Verdict.BROKEN:
            raise ExtractionError("is not a Word document", hint="its name says .docx, its content does not")
        case Verdict.LOCKED:
            raise ExtractionError("is locked by a password", hint="save it without a password")
        case Verdict.BOMB:
            raise ExtractionError("would be far too large unpacked", hint="save it anew, without what swells it")


def _blocks(document: Any) -> Iterator[str]:
    from docx.table import Table

    for block in document.iter_inner_content():
        if isinstance(block, Table):
            yield from ("", *_rows(block), "")
        elif block.text.strip():
            yield from _paragraph(block)


def _paragraph(paragraph: Any) -> Iterator[str]:
    text = " ".join(paragraph.text.split())
    style = paragraph.style.name if paragraph.style is not None else ""
    if level := _level(paragraph, style):
        yield from ("", f"{'#' * level} {text}", "")
    elif depth := _depth(paragraph, style):
        mark = "1." if "number" in style.lower() else "-"
        yield f"{'  ' * (depth - 1)}{mark} {text}"
    else:
        yield from ("", text, "")


def _level(paragraph: Any, style: str) -> int:
    """1 for a title or a heading of the first level …; 0 for none."""
    if style.lower() == "title":
        return 1
    if named := _HEADING.fullmatch(style):
        return min(int(named[1]), _LEVELS)
    levels = paragraph._p.xpath("./w:pPr/w:outlineLvl/@w:val")  # noqa: SLF001 - python-docx has no other way to it
    return min(int(levels[0]) + 1, _LEVELS) if levels and levels[0].isdecimal() and int(levels[0]) < _LEVELS else 0


def _depth(paragraph: Any, style: str) -> int:
    """How deep in lists; 0 outside of them."""
    levels = paragraph._p.xpath("./w:pPr/w:numPr/w:ilvl/@w:val")  # noqa: SLF001 - as above
    if levels:
        return min(int(levels[0]), _LEVELS) + 1 if levels[0].isdecimal() else 1
    if paragraph._p.xpath("./w:pPr/w:numPr") or style.lower().startswith("list"):  # noqa: SLF001 - as above
        number = re.search(r"\d", style)
        return int(number[0]) if number else 1
    return 0


def _rows(table: Any) -> Iterator[str]:
    for number, row in enumerate(table.rows):
        # A cell that spans several columns comes once for each of them.
        cells = list({id(cell._tc): " ".join(cell.text.split()) for cell in row.cells}.values())  # noqa: SLF001 - as above
        written = (cell.replace("|", "/") for cell in cells)
        yield f"| {' | '.join(written)} |"
        if number == 0:
            yield f"|{' --- |' * len(cells)}"
