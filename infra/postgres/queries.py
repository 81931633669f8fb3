"""SQL lives in ``sql/*.sql``, in blocks that begin with ``-- name: …``; each file is parsed once into an object.

``queries = load("inbox")``, then ``queries["insert_message"]``. A name that does not exist fails when the repository is
made, not when a customer writes: repositories look their blocks up in their constructors.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import LiteralString

Queries = MappingProxyType[str, LiteralString]

_NAME = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)


@cache
def load(file: str) -> Queries:
    """The named blocks of ``sql/<file>.sql``.

    Raises:
        ValueError: a name stands twice, or the file does not begin with a name.
    """
    text = files("infra.postgres").joinpath("sql", f"{file}.sql").read_text(encoding="utf-8")
    return parse(text)


def parse(text: str) -> Queries:
    """Split a file of named blocks. Comment lines before the first block are the file's introduction."""
    introduction, *parts = _NAME.split(text)
    if any(line and not line.startswith("--") for line in introduction.splitlines()):
        raise ValueError("SQL stands before the first '-- name:' line")
    names = parts[::2]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"these blocks stand twice: {', '.join(sorted(twice))}")
    return MappingProxyType({name: body.strip() for name, body in zip(names, parts[1::2], strict=True)})
