"""The budget of connections: what all processes may want beside what the server has."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import sql

from infra.postgres.connections import Budget, Connections, Demand
from infra.postgres.database import Database
from tests.databases import a_database

FOUR = Demand(processes=4, pool=12, listening=True)


def test_every_process_wants_its_pool_and_one_to_listen() -> None:
    assert FOUR.connections == 52
    assert Demand(4, 12, listening=False).connections == 48


@pytest.mark.parametrize(
    ("allowed", "reserved", "others", "free", "enough", "pool"),
    [(100, 3, 10, 87, True, 20), (60, 3, 5, 52, True, 12), (60, 3, 6, 51, False, 11), (10, 3, 9, 0, False, -1)],
)
def test_what_is_reserved_or_used_by_others_is_not_free(
    allowed: int, reserved: int, others: int, free: int, *, enough: bool, pool: int
) -> None:
    budget = Budget(FOUR, allowed, reserved, others)
    assert (budget.free, budget.enough, budget.largest_pool) == (free, enough, pool)
    assert str(budget) == (
        f"52 needed (4 processes, 12 pooled and 1 listening each), {free} free"
        f" ({allowed} allowed, {reserved} reserved, {others} used by others)"
    )


async def test_connections_of_other_programs_and_databases_are_counted_ours_are_not(
    database: Database, database_url: str, server_url: str
) -> None:
    connections = Connections(database)

    async def others() -> int:
        return (await connections.budget(FOUR)).others

    before = await others()
    with (
        a_database(server_url) as elsewhere,
        psycopg.connect(database_url),
        psycopg.connect(elsewhere, application_name="csagent api"),
        psycopg.connect(database_url, application_name="csagent listen"),
    ):
        assert await others() == before + 2


async def test_a_limit_of_the_database_counts_where_it_is_the_lower_one(
    database: Database, database_url: str, server_url: str
) -> None:
    with psycopg.connect(server_url, autocommit=True) as server:
        name = sql.Identifier(database_url.rpartition("/")[2])
        server.execute(sql.SQL("alter database {} connection limit 30").format(name))
    budget = await Connections(database).budget(FOUR)
    assert (budget.allowed, budget.free, budget.enough, budget.largest_pool) == (30, 30, False, 6)
