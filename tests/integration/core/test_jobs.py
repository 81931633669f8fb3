"""The scheduler's real jobs under their settings, and what they leave of an installation that has run for years."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from api.jobs import Retention, jobs
from api.scheduler import Done
from infra.archive.files import verify
from infra.postgres.archive_events import months_later
from infra.postgres.schedule import Reign, Schedule
from skills.errors import LeaseLostError
from tests.core import Core


async def reign_of(core: Core, name: str = "one") -> Reign:
    reign = await Schedule(core.database, holder=name).hold()
    assert reign is not None
    return reign


async def all_of(core: Core, retention: Retention) -> dict[str, Done]:
    """Run every job once."""
    reign = await reign_of(core)
    return {job.name: await job.run(reign) for job in jobs(core.database, retention)}


def archives(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.jsonl.gz*"))


@pytest.mark.parametrize(
    ("settings", "left_out"),
    [
        ({}, {"archive_cases", "archive_events"}),
        ({"idle_thread": timedelta(0)}, {"threads", "archive_cases", "archive_events"}),
        ({"folder": Path("x")}, set()),
        ({"folder": Path("x"), "case": timedelta(0)}, {"archive_cases"}),
        ({"folder": Path("x"), "event_months": 0}, {"archive_events"}),
    ],
)
def test_nothing_is_archived_without_a_folder_and_nothing_goes_that_is_kept_for_ever(
    core: Core, settings: dict[str, Any], left_out: set[str]
) -> None:
    found = {job.name for job in jobs(core.database, Retention(**settings))}
    everything = {"partitions", "late_reviews", "model_replies", "threads", "archive_cases", "archive_events"}
    assert found == everything - left_out


def test_archives_are_written_at_the_hour_that_was_set_and_reviews_looked_at_twice_a_minute(core: Core) -> None:
    beats = {job.name: job.beat for job in jobs(core.database, Retention(folder=Path("x"), hour=4))}
    assert (beats["archive_cases"].every, beats["archive_cases"].offset) == (timedelta(days=1), timedelta(hours=4))
    assert beats["late_reviews"].every == timedelta(seconds=30)
    assert beats["threads"].every == timedelta(minutes=10)
    assert beats["partitions"].every == timedelta(hours=1)


@pytest.fixture
async def old_data(core: Core) -> None:
    """Three cases that were resolved long ago and two months of events that are long over."""
    for n in range(3):
        receipt = await core.write(f"talk {n}", "hello")
        await core.work(receipt.case_id)
        await core.deliver()
        await core.cases.resolve(receipt.case_id, "kim")
    async with core.database.connection() as connection:
        await connection.execute("update cases set resolved_at = now() - interval '400 days'")
        for back in (15, 16):
            first = months_later(datetime.now(UTC), -back)
            last = months_later(first, 1)
            await connection.execute(
                f"create table events_{first:%Y_%m} partition of events"
                f" for values from ('{first.isoformat()}') to ('{last.isoformat()}')".encode()
            )
            await connection.execute(
                "insert into events (id, at, kind) values (gen_random_uuid(), %s, 'message.received')", [first]
            )


@pytest.mark.usefixtures("old_data")
async def test_a_night_archives_what_is_old_and_the_next_finds_nothing(core: Core, tmp_path: Path) -> None:
    retention = Retention(folder=tmp_path)
    done = await all_of(core, retention)
    assert done["archive_cases"].counts["archives"] == 1
    assert done["archive_events"].counts == {"archives": 2, "rows": 2}
    assert not any(job.more for job in done.values())
    assert {verify(path).made_by for path in archives(tmp_path) if path.suffix == ".gz"} == {"scheduler"}
    assert await core.rows("select 1 from cases") == []
    again = await all_of(core, retention)
    assert again["archive_cases"].counts["archives"] == again["archive_events"].counts["archives"] == 0


@pytest.mark.usefixtures("old_data")
async def test_when_its_time_is_up_a_night_goes_on_in_the_next_round(
    core: Core, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.jobs._ROUND", 0.0)
    done = await all_of(core, Retention(folder=tmp_path))
    assert done["archive_cases"].more
    assert done["archive_events"].more
    assert archives(tmp_path) == []


@pytest.mark.usefixtures("old_data")
async def test_a_scheduler_that_was_deposed_in_its_night_deletes_nothing(core: Core, tmp_path: Path) -> None:
    old = await reign_of(core)
    await core.rows("update scheduler_lease set leased_until = now() - interval '1 second' returning 1")
    await reign_of(core, "two")
    for job in jobs(core.database, Retention(folder=tmp_path)):
        if job.name in {"threads", "archive_cases", "archive_events"}:
            with pytest.raises(LeaseLostError):
                await job.run(old)
    assert len(await core.rows("select 1 from cases")) == 3
    assert archives(tmp_path) == []
