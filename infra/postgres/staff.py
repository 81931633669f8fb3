"""Accounts of the staff: made by an operator or at the first sign-in through the provider, changed by admins.

A try to sign in is counted before its password is compared, and stays counted until one succeeds; names that nobody
has cost the same time and get the same answer. What is changed here ends the sessions that rested on it, in the same
transaction.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from psycopg.errors import UniqueViolation
from psycopg.types.json import Jsonb
from uuid_utils.compat import uuid7

from infra.crypto.keyring import Keyring
from infra.postgres.database import Connection, Database
from infra.postgres.queries import load
from infra.postgres.staff_sessions import end_all, goes_on
from infra.postgres.staff_tries import StaffTries
from infra.staff.passwords import LONGEST, Passwords, made_up, refuse_weak
from infra.staff.roles import Role
from skills.errors import BadRequestError, ConflictError, NotFoundError, SupportError

_NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,99}")
_LONGEST_NAME = 200
_LONGEST_PASSWORD = 500
"""As it is typed; some keyboards give two characters where we keep one."""


class SignInRefusedError(SupportError):
    """The name or the password is not right."""


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may sign in."""

    id: UUID
    name: str
    role: Role
    password_hash: str | None = field(default=None, repr=False)
    """Of the password that they proved: a session begins only while they have it. ``None``: the provider vouches."""


@dataclass(frozen=True, slots=True)
class ListedAccount:
    """A line of the list. ``issuer`` is the provider's, of whoever signs in there; ``sessions`` how many are open."""

    id: UUID
    name: str
    role: Role
    issuer: str | None
    password_made_up: bool
    created_at: datetime
    disabled_at: datetime | None
    signed_in_at: datetime | None
    sessions: int


class StaffAccounts:
    """Who may sign in, and as what.

    Args:
        database: where they are.
        keyring: for the keyed hashes of tries.
        passwords: hashes and compares.
        tries: wrong passwords for one name in a quarter of an hour.
        tries_from_address: the same from one network address.
        reserved: names that nobody gets, for staff keys act under them.
    """

    def __init__(
        self,
        database: Database,
        keyring: Keyring,
        passwords: Passwords,
        *,
        tries: int = 10,
        tries_from_address: int = 50,
        reserved: frozenset[str] = frozenset(),
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._tries = StaffTries(database, keyring, for_name=tries, from_address=tries_from_address)
        self._reserved = reserved
        self._sql = load("staff")

    async def add(self, name: str, role: Role, *, by: str) -> str:
        """A new account; the password that its owner signs in with once, and then changes.

        Raises:
            BadRequestError: that is no name.
            ConflictError: somebody has it.
        """
        self._refuse_name(name)
        password = made_up()
        hashed = await self._passwords.hashed(password)
        async with self._database.transaction() as connection:
            values = {"id": uuid7(), "name": name, "role": role, "password_hash": hashed, "made_up": True}
            if await (await connection.execute(self._sql["add"], values)).fetchone() is None:
                raise ConflictError(f"{name} is somebody already", hint="take another name, or `csagent staff list`")
            await self._log(connection, "staff.added", by, account=name, role=role)
        return password

    async def add_first(self, name: str, password: str) -> bool:
        """An admin where there is nobody yet; whether one was made.

        Raises:
            ConflictError: a staff key has that name.
        """
        self._refuse_name(name)
        hashed = await self._passwords.hashed(password)
        async with self._database.transaction() as connection:
            values = {"id": uuid7(), "name": name, "password_hash": hashed}
            made = await (await connection.execute(self._sql["add_first"], values)).fetchone() is not None
            if made:
                await self._log(connection, "staff.added", name, account=name, role="admin")
        return made

    async def opens(self, name: str, password: str) -> bool:
        """Whether this account has this password still. For the operator of the machine: no try is counted."""
        row = await self._row(name)
        return row is not None and row["disabled_at"] is None and await self._passwords.fits(password, _hash(row))

    async def sign_in(self, name: str, password: str, *, address: str) -> Account:
        """Whose name and password these are.

        Args:
            name: as it was typed; case and blanks around it don't count.
            password: as it was typed.
            address: the network's, from which it came.

        Raises:
            SignInRefusedError: nobody's, or of somebody who may not come in any more. All are answered alike.
            TooManyError: it was tried too often, whether there is such a name or not.
        """
        row = await self._proven(name, password, address)
        outdated = self._passwords.outdated(row["password_hash"])
        anew = await self._passwords.hashed(password) if outdated else None
        async with self._database.transaction() as connection:
            await connection.execute(self._sql["signed_in"], {"id": row["id"]})
            if anew is not None:
                values = {"id": row["id"], "old": row["password_hash"], "password_hash": anew}
                if (await connection.execute(self._sql["rehash"], values)).rowcount:
                    row["password_hash"] = anew
            await self._log(connection, "staff.signed_in", row["name"])
        return _account(row, row["password_hash"])

    async def sign_in_by_provider(self, issuer: str, subject: str, *, name: str, role: Role) -> Account:
        """Who this subject of the provider's is here: whoever came before, or a new account. Names never join two.

        Raises:
            SignInRefusedError: they were disabled here, or their name is no name here or somebody else's.
        """
        async with self._database.transaction() as connection:
            values = {"issuer": issuer, "subject": subject, "role": role}
            row = await (await connection.execute(self._sql["of_provider"], values)).fetchone()
            if row is None:
                known = name.strip().casefold()
                new = {**values, "id": uuid7(), "name": known}
                try:
                    self._refuse_name(known)
                except (BadRequestError, ConflictError) as error:
                    raise SignInRefusedError(str(error), hint=error.hint) from None
                row = await (await connection.execute(self._sql["add_of_provider"], new)).fetchone()
                if row is None:
                    raise SignInRefusedError(
                        f"{known} is somebody else here",
                        hint="an admin can give that account another name: csagent staff rename",
                    )
                await self._log(connection, "staff.added", row["name"], account=row["name"], role=role)
            if row["disabled_at"] is not None:
                raise SignInRefusedError("this account was disabled", hint="an admin can enable it again")
            await self._log(connection, "staff.signed_in", row["name"])
        return _account(row)

    async def listed(self) -> list[ListedAccount]:
        """Everybody, those who may not come in any more last."""
        async with self._database.connection() as connection:
            rows = await (await connection.execute(self._sql["list"])).fetchall()
        return [ListedAccount(**row) for row in rows]

    async def rename(self, name: str, new: str, *, by: str) -> None:
        """Call somebody otherwise from now on. What they did and hold stays under the name that they had.

        Raises:
            NotFoundError: there is nobody of this name.
            BadRequestError: that is no name.
            ConflictError: somebody has the new one.
        """
        self._refuse_name(new)
        try:
            async with self._database.transaction() as connection:
                row = await self._locked(connection, name)
                await connection.execute(self._sql["rename"], {"id": row["id"], "name": new})
                await self._log(connection, "staff.renamed", by, account=name, to=new)
        except UniqueViolation:
            raise ConflictError(f"{new} is somebody already", hint="take another name") from None

    async def set_role(self, name: str, role: Role, *, by: str) -> None:
        """Make somebody something else, from their next request on.

        Raises:
            NotFoundError: there is nobody of this name.
            ConflictError: they are the last admin, or the provider says what they are.
        """
        async with self._database.transaction() as connection:
            admins = await self._admins(connection) if role != "admin" else []
            row = await self._locked(connection, name)
            if row["issuer"] is not None:
                raise ConflictError(f"{name} gets the role from the provider", hint="change their groups there")
            _refuse_last(admins, name)
            await connection.execute(self._sql["set_role"], {"id": row["id"], "role": role})
            await self._log(connection, "staff.role_set", by, account=name, role=role)

    async def disable(self, name: str, *, by: str) -> None:
        """Keep somebody out from now on. Their sessions end; what they did stays theirs.

        Raises:
            NotFoundError: there is nobody of this name.
            ConflictError: they are the last admin.
        """
        async with self._database.transaction() as connection:
            admins = await self._admins(connection)
            row = await self._locked(connection, name)
            _refuse_last(admins, name)
            await connection.execute(self._sql["disable"], {"id": row["id"]})
            await end_all(connection, row["id"])
            await self._log(connection, "staff.disabled", by, account=name)

    async def enable(self, name: str, *, by: str) -> None:
        """Let somebody in again who was disabled, by signing in anew. Wrong passwords before don't count any more.

        Raises:
            NotFoundError: there is nobody of this name.
        """
        async with self._database.transaction() as connection:
            row = await self._locked(connection, name)
            await connection.execute(self._sql["enable"], {"id": row["id"]})
            await end_all(connection, row["id"])
            await self._tries.clear(connection, name)
            await self._log(connection, "staff.enabled", by, account=name)

    async def reset(self, name: str, *, by: str) -> str:
        """A new password for once, which its owner then changes; sessions end, wrong passwords before are forgotten.

        Raises:
            NotFoundError: there is nobody of this name.
            ConflictError: they sign in through the provider.
        """
        password = made_up()
        hashed = await self._passwords.hashed(password)
        async with self._database.transaction() as connection:
            row = await self._locked(connection, name)
            if row["issuer"] is not None:
                raise ConflictError(f"{name} has no password here", hint="they sign in through the provider")
            await self._set_password(connection, row, hashed, made_up=True)
            await end_all(connection, row["id"])
            await self._tries.clear(connection, name)
            await self._log(connection, "staff.password_reset", by, account=name)
        return password

    async def change_password(self, name: str, old: str, new: str, *, keep: UUID, address: str) -> None:
        """Somebody's own password. Every other session of theirs ends.

        Args:
            name: whose.
            old: the one until now; wrong ones count as tries to sign in.
            new: the one from now on.
            keep: the session in which it is changed.
            address: the network's, from which it came.

        Raises:
            SignInRefusedError: the old one is wrong.
            TooManyError: it was tried too often.
            BadRequestError: the new one is weak, or the old one again.
            ConflictError: meanwhile the account was changed, or the session ended.
        """
        refuse_weak(new, name)
        if new == old:
            raise BadRequestError("that is the password that you have", hint="choose another one")
        proven = await self._proven(name, old, address)
        hashed = await self._passwords.hashed(new)
        async with self._database.transaction() as connection:
            row = await self._locked(connection, name)
            same = row["id"] == proven["id"] and row["password_hash"] == proven["password_hash"]
            if not same or row["disabled_at"] is not None or not await goes_on(connection, row["id"], keep):
                raise ConflictError("your account was changed meanwhile", hint="nothing was done; sign in again")
            await self._set_password(connection, row, hashed, made_up=False)
            await end_all(connection, row["id"], keep=keep)
            await self._log(connection, "staff.password_changed", name)

    async def _proven(self, name: str, password: str, address: str) -> dict[str, Any]:
        """The account of this name and password. The try is counted first; the right one clears those before."""
        if len(password) > _LONGEST_PASSWORD:
            raise SignInRefusedError(hint=f"a password has {LONGEST} characters at most")
        known = name.strip().casefold()[:_LONGEST_NAME].encode("utf-8", "replace").decode()
        row = await self._row(known)
        whose = {} if row is None else {"account": known}
        await self._tries.count(known, address, account=whose.get("account"))
        right = await self._passwords.fits(password, _hash(row))
        if row is None or not right or row["disabled_at"] is not None:
            async with self._database.connection() as connection:
                await self._log(connection, "staff.sign_in_refused", "staff", **whose)
            raise SignInRefusedError(hint="check both; after several wrong ones you have to wait a quarter of an hour")
        async with self._database.connection() as connection:
            await self._tries.clear(connection, known)
        return row

    async def _set_password(self, connection: Connection, row: dict[str, Any], hashed: str, *, made_up: bool) -> None:
        values = {"id": row["id"], "password_hash": hashed, "made_up": made_up}
        await connection.execute(self._sql["set_password"], values)

    async def _row(self, name: str) -> dict[str, Any] | None:
        if not _NAME.fullmatch(name):
            return None
        async with self._database.connection() as connection:
            return await (await connection.execute(self._sql["by_name"], {"name": name})).fetchone()

    async def _locked(self, connection: Connection, name: str) -> dict[str, Any]:
        row = None
        if _NAME.fullmatch(name):  # PostgreSQL has no text with a NUL in it
            row = await (await connection.execute(self._sql["lock"], {"name": name})).fetchone()
        if row is None:
            shown = "".join(filter(str.isprintable, name))[:100]
            raise NotFoundError(f"there is nobody called {shown}", hint="`csagent staff list` names everybody")
        return row

    async def _admins(self, connection: Connection) -> list[dict[str, Any]]:
        """Every admin who may come in, locked. First of all in a transaction, or two of them wait for each other."""
        return list(await (await connection.execute(self._sql["lock_admins"])).fetchall())

    def _refuse_name(self, name: str) -> None:
        if not _NAME.fullmatch(name):
            raise BadRequestError(
                "that is no name for an account",
                hint="small letters, digits and . _ @ + -, beginning with a letter or a digit",
            )
        if name in self._reserved:
            raise ConflictError(f"{name} is a staff key's name", hint="take another one, or call the key otherwise")

    async def _log(self, connection: Connection, kind: str, actor: str, **data: str) -> None:
        values = {"event_id": uuid7(), "kind": kind, "actor": actor, "data": Jsonb(data)}
        await connection.execute(self._sql["log"], values)


def _account(row: dict[str, Any], proven: str | None = None) -> Account:
    return Account(row["id"], row["name"], cast("Role", row["role"]), proven)


def _refuse_last(admins: list[dict[str, Any]], name: str) -> None:
    """Somebody has to be left who can let others in, without the provider too: it may be away, or take roles away."""
    others = [admin for admin in admins if admin["name"] != name]
    who = next((admin for admin in admins if admin["name"] == name), None)
    if who is not None and (not others or (who["issuer"] is None and all(one["issuer"] for one in others))):
        raise ConflictError(f"{name} is the last admin", hint="make somebody else one first, who has a password here")


def _hash(row: dict[str, Any] | None) -> str | None:
    return None if row is None else row["password_hash"]
