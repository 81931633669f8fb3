"""JSON logs, one line an event, on standard error: ids, codes and figures, never a message's text.

An exception's own message may quote what a customer wrote, so it is left out: its type and the places in our code that
it passed stand in the line instead.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any, Literal

import structlog

Event = MutableMapping[str, Any]
_FRAMES = 6


def configure_logs(level: Literal["debug", "info", "warning", "error"], *, process: str) -> None:
    """Set up logging for this process, libraries included.

    Args:
        level: the least severe level that is written.
        process: ``api``, ``worker`` …: stands in every line.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _with_process(process),
        _exception_without_message,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer(ensure_ascii=False)],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_first_line_of_asyncio, *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    # One line for every attempt to reach a database that is away; who needs it says so in a line of its own.
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
    logging.basicConfig(level=max(logging.getLevelNamesMapping()[level.upper()], logging.WARNING), handlers=[handler])


def _with_process(process: str) -> structlog.typing.Processor:
    def add(_logger: Any, _method: str, event: Event) -> Event:
        event["process"] = process
        return event

    return add


def _first_line_of_asyncio(_logger: Any, _method: str, event: Event) -> Event:
    """Asyncio says in its first line what happened; the next ones show the task, and in it the exception's message."""
    if event["_record"].name == "asyncio":
        event["event"] = event["event"].partition("\n")[0]
    return event


def _exception_without_message(_logger: Any, _method: str, event: Event) -> Event:
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    error = info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
        event["error"] = type(error).__name__
        event["passed"] = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames]
    return event
