"""The project's own files, for tests that read them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("skills", "graph", "channels", "infra", "api", "evals")
"""What ships."""
DOCUMENTS = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")


def files(*suffixes: str, folders: tuple[str, ...] = (*PACKAGES, "tests")) -> Iterator[Path]:
    """Every file of ours with one of these endings, in a stable order."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in suffixes and path.is_file() and "__pycache__" not in path.parts:
                yield path


def documents() -> Iterator[Path]:
    """Every document for people."""
    for name in DOCUMENTS:
        yield ROOT / name
    yield from files(".md", folders=("docs",))


def name_of(path: Path) -> str:
    """The path as a reader would say it."""
    return path.relative_to(ROOT).as_posix()
