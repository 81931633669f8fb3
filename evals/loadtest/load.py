"""One run of the load: the customers, a hot conversation beside them if asked for, and the progress of both."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from rich.console import Console

from evals.loadtest.arrivals import Profile, steady
from evals.loadtest.channel import LoadChannel
from evals.loadtest.customers import Crowd, Manner
from evals.loadtest.progress import shown
from evals.loadtest.record import Record

CUSTOMERS = "Customers"
HOT = "One hot conversation"


async def run_load(
    channel: LoadChannel,
    questions: Sequence[str],
    profile: Profile,
    manner: Manner,
    console: Console,
    *,
    poisson: bool = True,
    hot: int = 0,
    label: str = "load",
) -> dict[str, Record]:
    """Run one load to its end; the records by ``CUSTOMERS`` and, if there was one, ``HOT``.

    Args:
        channel: closed in the end.
        questions: what is asked.
        profile: how many when.
        manner: of the customers.
        console: where progress is shown.
        poisson: whether arrivals are at random.
        hot: messages of one further conversation, evenly over the same time.
        label: what stands before the progress.
    """
    records = {CUSTOMERS: Record(profile.seconds)}
    crowd = Crowd(channel, questions, manner, records[CUSTOMERS])
    arrivals = profile.arrivals(poisson=poisson, seed=manner.seed)
    try:
        async with shown(records[CUSTOMERS], profile.messages, console, label), asyncio.TaskGroup() as tasks:
            tasks.create_task(crowd.write(arrivals))
            if hot:
                records[HOT] = Record(profile.seconds)
                flood = Crowd(channel, questions, manner, records[HOT])
                evenly = steady(hot / profile.seconds, profile.seconds).arrivals(poisson=False, seed=manner.seed)
                tasks.create_task(flood.flood(evenly))
    finally:
        await channel.close()
    return records
