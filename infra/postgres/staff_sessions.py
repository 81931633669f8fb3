"""Sessions of the staff: a random token in the browser's cookie, its hash here.

A session is over when it was not used for a while, when it is too old, when it is ended, and when its account is
disabled. Whoever reads the table can't sign in with what stands there. A token carries a seal of ours, so that one that
somebody made up costs no statement: reviewers share no connections with whoever floods the door.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID, uuid4

from psycopg.types.json import Jsonb
from uuid_utils.compat import uuid7

from infra.postgres.database import Connection, Database
from infra.postgres.queries import load
from infra.staff.roles import Role
from skills.errors import NotFoundError

_SQL = load("staff_sessions")
_LONGEST_AGENT = 200


@dataclass(frozen=True, slots=True)
class Session:
    """Who is signed in. ``must_change``: their password was made by somebody else; ``issuer``: they have none here."""

    id: UUID
    account_id: UUID
    name: str
    role: Role
    must_change: bool
    issuer: str | None


@dataclass(frozen=True, slots=True)
class ListedSession:
    """A session as its owner sees it. ``agent`` is the browser's word for itself."""

    id: UUID
    agent: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


class StaffSessions:
    """Begins, finds and ends them.

    Args:
        database: where they are.
        secret: seals tokens.
        idle: after so long without use one is over.
        life: after so long in any case.
    """

    def __init__(self, database: Database, *, secret: bytes, idle: timedelta, life: timedelta) -> None:
        self._database = database
        self._secret = secret
        self._idle = idle
        self.life = life

    async def begin(self, account_id: UUID, agent: str, *, proven: str | None, former: str = "") -> str | None:
        """A new session.

        Args:
            account_id: whose.
            agent: the browser, as it calls itself.
            proven: the hash of the password that was proven; ``None`` of somebody whom the provider vouches for.
            former: the token that this browser had until now; its session ends.

        Returns:
            The token, which is told this once; ``None`` if the account was disabled or got another password meanwhile.
        """
        token = self._token()
        values = {
            "token_hash": _hashed(token),
            "id": uuid4(),
            "account_id": account_id,
            "agent": "".join(sign for sign in agent[:_LONGEST_AGENT] if sign.isprintable()),
            "life": self.life,
            "proven": proven,
            "former": _hashed(former),
        }
        async with self._database.connection() as connection:
            begun = await (await connection.execute(_SQL["begin"], values)).fetchone()
        return None if begun is None else token

    async def renew(self, session: Session) -> str | None:
        """Another token for the same session, if it is not over; the one until now is worth nothing any more."""
        token = self._token()
        async with self._database.connection() as connection:
            values = {"id": session.id, "token_hash": _hashed(token)}
            renewed = await (await connection.execute(_SQL["renew"], values)).fetchone()
        return None if renewed is None else token

    async def find(self, token: str, *, touch: bool = True) -> Session | None:
        """Whose session this is, if it is one.

        Args:
            token: from the cookie.
            touch: whether somebody did something; a page that refreshes itself keeps no session alive.
        """
        value, _, seal = token.partition(".")
        if not hmac.compare_digest(self._seal(value).encode(), seal.encode("utf-8", "replace")):
            return None
        values = {"token_hash": _hashed(token), "idle": self._idle, "touch": touch}
        async with self._database.connection() as connection:
            row = await (await connection.execute(_SQL["find"], values)).fetchone()
        if row is None:
            return None
        role = cast("Role", row["role"])
        return Session(row["id"], row["account_id"], row["name"], role, row["password_made_up"], row["issuer"])

    async def of_account(self, account_id: UUID) -> list[ListedSession]:
        """Those that are open, the one in use first."""
        async with self._database.connection() as connection:
            values = {"account_id": account_id, "idle": self._idle}
            rows = await (await connection.execute(_SQL["list"], values)).fetchall()
        return [ListedSession(**row) for row in rows]

    async def end(self, session: Session, which: UUID) -> None:
        """End this session of the account's, which may be its own.

        Raises:
            NotFoundError: the account has no such session.
        """
        async with self._database.transaction() as connection:
            values = {"id": which, "account_id": session.account_id}
            if await (await connection.execute(_SQL["end"], values)).fetchone() is None:
                raise NotFoundError("there is no such session", hint="it may be over already")
            await self._log(connection, session, 1)

    async def end_every(self, session: Session) -> None:
        """End all of the account's, its own too."""
        async with self._database.transaction() as connection:
            await self._log(connection, session, await end_all(connection, session.account_id))

    def _token(self) -> str:
        value = secrets.token_urlsafe(32)
        return f"{value}.{self._seal(value)}"

    def _seal(self, value: str) -> str:
        return hmac.new(self._secret, value.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:32]

    async def _log(self, connection: Connection, session: Session, ended: int) -> None:
        data = Jsonb({"sessions": ended})
        values = {"event_id": uuid7(), "kind": "staff.signed_out", "actor": session.name, "data": data}
        await connection.execute(_SQL["log"], values)


async def end_all(connection: Connection, account_id: UUID, *, keep: UUID | None = None) -> int:
    """End an account's sessions, in the transaction that takes from it what they rested on; how many."""
    return (await connection.execute(_SQL["end_all"], {"account_id": account_id, "keep": keep})).rowcount


async def goes_on(connection: Connection, account_id: UUID, session_id: UUID) -> bool:
    """Whether this session of the account's is still there; nobody ends it while the transaction lasts."""
    values = {"account_id": account_id, "id": session_id}
    return await (await connection.execute(_SQL["goes_on"], values)).fetchone() is not None


def _hashed(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
