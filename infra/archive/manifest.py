"""What stands beside an archive: how many rows of which table, their checksums, and which schema they are of."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from skills.errors import SupportError

FORMAT = 1
"""Of the files: a gzip of JSON Lines, ``{"table": …, "row": {column: value}}``."""

Kind = Literal["cases", "events"]


class ArchiveError(SupportError):
    """An archive is not what it has to be."""


@dataclass(slots=True)
class Tally:
    """Rows of one table: how many, and a sum over their hashes that no order changes.

    PostgreSQL makes the same of its own rows (``sql/archive.sql``), so that a file and a database can be compared
    without bringing either into an order.
    """

    rows: int = 0
    checksum: int = 0

    def add(self, line: str) -> None:
        """Count one line: the first eight bytes of its SHA-256 are a signed number of the sum."""
        self.rows += 1
        self.checksum += int.from_bytes(hashlib.sha256(line.encode()).digest()[:8], "big", signed=True)


@dataclass(frozen=True, slots=True)
class Table:
    """One table of an archive."""

    rows: int
    checksum: str
    """The tally's, as text: it may be longer than a number of JSON."""
    columns: list[str]


@dataclass(frozen=True, slots=True)
class Manifest:
    """The manifest of one archive."""

    file: str
    kind: Kind
    first: str
    """The time span, ISO 8601: of events their own, of cases when they were resolved."""
    last: str
    migration: int
    """The newest migration of the database that the rows came from."""
    made_at: str
    made_by: str
    size: int
    """Bytes of the file."""
    sha256: str
    """Of the file as it lies there."""
    tables: dict[str, Table] = field(default_factory=dict)
    format: int = FORMAT

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(table.rows for table in self.tables.values())

    def refuse_other_rows(self, found: Mapping[str, Tally]) -> None:
        """Raise ArchiveError unless these are the rows that the manifest speaks of."""
        for name in sorted(self.tables.keys() | found.keys()):
            told, there = self.tables.get(name, Table(0, "0", [])), found.get(name, Tally())
            if (told.rows, told.checksum) != (there.rows, str(there.checksum)):
                raise ArchiveError(
                    f"{self.file} does not hold the rows of {name} that it should: {there.rows:,} of {told.rows:,}",
                    hint="restore the file from a copy",
                )

    def text(self) -> str:
        """As it is written down."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"


def manifest_path(path: Path) -> Path:
    """Where an archive's manifest lies."""
    return path.with_name(f"{path.name}.manifest.json")


def read_manifest(path: Path) -> Manifest:
    """The manifest of the archive at ``path``.

    Raises:
        ArchiveError: there is none, or it can't be understood.
    """
    place = manifest_path(path)
    try:
        said: dict[str, Any] = json.loads(place.read_text(encoding="utf-8"))
        tables = {name: Table(**table) for name, table in said.pop("tables").items()}
        manifest = Manifest(**said, tables=tables)
    except OSError as error:
        raise ArchiveError(
            f"{place} can't be read: {error.strerror}", hint="an archive and its manifest lie side by side"
        ) from None
    except (ValueError, TypeError, KeyError, AttributeError):
        raise ArchiveError(f"{place} is no manifest of an archive") from None
    if manifest.format != FORMAT:
        raise ArchiveError(f"{place} is of format {manifest.format}", hint="a newer version of csagent reads it")
    return manifest


def tally(lines: Iterable[tuple[str, str]]) -> dict[str, Tally]:
    """The tallies of (table, line) pairs."""
    found: dict[str, Tally] = {}
    for table, line in lines:
        found.setdefault(table, Tally()).add(line)
    return found
