"""Every block of SQL is used, and every block that is asked for exists."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from infra.postgres.queries import load
from tests.architecture.project import PACKAGES, ROOT, files, name_of

SQL = ROOT / "infra/postgres/sql"


def readers() -> dict[str, list[tuple[Path, ast.Module]]]:
    """The modules that load each file, with the one that names blocks for another."""
    found = defaultdict(list)
    for path in files(".py", folders=PACKAGES):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for file in set(loaded(tree)):
            found[file].append((path, tree))
    endings = ROOT / "infra/postgres/endings.py"  # says which blocks infra/postgres/turns.py runs
    found["turns"].append((endings, ast.parse(endings.read_text(encoding="utf-8"))))
    return found


def loaded(tree: ast.Module) -> Iterator[str]:
    """The files that a module loads by ``load("…")``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "load" and node.args:
            argument = node.args[0]
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                yield argument.value


def looked_up(tree: ast.Module) -> Iterator[str]:
    """The blocks that a module takes by ``self._sql["…"]``."""
    for node in ast.walk(tree):
        match node:
            case ast.Subscript(value=ast.Attribute(attr="_sql"), slice=ast.Constant(value=str(block))):
                yield block


def texts(tree: ast.Module) -> set[str]:
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_every_file_of_sql_is_loaded_by_some_module() -> None:
    assert {path.stem for path in SQL.glob("*.sql")} == set(readers())


def test_every_block_is_named_by_a_module_that_loads_its_file() -> None:
    unused = []
    for file, modules in readers().items():
        named = set().union(*(texts(tree) for _, tree in modules))
        unused += [f"{file}.{block}" for block in load(file) if block not in named]
    assert unused == []


def test_every_block_that_is_looked_up_exists() -> None:
    missing = []
    for path in files(".py", folders=("infra",)):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        known = {block for file in loaded(tree) for block in load(file)}
        missing += [f"{name_of(path)}: {block}" for block in looked_up(tree) if known and block not in known]
    assert missing == []
