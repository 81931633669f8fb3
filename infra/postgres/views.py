"""Who of the staff saw which customer's data: one row in the events for every look, written beside the reading itself.

Repositories call ``log_view`` where they read for somebody. Whoever hands the result out can count that they did
(``watched``): over HTTP an answer with a customer's data is given only when a row was written (``api.routes.staff``).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import UUID

from psycopg.types.json import Jsonb
from uuid_utils.compat import uuid7

from infra.postgres.database import Connection
from infra.postgres.queries import load

_SQL = load("views")
_watched: ContextVar[list[str] | None] = ContextVar("views", default=None)


@contextmanager
def watched() -> Iterator[list[str]]:
    """The kinds of looks that were written down within the block, in their order."""
    kinds: list[str] = []
    before = _watched.set(kinds)
    try:
        yield kinds
    finally:
        _watched.reset(before)


async def log_view(
    connection: Connection, kind: str, reader: str, *, case_id: UUID | None = None, **data: object
) -> None:
    """Write down that somebody read something.

    Args:
        connection: on which it was read.
        kind: of event, such as ``case.read``.
        reader: who.
        case_id: of which case, where it is of one.
        data: ids and figures that say what; never a name, an address or a text.
    """
    values = {"event_id": uuid7(), "kind": kind, "case_id": case_id, "actor": reader, "data": Jsonb(data)}
    await connection.execute(_SQL["log"], values)
    note_view(kind)


def note_view(kind: str) -> None:
    """Say that a look has its row already: a list that refreshes itself shows what was written down before."""
    kinds = _watched.get()
    if kinds is not None:
        kinds.append(kind)


class Shown:
    """What a list has shown to whom, for a list that is read again every few seconds: only what is new is a new look.

    It belongs to one process and forgets with it, or when it is full; then a look is written down a second time, which
    does no harm.

    Args:
        name: what is listed, such as ``escalations``: the event is ``escalations.listed``, with ``ids`` of them.
    """

    MOST = 50_000

    def __init__(self, name: str) -> None:
        self._name = name
        self._seen: OrderedDict[tuple[str, UUID], None] = OrderedDict()

    async def log(self, connection: Connection, reader: str, ids: Sequence[UUID]) -> None:
        """Write down what of a list this reader has not been shown yet."""
        kind = f"{self._name}.listed"
        if new := [one for one in ids if (reader, one) not in self._seen]:
            await log_view(connection, kind, reader, ids=[str(one) for one in new])
        else:
            note_view(kind)
        for one in ids:
            self._seen[reader, one] = None
            self._seen.move_to_end((reader, one))
        while len(self._seen) > self.MOST:
            self._seen.popitem(last=False)
