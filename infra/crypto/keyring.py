"""Customer keys wrapped by master keys, and blind indexes.

Each customer has a key of their own; what is personal is sealed with it (AES-256-GCM). In the database that key lies
wrapped by a master key, which only the settings hold. Destroying the wrapped key erases the customer; wrapping it again
under a new master key rotates. Neither touches a sealed row, because every row carries its key's id.

Associated data binds a sealed value to its place: table, column and row id. Moved elsewhere it does not open.

Layout of a sealed value: one byte of format version, 12 bytes of random nonce, ciphertext, 16 bytes of tag.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from uuid_utils.compat import uuid7

from skills.errors import ConfigurationError, SupportError
from skills.turn import CustomerId

_FORMAT = b"\x01"
_NONCE = 12
_KEY = 32

_INDEXED_AS = {"chat": "web"}
"""Channels that had another name when their first rows were written; no address, no new index."""


class SealBrokenError(SupportError):
    """A sealed value does not open: it was altered, moved, or sealed with another key."""


class KeyDestroyedError(SupportError):
    """The customer's key was destroyed: this was erased."""


@dataclass(frozen=True, slots=True)
class CustomerKey:
    """A customer's key, unwrapped, for as long as one piece of work needs it."""

    id: UUID
    cipher: AESGCM

    def seal(self, text: str, *, place: str, row: UUID) -> bytes:
        """Seal a text for the column ``place`` (``table.column``) of the row ``row``."""
        return self.seal_bytes(text.encode(), _context(place, row))

    def open(self, sealed: bytes, *, place: str, row: UUID) -> str:
        """The text again.

        Raises:
            SealBrokenError: altered, moved from another row or column, or another key's.
        """
        return self.open_bytes(sealed, _context(place, row)).decode()

    def seal_file(self, data: bytes, *, row: UUID) -> bytes:
        """Seal a file's content, for ``message_files.content_sealed``."""
        return self.seal_bytes(data, _context("message_files.content_sealed", row))

    def open_file(self, sealed: bytes, *, row: UUID) -> bytes:
        """The content again.

        Raises:
            SealBrokenError: as ``open``.
        """
        return self.open_bytes(sealed, _context("message_files.content_sealed", row))

    def seal_bytes(self, data: bytes, context: bytes) -> bytes:
        """Seal bytes under any context; ``seal`` is for columns."""
        nonce = os.urandom(_NONCE)
        return _FORMAT + nonce + self.cipher.encrypt(nonce, data, context)

    def open_bytes(self, sealed: bytes, context: bytes) -> bytes:
        """The bytes again, if the context is the one that they were sealed under."""
        return _open(self.cipher, sealed, context)


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A customer's key as the database keeps it. ``wrapped`` is ``None`` once it was destroyed."""

    id: UUID
    customer_id: CustomerId
    wrapped: bytes | None
    master_key_id: str


class Keyring:
    """The master keys and the index key.

    Args:
        masters: master keys by id, 32 bytes each; the first wraps new keys, all of them unwrap.
        index_key: 32 bytes for the blind indexes. It outlives every master key: changing it loses every look-up.
    """

    def __init__(self, masters: Mapping[str, bytes], index_key: bytes) -> None:
        if not masters:
            raise ConfigurationError("there is no master key", hint="set CSAGENT_MASTER_KEYS=name:base64-of-32-bytes")
        for name, key in {**masters, "index key": index_key}.items():
            if len(key) != _KEY:
                raise ConfigurationError(
                    f"the key {name!r} has {len(key)} bytes", hint="a key is 32 bytes: openssl rand -base64 32"
                )
        self._masters = {name: AESGCM(key) for name, key in masters.items()}
        self._fingerprints = {
            "index": _fingerprint(index_key),
            **{f"master:{name}": _fingerprint(key) for name, key in masters.items()},
        }
        self._current = next(iter(masters))
        self._index_key = index_key

    def create(self, customer_id: CustomerId) -> tuple[WrappedKey, CustomerKey]:
        """A new key for a customer: wrapped for the database, and unwrapped for now."""
        key_id = uuid7()
        key = AESGCM.generate_key(bit_length=256)
        nonce = os.urandom(_NONCE)
        wrapped = _FORMAT + nonce + self._masters[self._current].encrypt(nonce, key, _wrapping(key_id, customer_id))
        return WrappedKey(key_id, customer_id, wrapped, self._current), CustomerKey(key_id, AESGCM(key))

    def unwrap(self, wrapped: WrappedKey) -> CustomerKey:
        """The key, ready to use.

        Raises:
            KeyDestroyedError: the customer was erased.
            ConfigurationError: its master key is not in the settings.
            SealBrokenError: the row was altered or belongs to another customer.
        """
        if wrapped.wrapped is None:
            raise KeyDestroyedError
        master = self._masters.get(wrapped.master_key_id)
        if master is None:
            raise ConfigurationError(
                f"the master key {wrapped.master_key_id!r} is not in the settings",
                hint="add it to CSAGENT_MASTER_KEYS: old master keys stay until everything is rewrapped",
            )
        key = _open(master, wrapped.wrapped, _wrapping(wrapped.id, wrapped.customer_id))
        return CustomerKey(wrapped.id, AESGCM(key))

    def blind_index(self, kind: str, value: str) -> bytes:
        """A keyed hash for exact look-ups, 16 bytes; ``kind`` keeps a mail address apart from an equal thread id."""
        return hmac.digest(self._index_key, f"{kind}\x1f{value}".encode(), "sha256")[:16]

    def address_index(self, channel: str, address: str) -> bytes:
        """The blind index of an address on a channel."""
        return self.blind_index(f"address:{_INDEXED_AS.get(channel, channel)}", address)

    def thread_index(self, channel: str, thread: str) -> bytes:
        """The blind index of what a channel calls a talk."""
        return self.blind_index(f"thread:{_INDEXED_AS.get(channel, channel)}", thread)

    def fingerprints(self) -> dict[str, bytes]:
        """What tells these keys from others without giving them away: 16 bytes by ``index`` and ``master:<name>``."""
        return dict(self._fingerprints)

    def derive(self, purpose: str) -> bytes:
        """A further secret of 32 bytes for one purpose, such as signing conversation tokens."""
        return hmac.digest(self._index_key, f"derive\x1f{purpose}".encode(), hashlib.sha256)


def decode_key(name: str, text: str) -> bytes:
    """A key as it stands in the settings.

    Raises:
        ConfigurationError: it is not base64.
    """
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ConfigurationError(f"the key {name!r} is not base64", hint="openssl rand -base64 32 makes one") from None


def _fingerprint(key: bytes) -> bytes:
    return hmac.digest(key, b"fingerprint", "sha256")[:16]


def _context(place: str, row: UUID) -> bytes:
    return place.encode() + b"\x1f" + row.bytes


def _wrapping(key_id: UUID, customer_id: CustomerId) -> bytes:
    return b"customer_keys.wrapped\x1f" + key_id.bytes + customer_id.bytes


def _open(cipher: AESGCM, sealed: bytes, context: bytes) -> bytes:
    if sealed[:1] != _FORMAT:
        raise SealBrokenError("a sealed value has a format that this version does not know")
    try:
        return cipher.decrypt(sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :], context)
    except (InvalidTag, ValueError):
        raise SealBrokenError from None
