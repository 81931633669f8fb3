"""``csagent analytics``: how it goes, in figures."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, get_args

import typer
from rich.table import Table
from rich.text import Text

from api.commands.connection import connected, run
from api.commands.options import AsJson
from api.commands.printing import notices, output, plural, print_json, visible
from infra.analytics.definitions import BY_KEY, DIMENSIONS
from infra.analytics.export import as_csv, as_parquet
from infra.analytics.periods import STEPS, Period, Step, last_days
from infra.analytics.report import Filters, Measured, Question, Report
from infra.analytics.words import interval_text, label_text, value_text
from skills.errors import BadRequestError

_USUAL_DAYS = 30
_WRITERS = {".csv": as_csv, ".parquet": as_parquet}
_Label = Annotated[str | None, typer.Option(help="Only this one.")]


def command(
    first: Annotated[str | None, typer.Option("--from", help="First day, YYYY-MM-DD (UTC).", show_default="")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last day, included.", show_default="yesterday")] = None,
    step: Annotated[str | None, typer.Option(help=f"How time is cut: {', '.join(STEPS)}.", show_default="")] = None,
    channel: _Label = None,
    language: _Label = None,
    segment: _Label = None,
    topic: _Label = None,
    metric: Annotated[
        str | None, typer.Option(help="One figure over time and by its parts: csat, reopen …", show_default="")
    ] = None,
    export: Annotated[
        Path | None, typer.Option(help="Write every figure into this .csv or .parquet file.", show_default="")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Compute all cases in the database again first.")] = False,
    *,
    as_json: AsJson = False,
) -> None:
    """Show how it goes: satisfaction, times, self-service, cost.

    The last 30 whole days, beside the 30 before, unless you say
    otherwise. Each figure comes with its 95 % interval;
    docs/analytics.md says what each of them means.
    """
    question = _question(first, last, step, Filters(channel, language, segment, topic))
    if metric is not None and metric not in BY_KEY:
        raise BadRequestError(f"there is no figure {metric!r}", hint=f"one of {', '.join(BY_KEY)}")
    if export is not None and export.suffix not in _WRITERS:
        raise BadRequestError("that is no format of ours", hint="name a file that ends in .csv or .parquet")

    async def work() -> Report:
        async with connected("analytics") as services:
            if again:
                await services.analytics_rows.start_over()
            while (await services.analytics_rows.refresh()).more:
                pass
            return await services.analytics.report(question)

    report = run(work)
    if report.notice:
        notices().print(f"[yellow]note:[/] {report.notice}")
    if export is not None:
        export.write_bytes(_WRITERS[export.suffix](report))
        notices().print(f"written: {export}")
    elif as_json:
        print_json(_plain(report, metric))
    elif metric is not None:
        _print_one(next(one for one in report.measured if one.metric.key == metric), report)
    else:
        _print_all(report)


def _question(first: str | None, last: str | None, step: str | None, filters: Filters) -> Question:
    usual = last_days(_USUAL_DAYS, datetime.now(UTC).date())
    begin, end = (None if text is None else _day(text) for text in (first, last))
    period = Period(begin or min(usual.first, end or usual.first), end or max(usual.last, begin or usual.last))
    steps: dict[str, Step] = {name: name for name in get_args(Step)}
    if step is not None and step not in steps:
        raise BadRequestError(f"time can't be cut by {step!r}", hint=f"one of {', '.join(STEPS)}")
    return Question(period, period.usual_step if step is None else steps[step], filters)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadRequestError(f"{visible(text)!r} is no day", hint="write it like 2026-03-31") from None


def _plain(report: Report, metric: str | None) -> dict[str, object]:
    period = report.question.period
    return {
        "from": period.first,
        "to": period.last,
        "step": report.question.step,
        "filters": asdict(report.question.filters),
        "as_of": report.as_of,
        "served": report.served,
        "notice": report.notice,
        "metrics": {
            one.metric.key: {
                "unit": one.metric.unit,
                "now": asdict(one.now),
                "before": asdict(one.before),
                "differs": one.differs,
                "over_time": [asdict(point) for point in one.over_time],
                "parts": {dimension: [asdict(part) for part in parts] for dimension, parts in one.parts.items()},
            }
            for one in report.measured
            if metric in {None, one.metric.key}
        },
        "reviewers": [asdict(one) for one in report.reviewers],
    }


def _print_all(report: Report) -> None:
    period = report.question.period
    output().print(f"{period.first} to {period.last} (UTC), beside the {plural(period.days, 'day')} before")
    table = _table("figure", "now", "95 %", "before", "of")
    for one in report.measured:
        style = "bold" if one.differs else ""
        table.add_row(
            one.metric.name,
            Text(value_text(one.metric.unit, one.now.value), style=style),
            Text(interval_text(one.metric.unit, one.now), style="dim"),
            value_text(one.metric.unit, one.before.value),
            f"{one.now.denominator:,}",
        )
    output().print(table)
    if report.reviewers:
        people = _table("reviewer", "days", "decisions", "replies", "median wait")
        for person in report.reviewers:
            people.add_row(
                visible(person.name),
                str(person.days),
                f"{sum(person.decisions.values()):,}",
                f"{person.replies:,}",
                value_text("seconds", person.seconds),
            )
        output().print("")
        output().print(people)


def _print_one(measured: Measured, report: Report) -> None:
    metric = measured.metric
    output().print(f"{metric.name}: {metric.meaning}")
    output().print(f"of: {metric.denominator}", style="dim")
    output().print(f"counted: {metric.numerator}", style="dim")
    rows = [("all", measured.now)]
    rows += [(f"{report.question.step} of {point.start:%Y-%m-%d}", point.figure) for point in measured.over_time]
    for dimension in DIMENSIONS:
        rows += [(f"{dimension} {label_text(part.label)}", part.now) for part in measured.parts[dimension]]
    table = _table("", "value", "95 %", "of")
    for name, figure in rows:
        table.add_row(
            Text(visible(name)),
            value_text(metric.unit, figure.value),
            Text(interval_text(metric.unit, figure), style="dim"),
            f"{figure.denominator:,}",
        )
    output().print(table)


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column(first, overflow="fold")
    for name in others:
        table.add_column(name, justify="right")
    return table
