"""Who of the staff asks: every route of theirs needs a key, and the key's name is who acts."""

from __future__ import annotations

import hmac
from typing import Annotated

from fastapi import Depends

from api.problems import UnauthorizedError
from api.routes.visitor import Given, With


async def staff_of(given: Given, use: With) -> str:
    """The name behind the staff key of this request."""
    presented = (given or "").encode("utf-8", "replace")
    for name, key in use.settings.staff_keys.items():
        if hmac.compare_digest(key.get_secret_value().encode(), presented):
            return name
    raise UnauthorizedError("this needs a staff key", hint="send it as Authorization: Bearer …; `csagent up` prints it")


Staff = Annotated[str, Depends(staff_of)]
