"""Whether a changed statement still is one: PostgreSQL is asked to prepare and to plan it."""

from __future__ import annotations

import re

import psycopg
from psycopg.errors import Error

_PARAMETER = re.compile(r"%\((\w+)\)s")

_TYPES = {"id": "uuid", **dict.fromkeys(("ahead", "deadline", "delay", "hold", "lease", "pace", "settle"), "interval")}
"""Of parameters whose type PostgreSQL can't tell everywhere from what stands around them; psycopg sends it along."""


def refusal(connection: psycopg.Connection, statement: str) -> str | None:
    """Why it can't be planned, by its grammar, its names or its types; ``None`` when it can."""
    names = list(dict.fromkeys(_PARAMETER.findall(statement)))
    types = ", ".join(_TYPES.get(name, "unknown") for name in names)
    values = ", ".join("null" for _ in names)
    numbered = _PARAMETER.sub(lambda found: f"${names.index(found[1]) + 1}", statement)
    try:
        connection.execute(f"prepare mutant {f'({types})' if names else ''} as {numbered}".encode())
    except Error as error:
        return _of_grammar(error)
    try:
        connection.execute(f"explain execute mutant {f'({values})' if names else ''}".encode())
    except Error as error:
        return _of_grammar(error)
    finally:
        connection.execute("deallocate mutant")
    return None


def _of_grammar(error: Error) -> str:
    """What the server says, if it is about the statement and not about the server."""
    if not (error.sqlstate or "").startswith("42"):
        raise error
    return error.diag.message_primary or "no reason given"
