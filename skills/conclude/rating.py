"""A rating from 1 to 5 that was typed: "4", "4/5", "5️⃣". Anything beside it makes it an ordinary message."""

from __future__ import annotations

import re
import unicodedata

_RATING = re.compile(r"([1-5])(?:\s?/\s?5)?[.!]?")
_LONGEST = 12


def rating_in(text: str) -> int | None:
    """The rating that a text is; ``None`` when it is anything else."""
    if len(text) > _LONGEST:
        return None
    # NFKC makes a full-width digit plain; the two signs around a digit make it a keycap.
    plain = unicodedata.normalize("NFKC", text).replace("\ufe0f", "").replace("\u20e3", "").strip()
    found = _RATING.fullmatch(plain)
    return None if found is None else int(found[1])
