"""A thousand messages through real processes, while workers are killed and Redis is emptied."""

from __future__ import annotations

from uuid import uuid4

import pytest

from infra.postgres.database import Database
from tests.chaos.scenario import Scenario, Verdict
from tests.product import Product, environment


@pytest.mark.timeout(240)
async def test_every_message_is_answered_once_and_in_order_while_workers_are_killed_and_redis_is_emptied(
    database: Database, database_url: str, redis_url: str
) -> None:
    async with Product(environment(database_url, redis_url, CSAGENT_REDIS_PREFIX=uuid4().hex)) as product:
        verdict = await Scenario(product, database, conversations=100, kills=20, redis_url=redis_url).run()
    assert verdict == Verdict(messages=1000, faults=21, lost=0, reordered=0, doubled=0, unknown=0)


@pytest.mark.timeout(120)
async def test_the_same_holds_where_there_is_no_redis(database: Database, database_url: str) -> None:
    async with Product(environment(database_url, None)) as product:
        verdict = await Scenario(product, database, conversations=20, kills=5, seed=2).run()
    assert verdict == Verdict(messages=200, faults=5, lost=0, reordered=0, doubled=0, unknown=0)
