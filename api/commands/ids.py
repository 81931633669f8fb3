"""Ids as people type them: whole, or as much of their beginning as is unique."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar
from uuid import UUID

from api.commands.options import SHORTEST
from api.commands.printing import line
from skills.errors import BadRequestError, NotFoundError

Identifier = TypeVar("Identifier", bound=UUID)

_DIGITS = 32


async def whole_id(
    identifier: str, between: Callable[[UUID, UUID], Awaitable[Sequence[Identifier]]], *, what: str, shown_by: str
) -> Identifier:
    """The id that is this or begins with it.

    Args:
        identifier: what was typed.
        between: the ids between two, ends included; two do, for more than one is too many.
        what: what has such ids, for messages.
        shown_by: the command that shows them.

    Raises:
        BadRequestError: it is no beginning of an id, too short, or several ids begin so.
        NotFoundError: no id begins so.
    """
    digits = identifier.strip().lower().replace("-", "")
    if not SHORTEST <= len(digits) <= _DIGITS or set(digits) - set("0123456789abcdef"):
        raise BadRequestError(
            f"{line(identifier, 60)!r} is no id", hint=f"`{shown_by}` shows them: {SHORTEST} characters do"
        )
    found = await between(UUID(digits.ljust(_DIGITS, "0")), UUID(digits.ljust(_DIGITS, "f")))
    if not found:
        raise NotFoundError(f"there is no such {what}", hint=f"`{shown_by}` shows them")
    if len(found) > 1:
        raise BadRequestError(f"several ids begin with {identifier.strip()}", hint="give more of it")
    return found[0]
