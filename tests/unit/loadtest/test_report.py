from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.loadtest.audit import Audit
from evals.loadtest.chart import Chart, Line, draw, scale
from evals.loadtest.record import Record
from evals.loadtest.report import render, write_report
from skills.errors import BadRequestError


def a_record(*, replies: bool = True) -> Record:
    record = Record(20)
    for second in range(20):
        record.due(second, behind=0.001)
        record.acknowledged(second, 0.02)
        if replies:
            record.replied(second, 0.5 + second / 100, "agent")
    return record


class Sources(HTMLParser):
    """What a page would load."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [f"{tag} {value}" for name, value in attrs if name in {"src", "href", "action", "data"} and value]


def test_the_page_is_whole_in_itself_and_loads_nothing() -> None:
    page = render({"Customers": a_record()}, {"service": "http://127.0.0.1:8000"})
    sources = Sources()
    sources.feed(page)
    assert sources.found == []
    assert "<script" not in page
    assert "url(" not in page
    assert "@import" not in page
    assert page.count("<figure>") == 4
    assert "prefers-color-scheme: dark" in page


def test_the_page_says_first_whether_anything_went_wrong() -> None:
    record = a_record()
    assert "Nothing was lost" in render({"Customers": record}, {})
    record.audit.add(Audit(lost_replies=1))
    assert "Something was lost" in render({"Customers": record}, {})


def test_what_others_wrote_is_escaped() -> None:
    record = a_record()
    record.failed(1.0, "<script>")
    page = render({"<b>": record}, {"service": "<script>alert(1)</script>"})
    assert "<script>" not in page
    assert "<b></h2>" not in page


def test_a_run_that_nobody_watched_has_no_chart_of_replies() -> None:
    page = render({"Customers": a_record(replies=False)}, {})
    assert "Until the reply is visible" not in page
    assert page.count("<figure>") == 3


def test_a_page_that_cannot_be_written_is_said_in_a_line(tmp_path: Path) -> None:
    with pytest.raises(BadRequestError, match="can't be written"):
        write_report(tmp_path / "no folder" / "report.html", {"Customers": a_record()}, {})
    write_report(tmp_path / "report.html", {"Customers": a_record()}, {})
    assert (tmp_path / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")


@given(st.floats(1e-6, 1e9))
def test_a_scale_is_of_few_even_steps_and_reaches_the_highest(highest: float) -> None:
    steps = scale(highest)
    assert steps[0] == 0
    assert steps[-1] >= highest * (1 - 1e-6)
    assert 2 <= len(steps) <= 6


def test_a_gap_cuts_a_line_in_two_and_a_lone_point_is_a_dot() -> None:
    drawn = draw(Chart("t", "x", "y", (Line("a", ((0, 1), (1, 2), (2, None), (3, 4))),)))
    pieces = re.findall(r'points="([^"]*)"', drawn)
    assert [len(piece.split()) for piece in pieces] == [2, 2]
    assert pieces[1].split()[0] == pieces[1].split()[1]


def test_a_chart_of_nothing_is_nothing() -> None:
    assert draw(Chart("t", "x", "y", (Line("a", ((0, None),)),))) == ""
    assert scale(0) == (0.0, 1.0)
