"""PDF to Markdown: headings told by the outline and by the size of their letters, what repeats on every page left out.

A PDF says where letters stand, not what they are; so all of this is told from how the pages look:

- **headings**: a line that the outline names, else a short line in larger letters than most of the text, else a short
  line all in bold;
- **headers and footers**: a line near the edge that stands on most pages, numbers aside; and page numbers;
- **paragraphs**: lines are joined until a larger gap, an item of a list, or a short line that ends a sentence;
- **hyphens** at a line's end are dropped, unless the document writes the word with a hyphen elsewhere.

Runs in a process of its own (``infra.knowledge.extraction``): what strangers put into a PDF can take any time and room.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise
from typing import Any

from infra.knowledge.extracted import Extracted, ExtractionError

MOST_PAGES = 3_000
_EDGE = 3
"""Lines at the top and at the bottom of a page among which headers and footers are looked for."""
_REPEATS = 3
"""Pages on which a line stands at least before it is taken for a header."""
_LARGER = 1.15
"""Times the size of most letters; from there on a line may be a heading."""
_LONGEST_HEADING = 120
_LONGEST_BOLD = 80
_GAP = 1.6
"""Times the usual distance of two lines; from there on a paragraph begins."""
_FARTHEST = 100
"""Points between two lines of one text."""
_SHORT = 0.75
"""Part of a full line; a line that is shorter and ends a sentence ends its paragraph."""
_LEVELS = 4

_PAGE_NUMBER = re.compile(
    r"[\W_]*(?:page|seite|página|p\.|s\.)?\s*\d{1,4}\s*(?:(?:of|von|de|/)\s*\d{1,4})?[\W_]*", re.IGNORECASE
)
_CONTENTS = re.compile(r"(?:\.[ ]?){5,}\s*\d+$")
"""A line of a table of contents."""
_ITEM = re.compile(r"(?:[•▪◦‣·\uf0b7*-]|\d{1,2}[.)]|[a-z]\))\s+\S")
_BULLET = re.compile(r"^[•▪◦‣·\uf0b7]\s*")
_HYPHENED = re.compile(r"(\w*[^\W\d_])[-\u00ad\u2010]$")
_HYPHENED_WORD = re.compile(r"\w+-\w+")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a page. ``size`` is the height of its letters and ``y`` its place from below, in points."""

    text: str
    size: float
    bold: bool
    y: float


def extract_pdf(data: bytes) -> Extracted:
    """The text of a PDF as Markdown.

    Raises:
        ExtractionError: it is none, is encrypted, has too many pages, or no text.
    """
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    try:
        reader = PdfReader(BytesIO(data))
        _refuse_unfit(reader)
        pages = [list(_lines(page)) for page in reader.pages]
        outline = dict(_outlined(reader.outline))
        title = str((reader.metadata and reader.metadata.title) or "")
        language = str(reader.root_object.get("/Lang") or "")
    except ExtractionError:
        raise
    except (PyPdfError, ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError, OSError) as error:
        raise ExtractionError(f"is not a PDF that can be read ({type(error).__name__})", hint="print it anew") from None
    if not any(pages):
        raise ExtractionError("has no text in it, only pictures", hint="it may be scanned: run OCR over it first")
    return Extracted(title=" ".join(title.split()), text=markdown(pages, outline), language=language)


def _refuse_unfit(reader: Any) -> None:
    if reader.is_encrypted and not reader.decrypt(""):
        raise ExtractionError("is locked by a password", hint="save it without one")
    if len(reader.pages) > MOST_PAGES:
        raise ExtractionError(f"has more than {MOST_PAGES:,} pages", hint="split it into several files")


def markdown(pages: Sequence[Sequence[Line]], outline: Mapping[str, int]) -> str:
    """Pages of lines as one text; ``outline`` has the level of each heading that the document itself names."""
    lines = [line for page in _without_edges(pages) for line in page]
    if not lines:
        lines = [line for page in pages for line in page]
    letters = Counter[float]()
    for line in lines:
        letters[round(line.size * 2) / 2] += len(line.text)
    body = letters.most_common(1)[0][0]
    larger = sorted({round(line.size * 2) / 2 for line in lines if line.size >= _LARGER * body}, reverse=True)
    full = sorted(len(line.text) for line in lines)[int(len(lines) * 0.9)]
    spacing = _usual_distance(lines)
    words = {found.lower() for line in lines for found in _HYPHENED_WORD.findall(line.text)}
    out: list[str] = []
    before: Line | None = None
    for line in lines:
        level = _level(line, body, larger, outline)
        if level:
            heading = f"{'#' * level} {line.text}"
            if before is not None and out and out[-1].startswith(f"{'#' * level} ") and _close(before, line, spacing):
                out[-1] += f" {line.text}"  # a heading of two lines
            else:
                out.append(heading)
        elif before is not None and out and not out[-1].startswith("#") and _continues(before, line, full, spacing):
            out[-1] = _joined(out[-1], line.text, words)
        else:
            # A number sign that the document prints begins no heading.
            out.append(re.sub(r"^#", r"\\#", _BULLET.sub("- ", line.text)))
        before = line
    return "\n\n".join(out).replace("\u00ad", "")


def _lines(page: Any) -> Iterator[Line]:
    """The lines of a page, in the order in which it writes them."""
    found: list[list[tuple[str, float, bool, float]]] = [[]]

    def visit(text: str, cm: Sequence[float], tm: Sequence[float], font: Any, size: float) -> None:
        scale = (tm[1] ** 2 + tm[3] ** 2) ** 0.5 * ((cm[1] ** 2 + cm[3] ** 2) ** 0.5 or 1.0)
        height = tm[4] * cm[1] + tm[5] * cm[3] + cm[5]
        bold = "bold" in str((font or {}).get("/BaseFont", "")).lower()
        first, *others = text.split("\n")
        found[-1].append((first, size * (scale or 1.0), bold, height))
        found.extend([(other, size * (scale or 1.0), bold, height)] for other in others)

    page.extract_text(visitor_text=visit)
    for pieces in found:
        written = [piece for piece in pieces if piece[0].strip()]
        text = " ".join("".join(piece[0] for piece in pieces).split())
        if written and text:
            largest = max(written, key=lambda piece: len(piece[0]))
            yield Line(text, largest[1], all(piece[2] for piece in written), written[0][3])


def _outlined(outline: Any, level: int = 1) -> Iterator[tuple[str, int]]:
    for entry in outline:
        if isinstance(entry, list):
            yield from _outlined(entry, level + 1)
        else:
            yield _comparable(str(entry.title)), min(level, _LEVELS)


def _comparable(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def _without_edges(pages: Sequence[Sequence[Line]]) -> Iterator[list[Line]]:
    """The pages without what stands at the edge of most of them, and without page numbers there."""
    counts = Counter(text for page in pages for text in {_numberless(line.text) for line in _edges(page)})
    outermost = Counter(_numberless(line.text) for page in pages if page for line in (page[0], page[-1]))
    usual = max(_REPEATS, len(pages) // 2)

    def repeats(page: Sequence[Line], line: Line) -> bool:
        text = _numberless(line.text)
        # A chapter's name at the very top stands on some pages only.
        at_the_very_edge = line is page[0] or line is page[-1]
        return counts[text] >= usual or (at_the_very_edge and outermost[text] >= _REPEATS)

    for page in pages:
        edge = {id(line) for line in _edges(page)}
        yield [
            line
            for line in page
            if not _CONTENTS.search(line.text)
            and (
                id(line) not in edge
                or not (repeats(page, line) or (len(pages) > 1 and _PAGE_NUMBER.fullmatch(line.text)))
            )
        ]


def _edges(page: Sequence[Line]) -> list[Line]:
    return list({id(line): line for line in (*page[:_EDGE], *page[-_EDGE:])}.values())


def _numberless(text: str) -> str:
    return re.sub(r"\d+", "#", text.lower())


def _level(line: Line, body: float, larger: Sequence[float], outline: Mapping[str, int]) -> int:
    """Which heading a line is; 0 for none."""
    if not re.search(r"[^\W\d_]", line.text) or len(line.text) > _LONGEST_HEADING:
        return 0
    if level := outline.get(_comparable(line.text)):
        return level
    size = round(line.size * 2) / 2
    if size >= _LARGER * body and size in larger:
        return min(larger.index(size) + 1, _LEVELS)
    if line.bold and len(line.text) <= _LONGEST_BOLD and not line.text.endswith((".", ":", ",", ";")):
        return min(len(larger) + 1, _LEVELS)
    return 0


def _usual_distance(lines: Sequence[Line]) -> float:
    steps = Counter(round(one.y - two.y, 1) for one, two in pairwise(lines) if 0 < one.y - two.y < _FARTHEST)
    return steps.most_common(1)[0][0] if steps else 0.0


def _close(before: Line, line: Line, spacing: float) -> bool:
    step = before.y - line.y
    return step <= 0 or not spacing or step <= _GAP * max(spacing, line.size)


def _continues(before: Line, line: Line, full: int, spacing: float) -> bool:
    """Whether a line goes on with the paragraph of the line before."""
    if _ITEM.match(line.text) or not _close(before, line, spacing):
        return False
    ended = before.text.endswith((".", "!", "?", ":", "…"))
    if before.y - line.y <= 0:
        return not ended  # a new page or column: a sentence may go on there
    return not (ended and len(before.text) < _SHORT * full)


def _joined(text: str, line: str, hyphened: set[str]) -> str:
    cut = _HYPHENED.search(text)
    if cut is None or not line[:1].isalpha():
        return f"{text} {line}"
    following = re.match(r"\w+", line)
    assert following is not None  # it begins with a letter
    kept = f"{cut[1]}-{following[0]}".lower() in hyphened or not line[0].islower()
    return f"{text[:-1]}-{line}" if kept else f"{text[:-1]}{line}"
