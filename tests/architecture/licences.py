"""Whether everything that is installed may be used: permissive licences for the product, a few more for its tests.

A licence is read from the installed packages; the lock files say which of them belong to the product.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable

from tests.architecture.project import ROOT

PERMISSIVE = {
    "0BSD",
    "3-Clause BSD License",
    "Apache Software License",
    "Apache-2.0",
    "BSD License",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CC0-1.0",
    "CNRI-Python",
    "DFSG approved",
    "Freely Distributable",
    "ISC",
    "ISC License (ISCL)",
    "MIT",
    "MIT License",
    "MIT-0",
    "PSF-2.0",
    "Python Software Foundation License",
    "Unlicense",
    "Zlib",
}
UNCHANGED = {
    "MPL-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)",
    "LGPL-3.0-only",
    "GNU Lesser General Public License v3 (LGPLv3)",
}
"""Weak copyleft: fine for a library that is installed as it was published and not changed (psycopg, certifi …)."""
DEVELOPMENT = {"Elastic-2.0"}
"""Only for what is in the development lock alone: it is run here, and neither shipped nor offered as a service."""
READ_BY_HAND = {"axe-playwright-python": "MIT; the axe-core that it carries is MPL-2.0"}
"""Packages whose metadata names no licence: what their files say."""


def main() -> int:
    """Print what is not allowed; 1 when there is something."""
    product, development = locked("requirements.lock"), locked("requirements-dev.lock")
    refused = []
    for package in installed():
        name, licence = re.sub(r"[-_.]+", "-", package["Name"]).lower(), package["License"]
        if name not in development or name in READ_BY_HAND:
            continue
        allowed = PERMISSIVE | UNCHANGED | (set() if name in product else DEVELOPMENT)
        if not permitted(licence, allowed):
            refused.append(f"{name} {package['Version']}: {licence.strip().splitlines()[0]}")
    sys.stdout.write("".join(f"{line}\n" for line in refused))
    return 1 if refused else 0


def permitted(licence: str, allowed: Iterable[str]) -> bool:
    """Whether a licence expression can be met: one side of each ``OR``, both of each ``AND``.

    Classifiers, which are set apart by semicolons, are offered side by side, as with ``OR``. Of a whole licence text
    the first line counts.
    """
    line = licence.strip().splitlines()[0] if licence.strip() else ""
    line = re.sub(r"\((MPL 2\.0|ISCL|GPLv3\+|LGPLv3)\)", r"[\1]", line)  # part of a name, no brackets of an expression
    known = {name.replace("(", "[").replace(")", "]") for name in allowed}
    while inner := re.search(r"\(([^()]*)\)", line):  # innermost first; what is met counts as MIT, else as nothing
        line = line.replace(inner[0], "MIT" if _met(inner[1], known) else "refused")
    return _met(line, known)


def _met(expression: str, allowed: set[str]) -> bool:
    return any(
        all(part.strip() in allowed for part in alternative.split(" AND "))
        for alternative in re.split(r" OR |;", expression)
    )


def locked(file: str) -> set[str]:
    """The packages of a lock file."""
    return set(re.findall(r"^([a-z0-9._-]+)==", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE))


def installed() -> list[dict[str, str]]:
    """Name, version and licence of everything that is installed beside this interpreter."""
    told = subprocess.run(
        [sys.executable, "-m", "piplicenses", "--format=json", "--from=mixed"],
        check=True,
        capture_output=True,
        text=True,
    )
    found: list[dict[str, str]] = json.loads(told.stdout)
    return found


if __name__ == "__main__":
    sys.exit(main())
