"""Figures as sentences, charts, pages and files."""

from __future__ import annotations

import csv
import io
import re
import sys
import xml.etree.ElementTree as ET

import pytest

from api.pages.analytics.charts import Bar, Look, Spot, by_part, over_time
from api.pages.analytics.render import figures_page
from api.pages.console.render import Frame
from infra.analytics.definitions import BY_KEY
from infra.analytics.export import as_csv, as_parquet, lines
from infra.analytics.figures import Figure
from infra.analytics.report import Report
from infra.analytics.words import finding, value_text
from skills.errors import BadRequestError
from tests.unit.analytics.reports import EARLIER, EVIL, GOOD, NONE, a_report

SVG = "{http://www.w3.org/2000/svg}"
LOOK = Look("csat", "Up", "CSAT by day", "share")


def test_a_finding_says_what_is_sure_and_no_more() -> None:
    about = a_report().of("csat")
    assert finding(about) == "Customer satisfaction (CSAT): 90.0 %, up from 70.0 %"
    assert finding(a_report(EARLIER, GOOD).of("csat")).endswith("70.0 %, down from 90.0 %")
    near = Figure(0.88, 0.83, 0.92, 176, 200)
    assert finding(a_report(GOOD, near).of("csat")).endswith("90.0 %, no sure change from 88.0 %")
    assert finding(a_report(GOOD, NONE).of("csat")).endswith("nothing to compare in the period before")
    assert finding(a_report(NONE, GOOD).of("csat")).endswith("nothing to measure in this period")


@pytest.mark.parametrize(
    ("unit", "value", "said"),
    [
        ("share", 0.8421, "84.2 %"),
        ("seconds", 3.21, "3.2 s"),
        ("seconds", 59.4, "59 s"),
        ("seconds", 3599.7, "1 h 0 min"),
        ("seconds", 200.2, "3 min 20 s"),
        ("seconds", 90_000, "1 d 1 h"),
        ("money", 0.01234, "0.0123"),
        ("count", 12.44, "12.4"),
        ("count", None, "no data"),
    ],
)
def test_a_value_comes_with_its_unit(unit: str, value: float | None, said: str) -> None:
    assert value_text(unit, value) == said  # type: ignore[arg-type] # parametrized


def drawn(svg: str) -> ET.Element:
    return ET.fromstring(str.replace(svg, "<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))


def test_bars_begin_at_zero_show_their_interval_and_say_their_value() -> None:
    chart = drawn(by_part([Bar("chat", GOOD, 0.7), Bar(EVIL, Figure(0.45, 0.1, 0.8, 9, 20), None)], LOOK))
    bars = chart.findall(f"{SVG}rect")
    assert {bar.get("x") for bar in bars} == {"0"}
    wide = [float(bar.get("width", "").rstrip("%")) for bar in bars]
    assert wide[0] == pytest.approx(2 * wide[1], abs=0.2)
    assert len([line for line in chart.findall(f"{SVG}line") if line.get("class") == "interval"]) == 2
    texts = [text.text for text in chart.findall(f"{SVG}text")]
    assert texts == ["chat", "90.0 % of 200", EVIL, "45.0 % of 20"]


def test_a_line_is_broken_where_there_is_nothing_and_its_axis_begins_at_zero() -> None:
    points = a_report().of("csat").over_time
    spots = [Spot(point.start, point.figure) for point in points]
    chart = drawn(over_time(spots, LOOK))
    kinds = [line.get("class") for line in chart.findall(f"{SVG}line")]
    assert kinds.count("zero") == 1
    assert kinds.count("line") == 0  # every second day has none
    assert len(chart.findall(f"{SVG}circle")) == 3
    assert "0.0 %" in [text.text for text in chart.findall(f"{SVG}text")]
    assert chart.get("aria-labelledby") == "csat-title csat-about"
    assert chart.findtext(f"{SVG}title") == "Up"


def test_the_page_shows_every_figure_and_runs_nothing_that_somebody_typed() -> None:
    answer = figures_page(Frame("ada", "analyst"), a_report(), "reopen")
    page = bytes(answer.body).decode()
    for metric in BY_KEY.values():
        assert metric.name in page
    assert BY_KEY["reopen"].denominator in page
    assert (page.count('<svg class="chart'), page.count("<svg")) == (2, 2 + len(BY_KEY))
    assert page.count("<script") == page.count('<script type="module" src="/assets/') == 1
    assert " style=" not in page
    assert len(re.findall(r'id="([^"]+)"', page)) == len(set(re.findall(r'id="([^"]+)"', page)))
    assert answer.headers["Cache-Control"] == "no-store"


def test_where_nothing_is_known_the_page_offers_today() -> None:
    def page(report: Report) -> str:
        return bytes(figures_page(Frame("ada", "analyst"), report, "csat").body).decode()

    assert 'href="/analytics?from=2026-03-02&amp;to=2026-03-09"' in page(a_report(NONE, NONE))
    assert "with today" not in page(a_report())


def test_a_csv_has_a_line_for_every_figure_and_no_formula() -> None:
    report = a_report()
    read = list(csv.DictReader(io.StringIO(as_csv(report).decode())))
    assert len(read) == len(list(lines(report))) == 12 * (2 + 7 + 6)
    first = read[0]
    assert (first["metric"], first["scope"], first["value"], first["denominator"]) == ("csat", "period", "0.9", "200")
    assert (first["start"], first["end"]) == ("2026-03-02T00:00:00+00:00", "2026-03-09T00:00:00+00:00")
    assert {one["label"] for one in read if one["dimension"] == "channel"} == {"chat", f"'{EVIL}", ""}
    assert read[1]["scope"] == "before"


def test_without_pyarrow_a_parquet_file_is_refused_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(BadRequestError, match="need pyarrow") as refused:
        as_parquet(a_report())
    assert refused.value.hint == "pip install 'csagent[parquet]' on the server, or take CSV"


def test_a_parquet_file_holds_the_same_with_types() -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(io.BytesIO(as_parquet(a_report())))
    assert table.num_rows == 12 * (2 + 7 + 6)
    first = table.slice(0, 1).to_pylist()[0]
    assert (first["value"], first["numerator"], first["denominator"], first["label"]) == (0.9, 180.0, 200, None)
    assert first["start"].isoformat() == "2026-03-02T00:00:00+00:00"
