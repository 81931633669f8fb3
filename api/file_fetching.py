"""Fetches customers' files from the providers of channels, once their messages are acknowledged.

Killed in the middle of a fetch: the file is fetched again a little later (``infra.postgres.awaited_files``). What is
fetched is checked like every other file, and what can't be had leaves its reason. Two at once do no harm.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import structlog

from channels.attachments import SentFile, check, safe_name
from channels.envelope import File
from infra.postgres.awaited_files import AwaitedFile, AwaitedFiles
from skills.errors import BadRequestError, NotFoundError, ProviderUnavailableError

Fetch = Callable[[str], Awaitable[bytes]]
"""Gets a file from where its provider has it.

Raises NotFoundError where there is none any more, BadRequestError with a ``reason`` for what is not taken,
ProviderUnavailableError for what may be had later.
"""

_AT_ONCE = 4
"""Files in memory together, each of 16 MB at most."""
_ROUND = 40
"""Files of one run."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Fetched:
    """What one run did, by result. ``more``: it had to leave some over."""

    counts: Mapping[str, int]
    more: bool


async def fetch_due(awaited: AwaitedFiles, fetch: Fetch, *, count: Callable[[str], None]) -> Fetched:
    """Fetch what is due now, a few at a time."""
    results: Counter[str] = Counter()
    while results.total() < _ROUND:
        claimed = await awaited.claim(_AT_ONCE)
        if not claimed:
            return Fetched(results, more=False)
        for result in await asyncio.gather(*(_fetch(awaited, one, fetch) for one in claimed)):
            results[result] += 1
            count(result)
    return Fetched(results, more=True)


async def _fetch(awaited: AwaitedFiles, one: AwaitedFile, fetch: Fetch) -> str:
    try:
        file = _checked(one, await fetch(one.source))
    except NotFoundError:
        file = _refused(one, "gone")
    except BadRequestError as error:
        file = _refused(one, getattr(error, "reason", "refused"))
    except ProviderUnavailableError as error:
        _log.warning("file.unavailable", attempt=one.attempt, error=str(error))
        file = _refused(one, "unavailable")
    except Exception as error:  # noqa: BLE001 - whatever one file brings about, the others go on
        _log.error("file.failed", attempt=one.attempt, error=type(error).__name__, exc_info=True)
        file = _refused(one, "unavailable")
    if file.refusal == "unavailable" and not one.last:
        await awaited.again(one)
        return "again"
    await awaited.keep(one, file)
    return file.refusal or "kept"


def _checked(one: AwaitedFile, data: bytes) -> File:
    (attachment,) = check([SentFile(_name(one), one.media_type, data)])
    return attachment.file


def _refused(one: AwaitedFile, reason: str) -> File:
    return File(safe_name(_name(one), one.media_type), one.media_type, 0, None, reason)


def _name(one: AwaitedFile) -> str:
    return f"{one.media_type.partition('/')[0] or 'file'}-{one.ordinal}"
