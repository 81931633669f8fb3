"""Documents that are made from the code: ``make docs`` writes them again, a test holds them equal.

docs/graph.md                from the compiled graph
docs/openapi.json            from the application, which is made but not started
infra/postgres/schema.sql    from a migrated database
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from api.app import create_app
from infra.embedded.binaries import find_binaries
from infra.embedded.servers import EmbeddedServers
from infra.postgres.database import Database
from infra.postgres.migrate import migrate
from infra.settings import Settings
from tests.architecture.project import ROOT, name_of
from tests.trivial import trivial_graph

GRAPH = ROOT / "docs/graph.md"
OPENAPI = ROOT / "docs/openapi.json"
SCHEMA = ROOT / "infra/postgres/schema.sql"


def graph_document() -> str:
    """The drawing of the compiled graph."""
    drawing = trivial_graph().get_graph().draw_mermaid().strip()
    # GitHub's renderer takes the drawing, but not LangGraph's front matter.
    drawing = re.sub(r"\A---\n.*?\n---\n", "", drawing, flags=re.DOTALL)
    return (
        "# The graph of a turn\n\n"
        "Drawn from the compiled graph by `make docs`; a test fails when the two differ. The code that reads\n"
        "like this drawing is [graph/build.py](../graph/build.py). Dotted arrows are conditional.\n\n"
        f"```mermaid\n{drawing}\n```\n"
    )


def openapi_document() -> str:
    """The OpenAPI document. No server is needed: connections are made when the application starts."""
    return json.dumps(create_app(Settings()).openapi(), indent=2, ensure_ascii=False) + "\n"


def schema_document(database_url: str) -> str:
    """The schema of a migrated database, without what depends on the day or on pg_dump's version."""
    dump = subprocess.run(
        [
            find_binaries().postgres / "pg_dump",
            "--schema-only",
            "--no-owner",
            "--no-privileges",
            "--no-comments",
            "--exclude-extension=*",  # a server may have vector built in, and would not show it
            "--exclude-table=events_20*",  # this month's partitions and the next ones'
            f"--dbname={database_url}",
        ],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    kept = [
        line.replace("public.", "")
        for line in dump.splitlines()
        if not re.match(r"--|\\(un)?restrict|SET |SELECT pg_catalog\.set_config", line)
    ]
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()
    return (
        "-- The whole schema, for reading. Generated from a migrated database by `make docs`: change the migrations.\n"
        "-- Left out: the monthly partitions of events, which make_event_partitions() makes ahead of time.\n\n"
        f"CREATE EXTENSION IF NOT EXISTS vector;\n\n{text}\n"
    )


async def fresh_schema_document() -> str:
    """The schema of a database that is made, migrated and thrown away for this."""
    with tempfile.TemporaryDirectory(prefix="csagent-", dir="/tmp") as place:
        folder = Path(place)
        os.chmod(place, 0o755)  # noqa: PTH101 - as root the server runs as somebody else, who has to get in
        async with EmbeddedServers(folder / "data", durable=False, system_folder=folder / "system") as servers:
            database = Database(servers.database_url)
            await database.open()
            try:
                await migrate(database)
            finally:
                await database.close()
            return schema_document(servers.database_url)


def main() -> int:
    """Compare, or with ``--write`` write; 1 when a file was not as it should be."""
    parser = argparse.ArgumentParser(description="documents that are made from the code")
    parser.add_argument("--write", action="store_true", help="write them again instead of comparing")
    write = parser.parse_args().write
    made = {
        GRAPH: graph_document(),
        OPENAPI: openapi_document(),
        SCHEMA: asyncio.run(fresh_schema_document()),
    }
    stale = [path for path, text in made.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in stale:
        if write:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(made[path], encoding="utf-8")
        sys.stdout.write(f"{name_of(path)}: {'written' if write else 'differs from the code, run `make docs`'}\n")
    return 1 if stale and not write else 0


if __name__ == "__main__":
    sys.exit(main())
