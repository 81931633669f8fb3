"""``csagent topics``: what customers write about."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from api.commands.connection import connected, run
from api.commands.options import AsJson
from api.commands.printing import output, print_json, visible
from infra.postgres.topics import TopicCount, Topics

_COLUMNS = ("turns", "answered", "escalated", "near", "far")


def command(
    days: Annotated[int, typer.Option(min=1, max=3660, help="So many days back.")] = 30, *, as_json: AsJson = False
) -> None:
    """Count turns by topic and channel, the most frequent first.

    A topic is one of your intents (`csagent intents train`), else the
    article that answers best. Near and far are turns outside of scope.
    With --json the figures come day by day.

    Turns are counted here, each under its own topic. The figures
    (`csagent analytics`) count cases, each under the topic of its last
    turn that has one, so the numbers of a topic differ.
    """
    now = datetime.now(UTC)

    async def work() -> list[TopicCount]:
        async with connected("topics") as services:
            return await Topics(services.database).counts(now - timedelta(days=days), now)

    counts = run(work)
    if as_json:
        print_json(counts)
        return
    if not counts:
        output().print(f"no turns in the last {days} days")
        return
    totals: dict[tuple[str | None, str], list[int]] = defaultdict(lambda: [0] * len(_COLUMNS))
    for count in counts:
        total = totals[count.topic, count.channel]
        for column, name in enumerate(_COLUMNS):
            total[column] += getattr(count, name)
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("topic", overflow="fold")
    table.add_column("channel")
    for name in _COLUMNS:
        table.add_column(name, justify="right")
    for (topic, channel), total in sorted(totals.items(), key=lambda row: -row[1][0]):
        table.add_row(Text(visible(topic or "none")), channel, *(f"{number:,}" for number in total))
    output().print(table)
