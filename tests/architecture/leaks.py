"""Whether a secret has slipped into a file that git knows.

``.secrets.baseline`` holds the hashes of what looks like a secret and was looked at: passwords of throw-away servers,
addresses in error messages. ``--write`` accepts everything that is found now, so look first. Line numbers don't count,
unlike with detect-secrets' own hook, which would want the baseline written again for every line that moves.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from typing import Any

from tests.architecture.project import ROOT

BASELINE = ROOT / ".secrets.baseline"


def main() -> int:
    """Print what is new; 1 when there is something."""
    parser = argparse.ArgumentParser(description="look for secrets in the files that git knows")
    parser.add_argument("--write", action="store_true", help="accept everything that is found now")
    write = parser.parse_args().write
    files = known_to_git()
    if not files:
        sys.stdout.write("not audited: this is no git repository\n")
        return 0
    found = scan(files)
    if write:
        kept = {file: sorted({secret["hashed_secret"] for secret in secrets}) for file, secrets in found.items()}
        BASELINE.write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        return 0
    accepted = json.loads(BASELINE.read_text(encoding="utf-8"))
    new = [
        f"{file}:{secret['line_number']}: {secret['type']}"
        for file, secrets in sorted(found.items())
        for secret in secrets
        if secret["hashed_secret"] not in accepted.get(file, ())
    ]
    sys.stdout.write("".join(f"{line}\n" for line in new))
    return 1 if new else 0


LEFT_OUT = (".lock", BASELINE.name, "docs/openapi.json", "infra/postgres/schema.sql")
"""Lock files and the baseline are all hashes; the others are large, and made from files that are looked at."""


def known_to_git() -> list[str]:
    """Tracked files and those about to be, but for ``LEFT_OUT``."""
    told = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return [name for name in told.stdout.splitlines() if not name.endswith(LEFT_OUT) and (ROOT / name).is_file()]


def scan(files: list[str]) -> dict[str, list[dict[str, Any]]]:
    """What looks like a secret, by file."""
    told = subprocess.run(
        [sys.executable, "-m", "detect_secrets", "scan", *files],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    results: dict[str, list[dict[str, Any]]] = json.loads(told.stdout)["results"]
    return results


if __name__ == "__main__":
    sys.exit(main())
