"""Documents that are made from the code: ``make docs`` writes them again, a test holds them equal.

docs/graph.md                from the compiled graph
docs/channels/README.md      from the rules of adaptation, with an example from the tests
docs/analytics.md            from the definitions of the figures
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
from infra.analytics.definitions import document
from infra.embedded.binaries import find_binaries
from infra.embedded.servers import EmbeddedServers
from infra.postgres.database import Database
from infra.postgres.migrate import migrate
from infra.settings import Settings
from skills.adapt import ChannelRule, ChannelRules
from skills.turn import ChannelName
from tests.architecture.project import ROOT, name_of
from tests.trivial import trivial_graph
from tests.unit.skills.adapted import BODIES, expected
from tests.unit.skills.adapted import CHANNELS as ADAPTED

GRAPH = ROOT / "docs/graph.md"
CHANNELS = ROOT / "docs/channels/README.md"
ANALYTICS = ROOT / "docs/analytics.md"
OPENAPI = ROOT / "docs/openapi.json"
SCHEMA = ROOT / "infra/postgres/schema.sql"

_BEGIN, _END = "<!-- made of infra/analytics/definitions.py by `make docs` -->", "<!-- end -->"


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


def channels_document() -> str:
    """The rules of adaptation as a table, and what becomes of one draft."""
    rules = ChannelRules()
    rows = [*rules.by_channel.items(), (ChannelName("any other"), rules.other)]
    table = "\n".join(f"| {' | '.join((name, *_cells(rule)))} |" for name, rule in rows)
    shown = expected()
    examples = "\n\n".join(
        f"### {'any other' if channel not in rules.by_channel else channel}\n\n```text\n{shown[channel]['en']}\n```"
        for channel in ADAPTED
    )
    return f"""# What each channel wants of a text

Made by `make docs` from [skills/adapt/rules.py](../../skills/adapt/rules.py), which is where to change it; a test fails
when the two differ. How each channel is set up stands in the file of its name in this folder.

| channel | longest | letter | signature | bold | lists | links | emoji | sources |
|---|---|---|---|---|---|---|---|---|
{table}

- **Longest** counts UTF-16 code units (an emoji is two). A longer answer first loses its sources, then whole sentences
  from its end, and says that it was cut. No link, emoji or letter is ever cut in two. Where a channel sends several
  messages it splits the text itself.
- **Letter**: a greeting above, by name only if the address is proven, and a sign-off below with the company's name
  (`CSAGENT_COMPANY__NAME`).
- **Signature**: `CSAGENT_COMPANY__SIGNATURE`, below the text or where the channel puts it (a mail: below `-- `).
- **Links**: addresses are always to be seen, and never changed.
- **Sources**: the cited articles that have an address, each once.
- Everywhere: the customer's language, for all that we say ourselves; a draft in another one is said to be. The first
  text of a case says that an assistant writes and that a person can be asked for. What a reviewer wrote is checked and
  never rewritten.

## One draft on every channel

The draft, in Markdown:

```markdown
{BODIES["en"]}
```
Expected texts in all languages: [tests/unit/skills/adapted_texts.toml](../../tests/unit/skills/adapted_texts.toml).

{examples}
"""


def _cells(rule: ChannelRule) -> tuple[str, ...]:
    several = f", in messages of {rule.one_message:,}" if rule.one_message else ""
    return (
        f"{rule.max_length:,}{several}",
        "yes" if rule.letter else "no",
        rule.signature,
        f"`{rule.bold}…{rule.bold}`" if rule.bold else "plain",
        f"`{rule.item}`",
        f"`{rule.links}`",
        rule.emoji,
        "yes" if rule.sources else "no",
    )


def analytics_document() -> str:
    """What every figure means, between the words of the document that stay."""
    before, after = (ANALYTICS.read_text(encoding="utf-8").split(mark) for mark in (_BEGIN, _END))
    return f"{before[0]}{_BEGIN}\n\n{document()}\n{_END}{after[1]}"


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
        CHANNELS: channels_document(),
        ANALYTICS: analytics_document(),
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
