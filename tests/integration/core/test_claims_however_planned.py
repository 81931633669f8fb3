"""A claim takes no more than it may, whatever the database believes about the table and plans by it.

A subquery with `limit … for update skip locked` that a join asks again for every row of another table gives further
rows each time. Whether it is asked again hangs on statistics that change by the minute.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.core import NOW, Core

pytestmark = pytest.mark.no_cover  # the same code again and again, in another order or with other data


BELIEVE = """
select pg_restore_relation_stats(
    'schemaname', 'public', 'relname', relname, 'relpages', %s::int, 'reltuples', %s::real
) from unnest(array['outbox', 'case_work']) relname
"""
FORGET = "select pg_clear_relation_stats('public', relname) from unnest(array['outbox', 'case_work']) relname"


@pytest.fixture(
    params=[(pages, rows) for pages in (0, 1, 100) for rows in (0, 1, 4, 100_000)],
    ids=lambda size: f"{size[0]} pages, {size[1]} rows",
)
async def believed(core: Core, request: pytest.FixtureRequest) -> AsyncIterator[None]:
    assert all(row["pg_restore_relation_stats"] for row in await core.rows(BELIEVE, *request.param))
    yield
    await core.rows(FORGET)


@pytest.mark.usefixtures("believed")
async def test_a_sender_claims_no_more_texts_than_it_may(core: Core) -> None:
    for n in range(4):
        receipt = await core.write(f"talk {n}", "hello")
        await core.work(receipt.case_id)
    assert [len(await core.outbox.claim(limit)) for limit in (1, 2, 5)] == [1, 2, 1]


@pytest.mark.usefixtures("believed")
async def test_a_sweep_claims_no_more_cases_than_it_may(core: Core) -> None:
    for n in range(4):
        await core.write(f"talk {n}", "hello", settle=NOW)
    assert [len(await core.leases.claim_due(limit)) for limit in (1, 2, 5)] == [1, 2, 1]


@pytest.mark.usefixtures("believed")
async def test_a_sweep_claims_what_has_waited_longest(core: Core) -> None:
    cases = [(await core.write(f"talk {n}", "hello")).case_id for n in range(3)]
    for case_id, seconds in zip(cases, (10, 30, 20), strict=True):
        await core.rows(
            "update case_work set due_at = now() - make_interval(secs => %s) where case_id = %s returning 1",
            *(seconds, case_id),
        )
    claimed = [lease.case_id for _ in range(3) for lease in await core.leases.claim_due(1)]
    assert claimed == [cases[1], cases[2], cases[0]]
