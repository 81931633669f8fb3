"""The rules of ranking that every knowledge base here shares."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from skills.turn import Audience

FUSION = 60
"""The k of reciprocal rank fusion: each list gives 1 / (k + rank). 60 is the usual value."""

READABLE: Mapping[Audience, tuple[Audience, ...]] = MappingProxyType({
    "public": ("public",),
    "customers": ("public", "customers"),
    "staff": ("public", "customers", "staff"),
})  # fmt: skip
"""Whose articles each audience may read."""


def candidates(limit: int) -> int:
    """How many passages each list brings to the fusion: enough that one that is good in both is in both."""
    return max(64, 4 * limit)
