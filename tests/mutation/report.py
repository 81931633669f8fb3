"""What came of a run: figures, and ``docs/mutation.md``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from tests.mutation.accepted import Key
from tests.mutation.campaign import Result
from tests.mutation.mutant import Mutant
from tests.mutation.targets import ROOT

DOCUMENT = ROOT / "docs/mutation.md"

_COLUMNS = ("mutants", "invalid", "killed", "timeout", "survived")

_INTRODUCTION = """# Mutation testing

Written by `make mutation ARGS=--write`. The modules below are changed on purpose, one change at a time, and some test
has to fail. Python is changed by its syntax tree, SQL by its tokens
(`tests/mutation/python_operators.py`, `tests/mutation/sql_operators.py`); nothing is written into the tree. A rehearsal
sees which tests reach which function and which statement; then each mutant meets those tests, in a process forked from
one that has collected them all, on a real PostgreSQL, until one fails. What PostgreSQL can't even prepare is *invalid*
and counts for nothing. A test that never ends notices too: *timeout*.
"""


def figures(chosen: Sequence[Mutant], results: Sequence[Result], reasons: Mapping[Key, str]) -> dict[str, Any]:
    """The counts, in all and by file."""
    by_file: dict[str, Counter[str]] = {mutant.file: Counter() for mutant in chosen}
    for mutant in chosen:
        by_file[mutant.file]["mutants"] += 1
        by_file[mutant.file]["invalid"] += 1
    for result in results:
        counts = by_file[result.mutant.file]
        counts[result.verdict] += 1
        counts["invalid"] -= 1
        counts["accepted"] += result.verdict == "survived" and (result.mutant.file, result.mutant.id) in reasons
    total = sum(by_file.values(), Counter[str]())
    modules = {file: {column: counts[column] for column in _COLUMNS} for file, counts in by_file.items()}
    return {column: total[column] for column in (*_COLUMNS, "accepted")} | {"modules": modules}


def write(told: Mapping[str, Any], results: Sequence[Result], reasons: Mapping[Key, str]) -> None:
    """The document: method, figures, each survivor with its reason."""
    DOCUMENT.write_text(document(told, results, reasons), encoding="utf-8")


def document(told: Mapping[str, Any], results: Sequence[Result], reasons: Mapping[Key, str]) -> str:
    """The text of the document."""
    rows = [*told["modules"].items(), ("all", told)]
    table = [
        f"| file | {' | '.join(_COLUMNS)} |",
        f"|---|{'---:|' * len(_COLUMNS)}",
        *(f"| {_link(file)} | {' | '.join(str(counts[column]) for column in _COLUMNS)} |" for file, counts in rows),
    ]
    parts = [_INTRODUCTION, "## Figures\n", "\n".join(table) + "\n", "## Survivors\n"]
    survivors = [result.mutant for result in results if result.verdict == "survived"]
    survivors.sort(key=lambda mutant: list(told["modules"]).index(mutant.file))
    for file, mutants in groupby(survivors, key=lambda mutant: mutant.file):
        parts.append(f"### {Path(file).name}\n")
        parts.append("\n".join(_line(mutant, reasons) for mutant in mutants) + "\n")
    return "\n".join(parts)


def _link(file: str) -> str:
    return f"[{file}](../{file})" if "/" in file else file


def _line(mutant: Mutant, reasons: Mapping[Key, str]) -> str:
    often = f" (the {mutant.nth}. like it)" if mutant.nth > 1 else ""
    reason = reasons.get((mutant.file, mutant.id), "**no reason yet**")
    return f"- `{mutant.place}`{often}: `{mutant.before}` → `{mutant.after}`  \n  {reason}"
