"""Internal notes can't reach a customer, for nothing that makes or sends a text can read one."""

from __future__ import annotations

import ast

from tests.architecture.project import PACKAGES, ROOT, files

MAY_NAME = {"internal_notes.sql", "archive.sql"}
MAY_IMPORT = {"api/wiring.py"}


def test_no_statement_but_its_own_and_the_archives_names_the_table_of_notes() -> None:
    statements = ROOT / "infra/postgres/sql"
    naming = {path.name for path in statements.glob("*.sql") if "internal_notes" in path.read_text(encoding="utf-8")}
    assert naming == MAY_NAME


def test_nobody_but_the_wiring_imports_the_module_of_notes() -> None:
    importing = set()
    for path in files(".py", folders=PACKAGES):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if any(name.startswith("infra.postgres.internal_notes") for name in names):
                importing.add(str(path.relative_to(ROOT)))
    assert importing == MAY_IMPORT


def test_a_note_is_sealed_in_no_other_place_than_its_own() -> None:
    """So even a statement that got at its row by mistake could not open it as a message or a draft."""
    places = [
        path.name
        for path in files(".py", folders=PACKAGES)
        if "internal_notes.text_sealed" in path.read_text(encoding="utf-8")
    ]
    assert places == ["internal_notes.py"]
