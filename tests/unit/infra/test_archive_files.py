"""Archives on disk: whole or not there, read to the end or refused."""

from __future__ import annotations

import fcntl
import gzip
import json
import multiprocessing
import os
import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.archive.files import PartialArchive, read_lines, sweep, verify
from infra.archive.manifest import ArchiveError, Manifest, Table, Tally, manifest_path, read_manifest, tally

LINES = [json.dumps({"table": "messages", "row": {"id": n}}) for n in range(100)]


def manifest_of(draft: PartialArchive) -> Manifest:
    size, sha256 = draft.digest()
    tables = {name: Table(found.rows, str(found.checksum), ["id"]) for name, found in draft.read_back().items()}
    return Manifest(draft.path.name, "cases", "2025", "2026", 9, "2026", "kim", size, sha256, tables)


def written(folder: Path, name: str = "a.jsonl.gz", lines: list[str] = LINES) -> Path:
    draft = PartialArchive(folder, name)
    draft.write(lines)
    draft.finish()
    draft.publish(manifest_of(draft))
    draft.abandon()
    return draft.path


def test_what_was_written_is_read_back_in_order_and_verified(tmp_path: Path) -> None:
    path = written(tmp_path / "deep" / "folder")
    assert [line for _, line in read_lines(path)] == LINES
    manifest = verify(path)
    assert (manifest.rows, manifest.tables["messages"].rows) == (100, 100)
    assert manifest == read_manifest(path)
    assert {place.name for place in path.parent.iterdir()} == {"a.jsonl.gz", "a.jsonl.gz.manifest.json"}
    assert path.stat().st_mode & 0o077 == 0, "for the owner's eyes only"


def test_until_it_is_published_nothing_has_its_name_and_abandoned_nothing_is_left(tmp_path: Path) -> None:
    draft = PartialArchive(tmp_path, "a.jsonl.gz")
    draft.write(LINES)
    draft.finish()
    assert [place.name for place in tmp_path.iterdir()] == ["a.jsonl.gz.partial"]
    draft.abandon()
    assert list(tmp_path.iterdir()) == []


def killed_while_writing(folder: Path) -> None:
    draft = PartialArchive(folder, "killed.jsonl.gz")
    draft.write(LINES)
    os._exit(9)


def test_what_a_killed_writer_left_is_swept_and_what_a_living_one_writes_is_not(tmp_path: Path) -> None:
    process = multiprocessing.get_context("spawn").Process(target=killed_while_writing, args=(tmp_path,))
    process.start()
    process.join()
    living = PartialArchive(tmp_path, "living.jsonl.gz")
    done = written(tmp_path)
    assert sweep(tmp_path) == 0, "it may have been made a moment ago by somebody who lives"
    for path in tmp_path.glob("*.partial"):
        os.utime(path, (0, 0))
    assert sweep(tmp_path) == 1
    assert {place.name for place in tmp_path.glob("*.partial")} == {"living.jsonl.gz.partial"}
    assert verify(done).rows == 100
    living.abandon()
    assert sweep(tmp_path / "not there") == 0


def test_a_draft_that_was_swept_in_its_first_instant_cannot_be_published(tmp_path: Path) -> None:
    draft = PartialArchive(tmp_path, "a.jsonl.gz")
    draft.write(LINES)
    draft.finish()
    manifest = manifest_of(draft)
    (tmp_path / "a.jsonl.gz.partial").unlink()
    with pytest.raises(ArchiveError, match="can't be written to"):
        draft.publish(manifest)
    draft.abandon()
    assert list(tmp_path.iterdir()) == []


def test_a_writer_holds_a_lock_on_its_draft(tmp_path: Path) -> None:
    draft = PartialArchive(tmp_path, "a.jsonl.gz")
    with (tmp_path / "a.jsonl.gz.partial").open("rb") as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    draft.abandon()


@pytest.mark.parametrize("seed", range(40))
def test_no_changed_byte_and_no_cut_goes_unseen(tmp_path: Path, seed: int) -> None:
    path = written(tmp_path)
    content = bytearray(path.read_bytes())
    chance = random.Random(seed)
    if seed % 2:
        del content[chance.randrange(len(content)) :]
    else:
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    path.write_bytes(content)
    with pytest.raises(ArchiveError):
        verify(path)


@pytest.mark.parametrize(
    "lines",
    [LINES[:-1], [*LINES, LINES[0]], [*LINES[1:], LINES[1]], [*LINES, '{"table": "cases", "row": {}}'], []],
    ids=["one is missing", "one is twice", "one stands for another", "another table", "none"],
)
def test_other_rows_than_the_manifest_tells_of_are_refused(tmp_path: Path, lines: list[str]) -> None:
    path, other = written(tmp_path, "told.jsonl.gz"), written(tmp_path, "other.jsonl.gz", lines)
    told, there = read_manifest(path), read_manifest(other)
    manifest_path(other).write_text(replace(there, tables=told.tables).text(), encoding="utf-8")
    with pytest.raises(ArchiveError, match="does not hold the rows"):
        verify(other)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"tables": {}}', '{"tables": {"a": {"rows": 1}}}', "null"])
def test_a_manifest_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    path = written(tmp_path)
    manifest_path(path).write_text(text, encoding="utf-8")
    with pytest.raises(ArchiveError, match="is no manifest"):
        verify(path)


def test_without_its_manifest_or_of_a_newer_format_an_archive_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path)
    manifest_path(path).write_text(replace(read_manifest(path), format=2).text(), encoding="utf-8")
    with pytest.raises(ArchiveError, match="is of format 2"):
        verify(path)
    manifest_path(path).unlink()
    with pytest.raises(ArchiveError, match="can't be read"):
        verify(path)
    path.unlink()
    written(tmp_path).unlink()
    with pytest.raises(ArchiveError, match="can't be read"):
        verify(path)


@pytest.mark.parametrize("line", ["[]", "{}", "nonsense", '"text"'])
def test_lines_that_are_no_rows_are_refused(tmp_path: Path, line: str) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(f"{line}\n".encode()))
    with pytest.raises(ArchiveError, match="can't be read to its end"):
        list(read_lines(path))


def test_a_folder_that_cannot_be_written_to_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(ArchiveError, match="can't be written to") as refused:
        PartialArchive(tmp_path / "file", "a.jsonl.gz")
    assert "nothing was deleted" in str(refused.value.hint)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the full device is Linux's")
def test_a_full_disk_is_said_and_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl.gz.manifest.json.partial").symlink_to("/dev/full")
    draft = PartialArchive(tmp_path, "a.jsonl.gz")
    draft.write(LINES)
    draft.finish()
    with pytest.raises(ArchiveError, match="No space left"):
        draft.publish(manifest_of(draft))
    draft.abandon()
    assert not draft.path.exists()


@given(st.lists(st.text(max_size=20), max_size=20), st.randoms(use_true_random=False))
def test_a_tally_is_the_same_in_every_order_and_another_one_with_a_row_more(
    lines: list[str], chance: random.Random
) -> None:
    shuffled = lines.copy()
    chance.shuffle(shuffled)
    one, other = tally(("t", line) for line in lines), tally(("t", line) for line in shuffled)
    assert one == other
    other.setdefault("t", Tally()).add("one more")
    assert one != other
