"""One product for each channel's bench, for all of its tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from uuid import uuid4

import pytest

from tests.databases import LentDatabases
from tests.integration.channels.bench import Bench
from tests.integration.channels.benches import BENCHES
from tests.integration.channels.stage import Stage, staged
from tests.integration.serving import settings_on


@dataclass(frozen=True, slots=True)
class Scene:
    """A channel at work."""

    bench: Bench
    stage: Stage


@pytest.fixture(scope="module", params=sorted(BENCHES))
async def scene(request: pytest.FixtureRequest, databases: LentDatabases) -> AsyncIterator[Scene]:
    async with AsyncExitStack() as stack:
        url = stack.enter_context(databases.lend())
        bench = await stack.enter_async_context(BENCHES[request.param]())
        stage = await stack.enter_async_context(staged(bench.set_up(settings_on(url)), (bench.channel,)))
        yield Scene(bench, stage)


@pytest.fixture
def customer() -> str:
    """Somebody who never wrote before."""
    return uuid4().hex
