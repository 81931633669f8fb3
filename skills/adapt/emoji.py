"""Emoji, found whole: one may be many characters, and a part of one is another picture or none.

What is a picture only by the sign behind it (``U+FE0F``) counts with it alone: ``©`` and ``✓`` are text.
"""

from __future__ import annotations

import re

_ALWAYS = (
    "\u231a\u231b\u23e9-\u23ec\u23f0\u23f3\u25fd\u25fe\u2614\u2615\u2648-\u2653\u267f\u2693\u26a1\u26aa\u26ab\u26bd"
    "\u26be\u26c4\u26c5\u26ce\u26d4\u26ea\u26f2\u26f3\u26f5\u26fa\u26fd\u2705\u270a\u270b\u2728\u274c\u274e"
    "\u2753-\u2755\u2757\u2795-\u2797\u27b0\u27bf\u2b1b\u2b1c\u2b50\u2b55\U0001f004\U0001f0cf\U0001f18e"
    "\U0001f191-\U0001f19a\U0001f201\U0001f21a\U0001f22f\U0001f232-\U0001f236\U0001f238-\U0001f23a\U0001f250"
    "\U0001f251\U0001f300-\U0001faff"
)
_PICTURE = rf"(?:[{_ALWAYS}]\ufe0f?|[\u00a9-\u3299\U0001f170-\U0001f2ff]\ufe0f)[\U0001f3fb-\U0001f3ff]?"
_FLAG = r"[\U0001f1e6-\U0001f1ff]{2}"
_REGION = r"\U0001f3f4[\U000e0020-\U000e007e]{1,10}\U000e007f"
_KEY = re.compile(r"([0-9#*])\ufe0f?\u20e3")
EMOJI = re.compile(rf"{_FLAG}|{_REGION}|{_PICTURE}(?:\u200d{_PICTURE}){{0,10}}")
"""One emoji, joined ones as one."""
_ONE = re.compile(rf" ?(?:{EMOJI.pattern})")


def at_most(text: str, most: int) -> str:
    """The text with its first ``most`` emoji, and without the space before the others. A key (``1️⃣``) is its digit.

    A text of nothing else stays as it is: it would say nothing at all.
    """
    kept = 0

    def judged(found: re.Match[str]) -> str:
        nonlocal kept
        kept += 1
        return found[0] if kept <= most else ""

    lines = []
    for line in text.split("\n"):
        fewer = _ONE.sub(judged, _KEY.sub(r"\1", line))
        lines.append(fewer if fewer == line else fewer.strip())
    left = "\n".join(lines)
    return left if left.strip() else text
