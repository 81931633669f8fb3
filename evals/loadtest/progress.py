"""A run while it goes on: one line on a terminal, nothing where there is none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from evals.loadtest.record import Record
from infra.tasks import end

_EVERY = 0.5


@asynccontextmanager
async def shown(record: Record, expected: float, console: Console, label: str) -> AsyncIterator[None]:
    """Show how the record fills while the block runs.

    Args:
        record: of the run.
        expected: messages, for the bar.
        console: where to.
        label: what stands before the bar.
    """
    columns = (TextColumn("{task.description}"), BarColumn(20), TextColumn("{task.fields[told]}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task(label, total=expected, told="")

        async def follow() -> None:
            while True:
                progress.update(bar, completed=record.sent, told=_line(record))
                await asyncio.sleep(_EVERY)

        following = asyncio.create_task(follow())
        try:
            yield
        finally:
            await end([following])


def _line(record: Record) -> str:
    acknowledged, replied = record.all_acknowledged, record.all_replied
    parts = [f"{record.sent:,} sent", f"ack p99 {acknowledged.percentile(99) * 1000:.0f} ms"]
    if len(replied):
        parts.append(f"{len(replied):,} replies p95 {replied.percentile(95) * 1000:.0f} ms")
    if errors := record.errors.total():
        parts.append(f"[red]{errors:,} errors[/]")
    return " · ".join(parts)
