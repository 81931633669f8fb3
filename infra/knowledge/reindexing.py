"""Gives every passage a vector of another embedding model, switches to it in one moment, and drops the old ones.

Search goes on all the time. Interrupted while filling, the vectors that are in stay, and the next run goes on; after
the switch, the next run only drops what is left of the old model. Articles that are added meanwhile get vectors of the
model that answers, and are filled before the switch: it happens only while no passage waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from infra.knowledge.ingest import Ingest, Progress
from infra.knowledge.switching import Model


class EmbeddingModels(Protocol):
    """Which models there are, and which one answers."""

    async def answering(self) -> Model | None:
        """The one that answers; ``None`` while none was ever used."""
        ...

    async def begin(self, model: Model) -> None:
        """From now on this one is filled beside it."""
        ...

    async def count_waiting(self, model: str) -> int:
        """Passages without a vector of it."""
        ...

    async def switch(self, model: str) -> bool:
        """Let it answer, unless a passage waits for its vector; says whether it does now."""
        ...

    async def leaving(self) -> list[str]:
        """The models that answered before and still have vectors."""
        ...

    async def drop(self, model: str) -> int:
        """Remove the vectors and the index of a model that does not answer; returns how many vectors there were."""
        ...


async def reindex(
    models: EmbeddingModels,
    ingest: Ingest,
    model: Model,
    *,
    grace: float,
    progress: Progress | None = None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> list[str]:
    """Fill, switch, wait until every process has followed, and drop.

    Args:
        models: which models there are.
        ingest: puts vectors of the new model in.
        model: the new model; when it answers already, nothing is filled.
        grace: seconds that the old vectors stay after the switch.
        progress: called with passages done and all that there are to do.
        sleep: waits the grace.

    Returns:
        The models whose vectors were dropped.

    Raises:
        ModelUnavailableError: the new model gave up; what is in stays, and the old one answers.
    """
    answering = await models.answering()
    if answering is None or answering.name != model.name:
        await models.begin(model)
        while True:
            await ingest.fill(await models.count_waiting(model.name), progress)
            if await models.switch(model.name):
                break
    leaving = await models.leaving()
    if leaving:
        await sleep(grace)
    for old in leaving:
        await models.drop(old)
    return leaving
