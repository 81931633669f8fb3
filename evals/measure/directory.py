"""The directory of a company that knows nobody yet."""

from __future__ import annotations

from collections.abc import Sequence

from skills.ports import FactKey, Known
from skills.turn import Claim, CustomerId


class Nobody:
    """``skills.ports.CustomerDirectory`` in which nobody has proven or told anything."""

    async def verified_owners(self, claims: Sequence[Claim]) -> list[CustomerId]:  # noqa: ARG002 - the port's
        """No one."""
        return []

    async def known_by(self, keys: Sequence[FactKey]) -> Known:  # noqa: ARG002 - the port's
        """No one."""
        return Known()
