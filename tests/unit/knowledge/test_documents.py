"""PDF and Word documents become Markdown; what can't be read, or would take too much, is said."""

from __future__ import annotations

import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from docx import Document
from docx.document import Document as Word
from hypothesis import given
from hypothesis import strategies as st

from infra.knowledge.docx import extract_docx
from infra.knowledge.extracted import ExtractionError
from infra.knowledge.extraction import Allowed, extract
from infra.knowledge.pdf import Line, extract_pdf, markdown
from infra.knowledge.reading import read_articles
from tests.unit.knowledge.documents import locked_pdf, pdf

BODY = (
    "You may send back what you bought within",
    "thirty days. We refund the whole price, and ship-",
    "ping too where the goods were broken. An e-mail",
    "tells you when your e-",
    "mail refund is on its way.",
)


def page(number: int, *lines: tuple[float, float, str]) -> list[tuple[float, float, str]]:
    return [(8, 760, "Example Ltd - Terms 2026"), *lines, (8, 40, f"Page {number} of 3")]


def text_of(*lines: str, y: float = 700) -> list[tuple[float, float, str]]:
    return [(11, y - 14 * number, line) for number, line in enumerate(lines)]


def test_headings_paragraphs_and_hyphens_of_a_pdf_are_told_from_its_looks() -> None:
    data = pdf(
        page(1, (20, 730, "Terms of sale"), *text_of(*BODY)),
        page(2, (15, 730, "Delivery"), *text_of("Parcels take three days.", "They are insured.")),
        page(3, (-11, 730, "What it costs"), *text_of("Four euros.")),
    )
    assert extract_pdf(data).text.split("\n\n") == [
        "# Terms of sale",
        (
            "You may send back what you bought within thirty days. We refund the whole price, and shipping too where "
            "the goods were broken. An e-mail tells you when your e-mail refund is on its way."
        ),
        "## Delivery",
        "Parcels take three days.",
        "They are insured.",
        "### What it costs",
        "Four euros.",
    ]


def test_the_outline_of_a_pdf_names_its_headings() -> None:
    lines = text_of("Returns", "Within thirty days.", "Refunds", "Within five days.")
    assert extract_pdf(pdf(lines, outline=["Returns", "Refunds"])).text.split("\n\n") == [
        "# Returns", "Within thirty days.", "# Refunds", "Within five days.",
    ]  # fmt: skip


def test_what_stands_on_every_page_is_left_out_and_a_short_document_keeps_all() -> None:
    data = pdf(
        *(page(n, *text_of(f"Rule {word} holds for all.", y=600)) for n, word in ((1, "one"), (2, "two"), (3, "three")))
    )
    text = extract_pdf(data).text
    assert "Example Ltd" not in text
    assert "Page" not in text
    assert [f"Rule {word}" in text for word in ("one", "two", "three")] == [True] * 3
    assert extract_pdf(pdf([(11, 700, "Example Ltd - Terms 2026")])).text == "Example Ltd - Terms 2026"


def test_a_table_of_contents_is_left_out_and_a_printed_number_sign_is_no_heading() -> None:
    lines = text_of("Returns . . . . . . . . . . . . . . 4", "# a comment of a program", "- an item")
    assert extract_pdf(pdf(lines)).text.split("\n\n") == ["\\# a comment of a program", "- an item"]


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (locked_pdf("sesame"), "locked by a password"),
        (pdf([]), "only pictures"),
        (b"%PDF-1.4 nothing more", "not a PDF that can be read"),
        (b"", "not a PDF that can be read"),
        (pdf([(11, 700, "Half of it.")])[:300], "not a PDF that can be read"),
    ],
)
def test_a_pdf_that_cannot_be_read_says_why(data: bytes, complaint: str) -> None:
    with pytest.raises(ExtractionError, match=complaint):
        extract_pdf(data)


@given(
    st.lists(
        st.lists(
            st.builds(
                Line,
                st.text("aB-.1• é", min_size=1).map(str.strip).filter(bool),
                st.sampled_from([9.0, 11.0, 18.0]),
                st.booleans(),
                st.floats(0, 800),
            ),
            min_size=1,
            max_size=8,
        ),
        min_size=1,
        max_size=5,
    )
)
def test_any_lines_become_a_text(pages: list[list[Line]]) -> None:
    assert markdown(pages, {}).strip()


def word_file() -> Word:
    document = Document()
    document.core_properties.title = "Delivery terms"
    document.add_heading("Delivery", 1)
    document.add_paragraph("Parcels take three days.")
    document.add_heading("Abroad", 2)
    document.add_paragraph("We need:")
    document.add_paragraph("an address", style="List Bullet")
    document.add_paragraph("a phone number", style="List Bullet")
    table = document.add_table(rows=3, cols=2)
    for row, cells in enumerate((("Country", "Price"), ("France", "9 euros"), ("Norway", "19 euros"))):
        for column, cell in enumerate(cells):
            table.cell(row, column).text = cell
    return document


def saved(document: Word) -> bytes:
    out = BytesIO()
    document.save(out)
    return out.getvalue()


def test_headings_lists_and_tables_of_a_word_document_are_kept() -> None:
    found = extract_docx(saved(word_file()))
    assert found.title == "Delivery terms"
    assert found.text == (
        "# Delivery\n\n\nParcels take three days.\n\n\n## Abroad\n\n\nWe need:\n\n- an address\n- a phone number\n\n"
        "| Country | Price |\n| --- | --- |\n| France | 9 euros |\n| Norway | 19 euros |"
    ).replace("\n\n\n", "\n\n")


def test_a_small_archive_that_says_it_is_enormous_is_refused_unopened() -> None:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b"<a>" + b" " * (8 << 20))
    with pytest.raises(ExtractionError, match="far too large unpacked"):
        extract_docx(out.getvalue())


@pytest.mark.parametrize("data", [b"", b"PK\3\4 broken", b"\xd0\xcf\x11\xe0 old"])
def test_what_is_no_word_document_is_said(data: bytes) -> None:
    with pytest.raises(ExtractionError, match=r"Word document|old \.doc"):
        extract_docx(data)


def test_documents_in_a_folder_are_read_in_a_process_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "terms.pdf").write_bytes(pdf([(20, 730, "Terms"), *text_of(*BODY)]))
    (tmp_path / "delivery.docx").write_bytes(saved(word_file()))
    (tmp_path / "locked.pdf").write_bytes(locked_pdf("sesame"))
    reading = read_articles(tmp_path)
    assert [(found.slug, found.title) for found in reading.articles] == [
        ("delivery.docx", "Delivery"),
        ("terms.pdf", "Terms"),
    ]
    (problem,) = reading.problems
    assert str(problem) == "locked.pdf: is locked by a password"


@pytest.mark.parametrize(
    ("allowed", "complaint"),
    [
        (Allowed(seconds=0.01), "takes longer"),
        (Allowed(memory_bytes=40 << 20), "needs too much memory"),
        (Allowed(characters=10), "more text"),
    ],
)
def test_a_document_may_take_only_so_much(allowed: Allowed, complaint: str) -> None:
    long_enough_to_need_memory = pdf(text_of(*BODY)) + b"\n" * (32 << 20)
    with pytest.raises(ExtractionError, match=complaint):
        extract(long_enough_to_need_memory, "pdf", allowed)
