"""What the documents point at is there."""

from __future__ import annotations

import re
import tomllib

import pytest

from tests.architecture.project import ROOT, documents, files, name_of

DOCUMENTS = list(documents())
COMMANDS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["entry-points"]


def without_code_blocks(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("name", [name_of(document) for document in DOCUMENTS])
def test_every_link_to_a_file_leads_somewhere(name: str) -> None:
    document = ROOT / name
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", without_code_blocks(document.read_text(encoding="utf-8")))
    local = [target for target in targets if not re.match(r"[a-z]+:", target)]
    assert [target for target in local if not (document.parent / target).exists()] == []


@pytest.mark.parametrize("name", [name_of(document) for document in DOCUMENTS])
def test_every_path_that_is_named_exists(name: str) -> None:
    """In `backticks`, with a folder of ours in front."""
    text = without_code_blocks((ROOT / name).read_text(encoding="utf-8"))
    paths = re.findall(r"`((?:skills|graph|channels|infra|api|evals|tests|docs|\.ci)/[\w./-]*)`", text)
    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("name", [name_of(document) for document in DOCUMENTS])
def test_every_test_that_is_named_exists(name: str) -> None:
    named = set(re.findall(r"`(test_\w+)`", (ROOT / name).read_text(encoding="utf-8")))
    tests = "\n".join(path.read_text(encoding="utf-8") for path in files(".py", folders=("tests",)))
    assert sorted(test for test in named if not re.search(rf"def {test}\(", tests)) == []


def test_every_field_note_about_channels_is_held_by_a_test() -> None:
    """That the tests exist is the test above's to say."""
    rows = re.findall(r"^\| (\d+) \|.*\| ([^|]*) \|$", (ROOT / "docs/field-notes.md").read_text("utf-8"), re.MULTILINE)
    held = {int(number) for number, tests in rows if re.findall(r"`test_\w+`", tests)}
    assert {*range(1, 6), *range(9, 18), *range(26, 30)} <= held
    assert len(held) == len(rows)


@pytest.mark.parametrize("name", [name_of(document) for document in DOCUMENTS])
def test_every_command_that_is_shown_exists(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    shown = set(re.findall(r"(?:`|^|\$ |&& )make ([a-z-]+)", text, re.MULTILINE))
    assert shown - targets == set()
    shown = set(re.findall(r"(?:`|^|\$ |/)csagent ([a-z-]+)", text, re.MULTILINE))
    assert shown - set(COMMANDS["csagent.commands"]) == set()


def test_the_readme_says_how_to_run_and_how_to_test() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert {"run", "test"} <= set(re.findall(r"^make ([a-z-]+)", text, re.MULTILINE))


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = sorted(int(path.name[:4]) for path in (ROOT / "docs/decisions").glob("[0-9]*.md"))
    assert numbers == list(range(1, len(numbers) + 1))
