"""Where an instance's data lie, whose they are, and the small files beside them.

    servers.lock     locked while anything of ours runs; names the process that holds the servers
    servers.json     how to reach the running servers
    secrets.json     the passwords
    ports.json       where the servers listened last time
    pg_hba.conf      who may connect: 127.0.0.1 with a password
    redis.conf
    postgres/        PostgreSQL's data; ``postgres.new`` while they are being initialised
    postgres.log, redis.log    and ``.log.1``, what was there before the last ten megabytes
    binaries/        a copy of the programs, for an account that can't reach the installed ones

A normal user's instance lies in the folder that was asked for. PostgreSQL refuses to run as root, so root's lies in
``/var/lib/csagent/<instance>``, and the servers run as a user without privileges. The instance's folder stays root's,
so that the account can't swap the files that root reads; only what the servers write belongs to the account. A folder
that was there before is taken as it is: nothing that isn't ours is ever given other rights or another owner.
"""

from __future__ import annotations

import hashlib
import json
import os
import pwd
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from infra.embedded.process import Account
from skills.errors import ConfigurationError

SYSTEM_FOLDER = Path("/var/lib/csagent")

_ACCOUNTS = ("csagent", "nobody")
"""Who may run root's servers, best first. Not ``postgres``: another server's data may be its own."""

_LONGEST_PATH = 900
"""PostgreSQL's own limit is 1,023 bytes, including the names of its files. No Unix socket is used: theirs is 107."""

_LOG_BYTES = 10_000_000


@dataclass(frozen=True, slots=True)
class Secrets:
    """The passwords, each safe in a URL and between quotes."""

    postgres: str
    redis: str

    @classmethod
    def fresh(cls) -> Secrets:
        """Make new ones, of 192 bits each."""
        return cls(secrets.token_hex(24), secrets.token_hex(24))


@dataclass(frozen=True, slots=True)
class Folder:
    """An instance's folder and, for root, the account that its servers run as."""

    path: Path
    account: Account | None

    @property
    def lock_file(self) -> Path:
        """Locked while anything of ours runs."""
        return self.path / "servers.lock"

    @property
    def record_file(self) -> Path:
        """Who holds the folder, and how to reach the running servers."""
        return self.path / "servers.json"

    @property
    def postgres_data(self) -> Path:
        """PostgreSQL's data, complete whenever it exists."""
        return self.path / "postgres"

    @property
    def postgres_unfinished(self) -> Path:
        """PostgreSQL's data while they are being initialised; a leftover is thrown away."""
        return self.path / "postgres.new"

    def secrets(self) -> Secrets | None:
        """The passwords; None before the first initialisation and when the file is lost or damaged."""
        kept = self._read("secrets.json")
        try:
            return Secrets(str(kept["postgres"]), str(kept["redis"]))
        except KeyError:
            return None

    def keep_secrets(self, passwords: Secrets) -> None:
        """Keep the passwords. Only once PostgreSQL knows them, so that a crash between the two can be mended."""
        self.write("secrets.json", json.dumps(asdict(passwords)))

    def port(self, server: str) -> int | None:
        """The port that this server listened on last time."""
        kept = self._read("ports.json").get(server)
        return kept if isinstance(kept, int) and 0 < kept < 2**16 else None

    def keep_ports(self, ports: Mapping[str, int]) -> None:
        """Remember where the servers listen."""
        self.write("ports.json", json.dumps(dict(ports)))

    def write(self, name: str, text: str, *, for_account: bool = False) -> Path:
        """Write a file that only its owner can read, whole or not at all.

        It isn't forced to the disk: what a crash of the machine can lose here is made anew at the next start.

        Args:
            name: The file's name in this folder.
            text: What it shall contain.
            for_account: Whether the servers read it: then the account, if there is one, owns it.
        """
        path = self.path / name
        unfinished = path.with_name(f"{name}.new")
        unfinished.unlink(missing_ok=True)
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            if for_account and self.account:
                os.fchown(descriptor, self.account.uid, self.account.gid)
        unfinished.rename(path)
        return path

    def open_log(self, server: str) -> int:
        """Open a server's log to append to it, and put it aside first where it has grown long."""
        log = self.path / f"{server}.log"
        with suppress(FileNotFoundError):
            if log.stat().st_size > _LOG_BYTES:
                log.rename(log.with_name(f"{log.name}.1"))
        return os.open(log, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)

    def _read(self, name: str) -> dict[str, Any]:
        try:
            kept = json.loads((self.path / name).read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        return kept if isinstance(kept, dict) else {}


def open_folder(asked: Path, *, system: Path = SYSTEM_FOLDER) -> Folder:
    """Find or make the instance's folder.

    Args:
        asked: The folder that the caller wants, an absolute path. Root's is named for it, and lies elsewhere.
        system: Where root's instances lie.

    Raises:
        ConfigurationError: The path is too long, the folder is somebody else's, or no account can run the servers.
        OSError: The folder can't be made.
    """
    asked = asked.resolve()
    as_root = os.geteuid() == 0
    path = system / instance_name(asked) if as_root else asked
    if len(os.fsencode(path)) > _LONGEST_PATH:
        raise ConfigurationError(
            f"The path of the data folder is {len(os.fsencode(path))} bytes long; {_LONGEST_PATH} is the most.",
            hint="Choose a folder with a shorter path.",
        )
    if as_root:
        make_folder(system, 0o755)
        make_folder(path, 0o711)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        make_folder(path, 0o700)
    for ours in (system, path) if as_root else (path,):
        if ours.stat().st_uid != os.geteuid():
            raise ConfigurationError(
                f"{ours} belongs to {_user_name(ours.stat().st_uid)}, not to {_user_name(os.geteuid())}.",
                hint="Choose a folder of your own, or start as that user.",
            )
    return Folder(path, choose_account(path / "postgres") if as_root else None)


def instance_name(asked: Path) -> str:
    """Name an instance for the folder that was asked for: legible, and different for different folders.

    >>> instance_name(Path("/srv/Shop 1/.csagent"))
    'Shop-1-e843413fe4'
    """
    legible = asked.parent.name if asked.name.startswith(".") else asked.name
    legible = re.sub(r"[^A-Za-z0-9]+", "-", legible).strip("-")[:40]
    return f"{legible or 'instance'}-{hashlib.sha256(os.fsencode(asked)).hexdigest()[:10]}"


def choose_account(data: Path) -> Account:
    """Choose who runs root's servers: whoever did before, by the data's owner, else the first that this system knows.

    Raises:
        ConfigurationError: There is nobody.
    """
    found: list[pwd.struct_passwd] = []
    with suppress(KeyError):  # initdb asks for the user's name, so a number alone won't do
        found = [pwd.getpwuid(data.stat().st_uid)] if data.exists() else []
    for name in _ACCOUNTS:
        with suppress(KeyError):
            found.append(pwd.getpwnam(name))
    for entry in found:
        if entry.pw_uid != 0:
            return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise ConfigurationError(
        "PostgreSQL refuses to run as root, and this system has no user nobody to run it as.",
        hint="Start as a normal user, add a system user csagent, or set DATABASE_URL to a server of your own.",
    )


def make_folder(path: Path, mode: int) -> None:
    """Make a folder with these rights, whatever the umask; one that is there keeps its own.

    Raises:
        NotADirectoryError: Something else is there.
    """
    try:
        path.mkdir()
    except FileExistsError:
        if not path.is_dir():
            raise NotADirectoryError(20, "Not a folder", str(path)) from None
    else:
        path.chmod(mode)


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
