"""Passwords: hashed by Argon2id, compared in the same time whether somebody is known or not, and what makes a good one.

The hash comes from ``cryptography``, which is here anyway. Its parameters are those of RFC 9106, section 4, for a
machine where memory is dear: three passes over 64 MiB. They stand in the hash, so they can be raised later: a password
that was hashed by other ones is hashed again when its owner next signs in.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import unicodedata
from dataclasses import dataclass

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from skills.errors import BadRequestError

SHORTEST, LONGEST = 12, 200
"""Characters of a password. Length is all that is asked for; rules about signs only make people write them down."""
_SALT, _HASH = 16, 32
_AT_ONCE = 2
"""Passwords that a process hashes side by side: each takes its memory and a core."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a guess costs. ``memory`` is in KiB."""

    passes: int = 3
    lanes: int = 4
    memory: int = 65_536


class Passwords:
    """Hashes and compares, in threads, a few at once.

    Args:
        cost: of one hash; tests take a small one.
    """

    def __init__(self, cost: Cost = Cost()) -> None:
        self._cost = cost
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._nobodys: str | None = None

    async def hashed(self, password: str) -> str:
        """A password as it is stored: a PHC string with its own salt."""
        async with self._room:
            return await asyncio.to_thread(self._hash, password)

    async def fits(self, password: str, stored: str | None) -> bool:
        """Whether it is the password of this hash. Without a hash the same work is done, and it never is.

        Raises:
            ValueError: the hash is none of ours.
        """
        async with self._room:
            return await asyncio.to_thread(self._compare, password, stored)

    def outdated(self, stored: str) -> bool:
        """Whether a hash was made at another cost than today's."""
        return f"m={self._cost.memory},t={self._cost.passes},p={self._cost.lanes}" not in stored.split("$")

    def _hash(self, password: str) -> str:
        cost = self._cost
        made = Argon2id(
            salt=os.urandom(_SALT),
            length=_HASH,
            iterations=cost.passes,
            lanes=cost.lanes,
            memory_cost=cost.memory,
        )
        return made.derive_phc_encoded(_bytes(password))

    def _compare(self, password: str, stored: str | None) -> bool:
        if self._nobodys is None:
            self._nobodys = self._hash(secrets.token_urlsafe())
        try:
            Argon2id.verify_phc_encoded(_bytes(password), stored or self._nobodys)
        except InvalidKey:
            return False
        return stored is not None


def refuse_weak(password: str, name: str) -> None:
    """Raise BadRequestError, with what would do, for a password that is too short, too long, or the name again."""
    if len(password) < SHORTEST:
        raise BadRequestError(
            f"a password has {SHORTEST} characters or more", hint="three or four words that don't belong together do"
        )
    if len(password) > LONGEST:
        raise BadRequestError(f"a password has {LONGEST} characters at most")
    if name.casefold() in password.casefold() and len(password) < SHORTEST + len(name):
        raise BadRequestError("the password is hardly more than the name", hint="take words that nobody links with you")
    if len(set(password)) < SHORTEST // 3:
        raise BadRequestError("the password repeats itself", hint="take words that don't belong together")


def made_up() -> str:
    """A password for somebody else to change: 100 random bits in groups that can be read out."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(5)) for _ in range(4))


def _bytes(password: str) -> bytes:
    # The same characters give different bytes on different keyboards (RFC 8265 asks for NFC).
    return unicodedata.normalize("NFC", password).encode("utf-8", "replace")
