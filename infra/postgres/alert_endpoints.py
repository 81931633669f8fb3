"""Programs that are told by signed requests: where they are, and which generation of their secret holds.

No secret is stored: it is derived from a key of the settings, the endpoint's id and its generation, so whoever reads
the table can sign nothing. Every change is an event with who made it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from psycopg.types.json import Jsonb
from uuid_utils.compat import uuid7

from infra.alerts.webhook import address_of, secret_of, shown
from infra.postgres.database import Connection, Database
from infra.postgres.queries import load
from skills.errors import BadRequestError, ConflictError, NotFoundError

OVERLAP = timedelta(hours=24)
"""For how long the old secret signs beside the new one."""
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,59}")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A program that is told. ``disabled_for`` is ``gone`` when it answered 410, ``admin`` when somebody chose so."""

    id: UUID
    name: str
    url: str
    generation: int
    old_until: datetime | None
    added_by: str
    created_at: datetime
    disabled_at: datetime | None
    disabled_for: str | None
    sent_at: datetime | None
    """When something last arrived there."""
    failing: int
    """What waits there after an attempt that failed."""


class AlertEndpoints:
    """Adds, lists and changes them.

    Args:
        database: where they are.
        key: that secrets are derived from.
        insecure: whether an address may be ``http``, for private networks that are named.
    """

    def __init__(self, database: Database, key: bytes, *, insecure: bool = False) -> None:
        self._database = database
        self._key = key
        self._insecure = insecure
        self._sql = load("alert_endpoints")

    def secrets(self, endpoint_id: UUID, generation: int, *, old_signs: bool) -> list[bytes]:
        """What requests are signed with: the secret that holds, and the one before while it is changed."""
        generations = [generation, generation - 1] if old_signs and generation > 1 else [generation]
        return [secret_of(self._key, endpoint_id, each) for each in generations]

    async def listed(self) -> list[Endpoint]:
        """All, by name."""
        async with self._database.connection() as connection:
            rows = await (await connection.execute(self._sql["list"])).fetchall()
        return [Endpoint(**row) for row in rows]

    async def add(self, name: str, url: str, *, by: str) -> str:
        """A further one; its secret, as its receiver's library takes it.

        Raises:
            BadRequestError: that is no name, or no address that may be called.
            ConflictError: there is one of this name.
        """
        if not _NAME.fullmatch(name):
            raise BadRequestError("that is no name for a webhook", hint="small letters, digits and . _ -")
        endpoint_id = uuid7()
        values = {"id": endpoint_id, "name": name, "url": address_of(url, insecure=self._insecure), "by": by}
        async with self._database.transaction() as connection:
            if await (await connection.execute(self._sql["add"], values)).fetchone() is None:
                raise ConflictError(f"there is a webhook {name} already", hint="take another name, or remove that one")
            await self._log(connection, "alerts.webhook_added", by, name)
        return shown(secret_of(self._key, endpoint_id, 1))

    async def secret(self, name: str) -> str:
        """The secret that holds.

        Raises:
            NotFoundError: there is none of this name.
        """
        async with self._database.connection() as connection:
            row = await (await connection.execute(self._sql["secret_of"], {"name": name})).fetchone()
        if row is None:
            raise _unknown(name)
        return shown(secret_of(self._key, row["id"], row["generation"]))

    async def rotate(self, name: str, *, by: str) -> str:
        """A new secret; for a day both sign, so that the receiver can be changed in between.

        Raises:
            NotFoundError: there is none of this name.
        """
        async with self._database.transaction() as connection:
            cursor = await connection.execute(self._sql["rotate"], {"name": name, "overlap": OVERLAP})
            row = await cursor.fetchone()
            if row is None:
                raise _unknown(name)
            await self._log(connection, "alerts.webhook_rotated", by, name)
        return shown(secret_of(self._key, row["id"], row["generation"]))

    async def enable(self, name: str, *, by: str) -> None:
        """Tell it again what comes from now on.

        Raises:
            NotFoundError: there is none of this name.
        """
        await self._change("enable", name, by=by)

    async def disable(self, name: str, *, by: str, gone: bool = False) -> None:
        """Tell it nothing more. ``gone``: because it asked for that.

        Raises:
            NotFoundError: there is none of this name.
        """
        await self._change("disable", name, by=by, reason="gone" if gone else "admin")

    async def remove(self, name: str, *, by: str) -> None:
        """Forget it, and how telling it went.

        Raises:
            NotFoundError: there is none of this name.
        """
        await self._change("remove", name, by=by)

    async def _change(self, change: str, name: str, *, by: str, reason: str | None = None) -> None:
        async with self._database.transaction() as connection:
            values = {"name": name, "reason": reason}
            if await (await connection.execute(self._sql[change], values)).fetchone() is not None:
                await self._log(connection, f"alerts.webhook_{change}d", by, name)
            elif await (await connection.execute(self._sql["secret_of"], {"name": name})).fetchone() is None:
                raise _unknown(name)

    async def _log(self, connection: Connection, kind: str, by: str, name: str) -> None:
        values = {"event_id": uuid7(), "kind": kind, "actor": by, "data": Jsonb({"webhook": name})}
        await connection.execute(self._sql["log"], values)


def _unknown(name: str) -> NotFoundError:
    return NotFoundError(f"there is no webhook {name}"[:120], hint="`csagent alerts webhook list` names them")
