"""A month of events goes into an archive as a whole, and nobody who works meanwhile notices."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from infra.archive.files import PartialArchive, verify
from infra.archive.manifest import ArchiveError
from infra.postgres.archive import Terms
from infra.postgres.archive_events import EventArchive, Month, months_later
from infra.postgres.archive_restore import restore
from infra.postgres.housekeeping import nothing_to_check
from tests.core import Core


@pytest.fixture
def terms(tmp_path: Path) -> Terms:
    return Terms(tmp_path / "archive", "kim", nothing_to_check)


def archives(terms: Terms) -> list[Path]:
    return sorted(terms.folder.glob("*.jsonl.gz"))


@dataclass
class OldMonth:
    """A month that is long over, with events in it."""

    month: Month
    events: list[str]


@pytest.fixture
async def old_month(core: Core) -> OldMonth:
    first = months_later(datetime.now(UTC), -20)
    month = Month(f"events_{first:%Y_%m}", first, months_later(first, 1))
    async with core.database.connection() as connection:
        await connection.execute(
            f"create table {month.partition} partition of events for values from ('{month.first.isoformat()}')"
            f" to ('{month.last.isoformat()}')".encode()
        )
        await connection.execute(
            "insert into events (id, at, kind, case_id, actor, data)"
            " select gen_random_uuid(), %s + n * interval '1 second', 'message.received', gen_random_uuid(), 'agent',"
            " jsonb_build_object('n', n, 'text', 'ä€𝄞 \"quoted\"')"
            " from generate_series(0, 4999) n",
            [month.first],
        )
    rows = await core.rows(f"select row_to_json(e)::text as line from {month.partition} e order by at, id")
    return OldMonth(month, [row["line"] for row in rows])


async def gone(core: Core, month: Month) -> bool:
    (row,) = await core.rows("select to_regclass(%s) is null as gone", month.partition)
    return bool(row["gone"])


async def test_a_month_of_events_is_archived_and_dropped_and_can_be_read_back(
    core: Core, terms: Terms, old_month: OldMonth
) -> None:
    events = EventArchive(core.database)
    assert await events.months(months_later(datetime.now(UTC), -13)) == [old_month.month]
    assert await events.months(months_later(datetime.now(UTC), -20)) == []
    moved = await events.move(old_month.month, terms)
    assert await gone(core, old_month.month)
    assert moved.path is not None
    manifest = verify(moved.path)
    assert (manifest.kind, manifest.rows, manifest.tables["events"].columns[:3]) == (
        "events",
        5000,
        ["id", "at", "kind"],
    )
    await restore(core.database, moved.path, "restored")
    back = await core.rows("select row_to_json(e)::text as line from restored.events e order by at, id")
    assert [row["line"] for row in back] == old_month.events
    (event,) = await core.rows("select actor, data from events where kind = 'events.archived'")
    assert event["actor"] == "kim"
    assert event["data"] == {"month": f"{old_month.month.first:%Y-%m}", "file": moved.path.name, "rows": 5000}
    assert await events.months(datetime.now(UTC)) == []


async def test_a_month_is_dropped_without_an_archive_only_when_that_is_what_was_asked_for(
    core: Core, old_month: OldMonth
) -> None:
    dropped = await EventArchive(core.database).drop(old_month.month, "kim")
    assert (dropped.path, dropped.rows) == (None, {"events": 5000})
    assert await gone(core, old_month.month)
    (event,) = await core.rows("select data from events where kind = 'events.dropped'")
    assert event["data"] == {"month": f"{old_month.month.first:%Y-%m}", "rows": 5000}


async def test_two_archivers_of_one_month_write_one_archive(core: Core, terms: Terms, old_month: OldMonth) -> None:
    events = EventArchive(core.database)
    done = await asyncio.gather(*(events.move(old_month.month, terms) for _ in range(2)), return_exceptions=True)
    assert len([result for result in done if not isinstance(result, BaseException)]) == 1
    (path,) = archives(terms)
    assert verify(path).rows == 5000


async def test_customers_write_and_staff_read_while_a_month_is_archived(
    core: Core, terms: Terms, old_month: OldMonth
) -> None:
    """Somebody's long look at all events delays the drop, and nobody else."""
    looked, enough = asyncio.Event(), asyncio.Event()

    async def look() -> None:
        async with core.database.transaction() as connection:
            await connection.execute("select count(*) from events")
            looked.set()
            await enough.wait()

    looking = asyncio.create_task(look())
    await looked.wait()
    moving = asyncio.create_task(EventArchive(core.database).move(old_month.month, terms))
    slowest = 0.0
    for n in range(20):
        began = asyncio.get_running_loop().time()
        await core.write(f"talk {n}", "hello")
        slowest = max(slowest, asyncio.get_running_loop().time() - began)
        await asyncio.sleep(0.05)
    assert not moving.done()
    assert slowest < 2.0, "nobody waits for the drop longer than it waits for its lock"
    enough.set()
    await asyncio.gather(looking, moving)
    assert await gone(core, old_month.month)


async def test_a_month_whose_archive_fails_is_still_there(
    core: Core, terms: Terms, old_month: OldMonth, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ArchiveError("the disk is full")

    monkeypatch.setattr(PartialArchive, "publish", fail)
    with pytest.raises(ArchiveError):
        await EventArchive(core.database).move(old_month.month, terms)
    assert not await gone(core, old_month.month)
    assert await core.rows("select 1 from events where kind = 'events.archived'") == []


@pytest.mark.parametrize(
    ("moment", "months", "first"),
    [
        (datetime(2026, 1, 31, tzinfo=UTC), -1, datetime(2025, 12, 1, tzinfo=UTC)),
        (datetime(2026, 12, 1, tzinfo=UTC), 1, datetime(2027, 1, 1, tzinfo=UTC)),
        (datetime(2026, 3, 15, tzinfo=UTC), -13, datetime(2025, 2, 1, tzinfo=UTC)),
        (datetime(2026, 3, 15, tzinfo=UTC), 0, datetime(2026, 3, 1, tzinfo=UTC)),
    ],
)
def test_months_are_counted_over_the_turn_of_the_year(moment: datetime, months: int, first: datetime) -> None:
    assert months_later(moment, months) == first
