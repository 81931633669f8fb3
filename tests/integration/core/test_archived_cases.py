"""Archives: whole and verified before a row goes, sealed still, and read back again."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from channels.envelope import Envelope, File
from channels.web import CHAT
from infra.archive.files import PartialArchive, read_lines, verify
from infra.archive.manifest import ArchiveError, Tally
from infra.crypto.keyring import KeyDestroyedError
from infra.postgres.archive import Terms
from infra.postgres.archive_cases import TABLES, CaseArchive
from infra.postgres.archive_restore import restore
from infra.postgres.housekeeping import nothing_to_check
from infra.postgres.internal_notes import InternalNotes
from infra.postgres.seals import key_of
from skills.errors import BadRequestError, DatabaseUnavailableError, LeaseLostError
from skills.turn import CaseId, Decision
from tests.core import NOW, Core
from tests.living import dismissed_as_gap, rated, told_by_provider

CANARY = "canary-3141"
YEAR = timedelta(days=365)


@pytest.fixture
def terms(tmp_path: Path) -> Terms:
    return Terms(tmp_path / "archive", "kim", nothing_to_check)


@pytest.fixture
def archive(core: Core) -> CaseArchive:
    return CaseArchive(core.database)


def a_year_ago() -> datetime:
    return datetime.now(UTC) - YEAR


async def resolved(core: Core, thread: str, *, days: int = 400) -> CaseId:
    """A case with an answer, a review, a decision, a note, a dead letter and a survey, resolved so long ago."""
    file = File("mail.eml", "message/rfc822", 3, CANARY.encode())
    hello = Envelope(CHAT, f"{thread} 1", thread, thread, f"hello {CANARY}", verified=False, original=file)
    case_id = (await core.inbox.receive(hello, settle=NOW)).case_id
    await core.work(case_id)
    await core.write(thread, f"a person please {CANARY}")
    await core.work(case_id)
    queued = next(item for item in await core.reviews.queue() if item.case_id == case_id)
    read = await core.reviews.read(queued.id, reader="kim")
    await core.reviews.decide(read.id, Decision("edit", "kim", text=f"edited {CANARY}"), seen=read.version)
    await core.work(case_id)
    await core.write(thread, f"fail {CANARY}")
    await core.dead_letters.bury(await core.claim(case_id), "ValueError")
    (letter,) = [letter for letter in await core.dead_letters.open() if letter.case_id == case_id]
    await core.dead_letters.discard(letter.id, "kim", f"because {CANARY}")
    await InternalNotes(core.database, core.keyring).add(case_id, "kim", f"note {CANARY}")
    await core.deliver()
    await core.cases.resolve(case_id, "kim")
    await rated(core, case_id, f"quite {CANARY}")
    await told_by_provider(core, case_id)
    await dismissed_as_gap(core, case_id)
    await core.rows(
        "update cases set resolved_at = now() - make_interval(days => %s) where id = %s returning 1", days, case_id
    )
    return case_id


async def snapshot(core: Core, schema: str = "public") -> dict[str, list[Any]]:
    """Every row of the cases' tables, as JSON."""
    return {
        table: [
            row["line"]
            for row in await core.rows(f"select row_to_json(r)::text as line from {schema}.{table} r order by 1")
        ]
        for table in TABLES
    }


def archives(terms: Terms) -> list[Path]:
    return sorted(terms.folder.glob("*.jsonl.gz"))


async def test_an_old_resolved_case_goes_into_a_verified_archive_and_a_young_or_open_one_stays(
    core: Core, archive: CaseArchive, terms: Terms
) -> None:
    old, young = await resolved(core, "old"), await resolved(core, "young", days=100)
    still_open = (await core.write("open", "hello")).case_id
    before = await snapshot(core)
    assert (await archive.count(a_year_ago())).cases == 1
    moved = await archive.move(a_year_ago(), terms)
    assert moved is not None
    assert moved.path is not None
    manifest = verify(moved.path)
    assert (manifest.kind, manifest.made_by) == ("cases", "kim")
    assert {row["id"] for row in await core.rows("select id from cases")} == {young, still_open}
    archived = {
        table: sorted(json.dumps(json.loads(line)["row"]) for of, line in read_lines(moved.path) if of == table)
        for table in TABLES
    }
    kept = await snapshot(core)
    for table in TABLES:
        gone = {json.dumps(json.loads(line)) for line in before[table]}
        gone -= {json.dumps(json.loads(line)) for line in kept[table]}
        assert archived[table] == sorted(gone), table
        assert manifest.tables[table].rows == len(gone)
        assert gone or table == "model_spend_of_cases"
    assert await core.rows("select 1 from checkpoints where thread_id = %s", str(old)) == []
    (event,) = await core.rows(
        "select case_id, actor, data ->> 'file' as file from events where kind = 'case.archived'"
    )
    assert event == {"case_id": old, "actor": "kim", "file": moved.path.name}
    assert await archive.move(a_year_ago(), terms) is None
    assert archives(terms) == [moved.path]


async def test_the_customer_writes_on_after_the_archive_took_their_case(
    core: Core, archive: CaseArchive, terms: Terms
) -> None:
    old = await resolved(core, "talk")
    await archive.move(a_year_ago(), terms)
    again = await core.write("talk", "me again")
    assert again.case_id != old
    await core.work(again.case_id)
    await core.deliver()
    assert await core.said("talk") == ["customer: me again", "agent: echo: me again"]
    assert again.position > 1, "a browser that reads on from its cursor misses nothing"


async def test_nothing_readable_is_in_an_archive_and_a_destroyed_key_closes_it(
    core: Core, archive: CaseArchive, terms: Terms
) -> None:
    await resolved(core, "talk")
    moved = await archive.move(a_year_ago(), terms)
    assert moved is not None
    assert moved.path is not None
    text = gzip.decompress(moved.path.read_bytes()).decode()
    for hidden in (CANARY, CANARY.encode().hex(), "echo"):
        assert hidden not in text
    (row,) = [json.loads(line)["row"] for of, line in read_lines(moved.path) if of == "messages"][:1]

    async def opened() -> str:
        (key,) = await core.rows(
            "select id as key_id, customer_id, wrapped, master_key_id from customer_keys where id = %s", row["key_id"]
        )
        sealed = bytes.fromhex(row["body_sealed"].removeprefix("\\x"))
        return key_of(core.keyring, key).open(sealed, place="messages.body_sealed", row=UUID(row["id"]))

    assert CANARY in await opened()
    await core.rows("update customer_keys set wrapped = null, destroyed_at = now() returning 1")
    with pytest.raises(KeyDestroyedError):
        await opened()


@pytest.mark.parametrize("state", ["pending", "sending", "unknown"])
async def test_a_case_with_something_to_send_or_to_find_out_stays(
    core: Core, archive: CaseArchive, terms: Terms, state: str
) -> None:
    await resolved(core, "talk")
    await core.rows("update outbox set state = %s where kind = 'failure' returning 1", state)
    assert await archive.move(a_year_ago(), terms) is None


@pytest.mark.parametrize("work", ["due_at = now()", "paused = true", "leased_until = now() + interval '1 hour'"])
async def test_a_case_that_is_not_at_rest_stays(core: Core, archive: CaseArchive, terms: Terms, work: str) -> None:
    await resolved(core, "talk")
    await core.rows(f"update case_work set {work} returning 1")
    assert await archive.move(a_year_ago(), terms) is None


async def test_several_at_once_archive_every_case_once(core: Core, terms: Terms) -> None:
    cases = {await resolved(core, f"talk {n}") for n in range(6)}

    async def all_of_them() -> None:
        archive, refused = CaseArchive(core.database, batch=2), 0
        while refused < 20:
            try:
                if await archive.move(a_year_ago(), terms) is None:
                    return
            except DatabaseUnavailableError:  # two looked at the same rows: the transaction is refused, nothing is lost
                refused += 1

    await asyncio.gather(*(all_of_them() for _ in range(3)))
    assert await core.rows("select 1 from cases") == []
    found = [
        json.loads(line)["row"]["id"] for path in archives(terms) for of, line in read_lines(path) if of == "cases"
    ]
    assert sorted(found) == sorted(map(str, cases))
    for path in archives(terms):
        verify(path)


async def test_an_archive_that_does_not_hold_what_the_database_does_deletes_nothing(
    core: Core, archive: CaseArchive, terms: Terms, monkeypatch: pytest.MonkeyPatch
) -> None:
    await resolved(core, "talk")
    before = await snapshot(core)
    write = PartialArchive.write

    def forget_one(draft: PartialArchive, lines: list[str]) -> None:
        write(draft, lines[1:])

    monkeypatch.setattr(PartialArchive, "write", forget_one)
    with pytest.raises(ArchiveError, match="does not hold the rows"):
        await archive.move(a_year_ago(), terms)
    monkeypatch.undo()
    assert await snapshot(core) == before
    assert list(terms.folder.iterdir()) == []


async def test_a_disk_that_forgets_what_was_written_is_found_out(
    core: Core, archive: CaseArchive, terms: Terms, monkeypatch: pytest.MonkeyPatch
) -> None:
    await resolved(core, "talk")
    before = await snapshot(core)
    finish = PartialArchive.finish

    def cut_off(draft: PartialArchive) -> None:
        finish(draft)
        with draft._draft.open("r+b") as file:
            file.truncate(draft._draft.stat().st_size - 100)

    monkeypatch.setattr(PartialArchive, "finish", cut_off)
    with pytest.raises(ArchiveError, match="can't be read to its end"):
        await archive.move(a_year_ago(), terms)
    assert await snapshot(core) == before
    assert list(terms.folder.iterdir()) == []


@pytest.mark.parametrize("step", ["write", "finish", "read_back", "digest", "publish"])
async def test_a_disk_that_fails_at_any_step_deletes_nothing_and_leaves_nothing(
    core: Core, archive: CaseArchive, terms: Terms, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    await resolved(core, "talk")
    before = await snapshot(core)

    def fail(*_: object) -> None:
        raise ArchiveError("the disk is full")

    monkeypatch.setattr(PartialArchive, step, fail)
    with pytest.raises(ArchiveError, match="the disk is full"):
        await archive.move(a_year_ago(), terms)
    assert await snapshot(core) == before
    assert list(terms.folder.iterdir()) == []
    monkeypatch.undo()
    assert await archive.move(a_year_ago(), terms) is not None


async def test_a_scheduler_that_leads_no_more_deletes_nothing(core: Core, archive: CaseArchive, terms: Terms) -> None:
    await resolved(core, "talk")
    before = await snapshot(core)

    async def over() -> None:
        raise LeaseLostError

    with pytest.raises(LeaseLostError):
        await archive.move(a_year_ago(), Terms(terms.folder, "scheduler", over))
    assert await snapshot(core) == before
    assert list(terms.folder.iterdir()) == []


ARCHIVER = """
import asyncio, os, signal, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from infra.archive.files import PartialArchive
from infra.postgres.archive import Terms
from infra.postgres.archive_cases import CaseArchive
from infra.postgres.database import Database
from infra.postgres.housekeeping import nothing_to_check

url, folder, step = sys.argv[1:]
place, _, name = step.partition(".")
original = getattr(PartialArchive, name)

def killed(draft, *args):
    if place == "after":
        original(draft, *args)
    os.kill(os.getpid(), signal.SIGKILL)

setattr(PartialArchive, name, killed)

async def main():
    database = Database(url, size=2)
    await database.open()
    before = datetime.now(UTC) - timedelta(days=365)
    await CaseArchive(database).move(before, Terms(Path(folder), "test", nothing_to_check))

asyncio.run(main())
"""


@pytest.mark.parametrize(
    "step", ["before.write", "before.finish", "after.read_back", "before.publish", "after.publish", "after.abandon"]
)
async def test_killed_at_any_point_either_the_rows_are_there_or_a_verified_archive(
    core: Core, archive: CaseArchive, terms: Terms, database_url: str, step: str
) -> None:
    case_id = await resolved(core, "talk")
    before = await snapshot(core)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", ARCHIVER, database_url, str(terms.folder), step), env={**os.environ, "PYTHONPATH": "."}
    )
    assert await process.wait() == -signal.SIGKILL
    for _ in range(200):  # the server sees that its client is gone, and rolls back
        if not await core.rows(
            "select 1 from pg_stat_activity where datname = current_database() and state like 'idle in trans%%'"
        ):
            break
        await asyncio.sleep(0.02)
    whole = [path for path in archives(terms) if verify(path).rows]
    rows_are_there = await snapshot(core) == before
    assert rows_are_there or whole, "neither"
    assert rows_are_there or await core.rows("select 1 from cases where id = %s", case_id) == []
    assert bool(whole) == (step in {"after.publish", "after.abandon"})
    for path in terms.folder.glob("*.partial"):
        os.utime(path, (0, 0))
    await archive.move(a_year_ago(), terms)
    assert list(terms.folder.glob("*.partial")) == []
    assert await core.rows("select 1 from cases") == []
    for path in archives(terms):
        verify(path)


async def test_every_table_that_hangs_on_a_case_is_archived_with_it(core: Core) -> None:
    """A new table that points at a case, or at what goes with it, has to be in the list, behind it."""
    keys = await core.rows(
        "select conrelid::regclass::text as child, confrelid::regclass::text as parent from pg_constraint"
        " where contype = 'f' and confrelid::regclass::text = any(%s)",
        list(TABLES),
    )
    assert {key["child"] for key in keys} - {"message_words"} <= set(TABLES)  # which can be made again
    assert all(TABLES.index(key["parent"]) < TABLES.index(key["child"]) for key in keys if key["child"] in TABLES)
    named = await core.rows(
        "select distinct c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid where c.relkind in"
        " ('r', 'p') and a.attname in ('case_id', 'message_id', 'escalation_id', 'outbox_id')"
    )
    left = ("events", "onlookers", "message_words", "analytics_", "alerts")  # the last two hold ids alone, and stay
    assert {row["name"] for row in named if not row["name"].startswith(left)} <= set(TABLES)


async def test_an_archive_is_read_back_into_a_schema_row_by_row_as_it_was(
    core: Core, archive: CaseArchive, terms: Terms
) -> None:
    for n in range(2):
        await resolved(core, f"talk {n}")
    before = await snapshot(core)
    moved = await archive.move(a_year_ago(), terms)
    assert moved is not None
    assert moved.path is not None
    manifest = await restore(core.database, moved.path, "of_last_year")
    assert await snapshot(core, "of_last_year") == before
    assert manifest.rows == sum(map(len, before.values()))
    with pytest.raises(BadRequestError, match="there is a schema of_last_year already"):
        await restore(core.database, moved.path, "of_last_year")


@pytest.mark.parametrize("schema", ["", "Name", "pg_temp", "a b", 'x"; drop schema public; --', "1st", "x" * 64])
async def test_a_schema_of_an_impossible_name_is_refused(core: Core, tmp_path: Path, schema: str) -> None:
    with pytest.raises(BadRequestError, match="a schema can't be called"):
        await restore(core.database, tmp_path / "none", schema)


async def test_an_archive_of_another_schema_version_comes_back_by_its_columns_names(
    core: Core, archive: CaseArchive, terms: Terms
) -> None:
    await resolved(core, "talk")
    moved = await archive.move(a_year_ago(), terms)
    assert moved is not None
    assert moved.path is not None
    async with core.database.connection() as connection:
        await connection.execute("alter table turns add column mood text")
        await connection.execute("alter table turns drop column model")
    await restore(core.database, moved.path, "older")
    assert {row["mood"] for row in await core.rows("select mood from older.turns")} == {None}


async def test_the_database_counts_its_rows_as_a_file_is_counted(core: Core) -> None:
    lines = ["", "a", "ä€𝄞", '{"table" : "x"}', *(uuid4().hex for _ in range(200))]
    (told,) = await core.rows(
        "with lines as (select unnest(%s::text[]) as line) select count(*) as rows, coalesce(sum("
        "('x' || encode(substring(sha256(convert_to(line, 'UTF8')) for 8), 'hex'))::bit(64)::bigint"
        "), 0)::text as checksum from lines",
        lines,
    )
    here = Tally()
    for line in lines:
        here.add(line)
    assert told == {"rows": here.rows, "checksum": str(here.checksum)}
