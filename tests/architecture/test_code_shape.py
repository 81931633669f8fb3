"""Rules about the code that a machine can hold."""

from __future__ import annotations

import ast
import graphlib
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import grimp
import pytest

import channels
from tests.architecture.project import PACKAGES, ROOT, documents, files, name_of

MOST_LINES = 400


def test_no_module_is_over_four_hundred_lines() -> None:
    long = {
        name_of(path): lines
        for path in files(".py", ".js", ".css", ".html")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > MOST_LINES
    }
    assert long == {}


def test_every_import_contract_holds() -> None:
    told = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stdout[-3000:] + told.stderr[-1000:]


@pytest.fixture(scope="module")
def imports() -> grimp.ImportGraph:
    return grimp.build_graph(*PACKAGES, cache_dir=None)


def test_no_modules_import_each_other_in_a_circle(imports: grimp.ImportGraph) -> None:
    order = graphlib.TopologicalSorter(
        {module: imports.find_modules_directly_imported_by(module) for module in imports.modules}
    )
    order.prepare()  # raises CycleError, which names the circle


def test_no_packages_import_each_other_in_a_circle(imports: grimp.ImportGraph) -> None:
    """Of the children of any one package, taken with all that is in them, none leads back to itself."""
    parents = {module.rpartition(".")[0] for module in imports.modules}
    for parent in sorted(parents):
        depth = parent.count(".") + 1 if parent else 0
        needs: dict[str, set[str]] = defaultdict(set)
        for importer in imports.modules:
            for imported in imports.find_modules_directly_imported_by(importer):
                ends = [_child(parent, depth, module) for module in (importer, imported)]
                if None not in ends and ends[0] != ends[1]:
                    needs[str(ends[0])].add(str(ends[1]))
        graphlib.TopologicalSorter(needs).prepare()


def _child(parent: str, depth: int, module: str) -> str | None:
    """The child of ``parent`` that ``module`` is or lies in."""
    parts = module.split(".")
    inside = len(parts) > depth and ".".join(parts[:depth]) == parent
    return ".".join(parts[: depth + 1]) if inside else None


def test_channels_is_ours_and_not_another_projects() -> None:
    assert Path(str(channels.__file__)).parent == ROOT / "channels"


def test_only_the_postgres_package_knows_langgraphs_postgres_saver() -> None:
    """The import contracts can forbid a whole distribution only, and this one is a part of ``langgraph``."""
    strangers = [
        name_of(path)
        for path in files(".py", folders=PACKAGES)
        if not path.is_relative_to(ROOT / "infra/postgres")
        and re.search(r"^\s*(from|import) langgraph\.checkpoint\.postgres", path.read_text("utf-8"), re.MULTILINE)
    ]
    assert strangers == []


def test_only_wiring_the_machine_and_the_commands_read_settings() -> None:
    """Everything else is given what it needs."""
    allowed = {
        "infra/settings.py",
        "api/wiring.py",
        "api/desks.py",
        "api/status_terms.py",
        "api/terms.py",
        "api/agent.py",
        "api/machine.py",
        "api/app.py",
        "api/studio.py",
        "evals/suite.py",
    }
    readers = {
        name_of(path)
        for path in files(".py", folders=PACKAGES)
        if re.search(r"^\s*(from|import) infra\.settings", path.read_text(encoding="utf-8"), re.MULTILINE)
        and path.parent.name not in {"commands", "suites"}
        and path.name != "__main__.py"
    }
    assert readers - allowed == set()


_IMPORT_EVERYTHING = """
import pkgutil, sys, threading

import pydantic_settings

WATCHED = {"open", "socket.connect", "socket.bind", "socket.getaddrinfo", "subprocess.Popen", "os.system", "os.fork"}
WRITES = set("wax+")
seen = []
root, *packages = sys.argv[1:]

def ours():
    # The module that is being executed right now; what other people's modules do while they are imported is theirs.
    frame = sys._getframe(2)
    while frame and frame.f_code.co_name != "<module>":
        frame = frame.f_back
    file = frame.f_code.co_filename if frame else ""
    return file.startswith(root + "/") and "/site-packages/" not in file

def watch(event, arguments):
    if event not in WATCHED or not ours():
        return
    path, mode = (str(arguments[0]), arguments[1] or "r") if event == "open" else ("", "w")
    if WRITES & set(mode) or path.endswith(".env"):
        seen.append(f"{event} {arguments}")

def refuse(self, *_, **__):
    seen.append(f"settings read: {type(self).__name__}")

pydantic_settings.BaseSettings.__init__ = refuse
sys.addaudithook(watch)
modules = [
    module.name
    for package in packages
    for module in pkgutil.walk_packages(__import__(package).__path__, f"{package}.")
    if not module.name.endswith("__main__")
]
for module in modules:
    before = len(seen)
    __import__(module)
    for what in seen[before:]:
        print(f"{module}: {what}")
for thread in threading.enumerate():
    if thread is not threading.main_thread():
        print(f"a thread runs: {thread.name}")
print(len(modules), "modules")
"""


def test_nothing_opens_when_a_module_is_imported(tmp_path: Path) -> None:
    """No connection, no process, no thread, no file opened for writing, no settings read."""
    told = subprocess.run(
        [sys.executable, "-B", "-c", _IMPORT_EVERYTHING, str(ROOT), *PACKAGES],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr[-2000:]
    *opened, summary = told.stdout.splitlines()
    assert opened == []
    assert int(summary.split()[0]) > 100


def test_every_module_and_every_public_name_says_what_it_is_for() -> None:
    silent = []
    for path in files(".py", folders=PACKAGES):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        public = [
            node
            for node in tree.body
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.name[0] != "_"
        ]
        silent += [f"{name_of(path)}: {node.name}" for node in public if not ast.get_docstring(node)]
        silent += [name_of(path)] if tree.body and not ast.get_docstring(tree) else []
    assert silent == []


def test_nothing_is_left_for_later() -> None:
    marks = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
    found = [
        name_of(path)
        for path in (*files(".py", ".sql", ".js", ".css", ".html", ".toml", ".sh"), *documents(), ROOT / "Makefile")
        if marks.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_no_module_has_a_name_that_says_nothing() -> None:
    empty = {"utils", "util", "helpers", "helper", "common", "core", "manager", "base", "misc"}
    # tests/core.py is the core of the product, put together for a test.
    assert [name_of(p) for p in files(".py", folders=PACKAGES) if p.stem in empty or p.parent.name in empty] == []
