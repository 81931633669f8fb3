"""The checks of ``csagent doctor`` that need no server: this machine, the settings, the model, the policy.

They look and change nothing: no folder is made and no server started.
"""

from __future__ import annotations

import math
import os
import platform
import shutil
import sys
import time
from pathlib import Path

from api.agent import open_embedder, read_policy
from api.channels.email import credentials_file
from api.commands.finding import Finding, error, failed, ok, warning
from api.terms import build_keyring
from infra.embedded.binaries import find_binaries
from infra.embedded.folder import SYSTEM_FOLDER, Folder, instance_name
from infra.embedded.lock import Record, read_record
from infra.settings import Settings
from infra.staff_settings import refuse_unknown_keys
from skills.errors import SupportError

_GIGABYTE = 1024**3
_OLDEST, _NEWEST = (3, 11), (3, 14)
"""Python versions that are tested."""


def check_python() -> Finding:
    """Whether this Python is one that the product is tested on."""
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    if sys.version_info < _OLDEST:
        return error("python", found, f"use Python {_OLDEST[0]}.{_OLDEST[1]} or newer")
    if sys.version_info[:2] > _NEWEST:
        return warning("python", f"{found} is newer than what is tested", f"{_NEWEST[0]}.{_NEWEST[1]} is the newest")
    return ok("python", found)


def check_binaries(settings: Settings) -> Finding:
    """Whether this platform has the embedded servers' programs, where they are wanted."""
    if settings.database_url is not None:
        return ok("embedded servers", "not wanted: DATABASE_URL names a server")
    try:
        binaries = find_binaries()
    except SupportError as problem:
        return failed("embedded servers", problem)
    if binaries.redis is None:
        return warning(
            "embedded servers",
            f"{binaries.label}; no redis-server, so PostgreSQL alone wakes the workers",
            "install redis-server, or leave it: it is a little slower",
        )
    return ok("embedded servers", "PostgreSQL and Redis are installed")


def check_folder(settings: Settings) -> Finding:
    """Whether the folder can be written, and how much room is left."""
    place = settings.folder.resolve()
    while not place.exists():
        place = place.parent
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        return error("folder", f"{settings.folder} can't be written", "choose another: CSAGENT_FOLDER=…")
    data = SYSTEM_FOLDER if os.geteuid() == 0 and SYSTEM_FOLDER.exists() else place
    free = shutil.disk_usage(data).free / _GIGABYTE
    found = f"{settings.folder} can be written, {free:,.1f} GB are free"
    if free < 0.5:  # noqa: PLR2004 - PostgreSQL's log of changes alone may take as much
        return error("folder", found, "make room: a full disk stops the database")
    if free < 2:  # noqa: PLR2004 - gigabytes
        return warning("folder", found, "make room before the disk is full")
    return ok("folder", found)


def check_keys(settings: Settings) -> Finding:
    """Whether the keys are there and are keys; without DATABASE_URL they are made by the first start."""
    missing = [
        name
        for name, value in (
            ("CSAGENT_MASTER_KEYS", settings.master_keys),
            ("CSAGENT_INDEX_KEY", settings.index_key),
            ("CSAGENT_STAFF_KEYS", settings.staff_keys),
        )
        if not value
    ]
    if missing and not (settings.folder / "keys.env").exists():
        if settings.database_url is None:
            return ok("keys", "not made yet: the first start makes and keeps them")
        return error("keys", f"{', '.join(missing)} not set", "take them from your vault; every process needs the same")
    if missing:
        return ok("keys", f"kept in {settings.folder / 'keys.env'}: back that file up, nothing can be read without it")
    try:
        build_keyring(settings)
        refuse_unknown_keys(settings.staff.key_roles, settings.staff_keys)
    except SupportError as problem:
        return failed("keys", problem)
    return ok("keys", f"set; staff keys of {', '.join(settings.staff_keys)}")


def check_policy(settings: Settings) -> Finding:
    """Whether the escalation policy can be read and makes sense."""
    try:
        policy = read_policy(settings)
    except SupportError as problem:
        return failed("policy", problem)
    return ok("policy", f"{len(policy.rules)} rules in {settings.policy_file or 'the shipped policy'}")


async def check_embeddings(settings: Settings) -> Finding:
    """Whether the embedding model gives unit vectors of its length. One of OpenAI's is not asked: that costs."""
    if settings.model.embeddings == "openai":
        if settings.openai_api_key is None:
            return error("embeddings", "openai, but OPENAI_API_KEY is not set", "set it, or use minilm")
        return ok("embeddings", f"{settings.model.embeddings_name}; not asked, as that costs")
    try:
        async with open_embedder(settings) as embedder:
            began = time.perf_counter()
            (vector,) = await embedder.embed(["Where is my parcel?"])
    except SupportError as problem:
        return failed("embeddings", problem)
    milliseconds = (time.perf_counter() - began) * 1000
    if len(vector) != embedder.dimensions or not math.isclose(math.hypot(*vector), 1.0, abs_tol=1e-3):
        return error("embeddings", f"{embedder.model} gives wrong vectors", "install its package again")
    return ok("embeddings", f"{embedder.model} gives {len(vector)} dimensions in {milliseconds:.0f} ms")


def check_chat_model(settings: Settings) -> Finding:
    """Who writes the drafts."""
    chat, key = settings.model.chat, settings.openai_api_key
    if chat == "openai" and key is None:
        return error("chat model", "openai, but OPENAI_API_KEY is not set", "set it, or CSAGENT_MODEL__CHAT=embedded")
    if chat == "embedded" or key is None:
        return ok("chat model", "none: drafts quote the articles")
    return ok("chat model", f"{settings.model.chat_name}; not asked, as that costs")


def running_servers(settings: Settings) -> Record | None:
    """The embedded servers that run for these settings, found by what their keeper wrote down; nothing is started."""
    asked = settings.folder.resolve()
    place = SYSTEM_FOLDER / instance_name(asked) if os.geteuid() == 0 else asked
    record = read_record(Folder(Path(place), None))
    return record if record is not None and record.kept and record.database_url else None


def check_mailbox(settings: Settings) -> Finding:
    """Whether the mailbox is set up. Google is not asked: `csagent gmail status` does that."""
    gmail, file = settings.gmail, credentials_file(settings.gmail, settings.folder)
    if gmail.mailbox is None:
        return ok("mailbox", "not set up: there is no email channel (CSAGENT_GMAIL__MAILBOX)")
    try:
        mode = file.stat().st_mode
    except OSError as problem:
        return error("mailbox", f"no credentials in {file}: {problem.strerror}", "csagent gmail connect")
    if mode & 0o077:
        return warning("mailbox", f"others on this machine can read {file}", f"chmod 600 {file}")
    if gmail.topic is not None and not gmail.pushes:
        return warning(
            "mailbox",
            "a topic is set, and nothing to know its pushes by",
            "set CSAGENT_GMAIL__PUSH_AUDIENCE and CSAGENT_GMAIL__PUSH_ACCOUNT",
        )
    told = "told by Pub/Sub, and looked at" if gmail.topic else "looked at"
    return ok("mailbox", f"{gmail.mailbox}, {told} every {gmail.poll_seconds:g} s; `csagent gmail status` asks Google")
