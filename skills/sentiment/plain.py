"""A message as the embedding model and the rated words read it: no handles, no links, emoji by their names."""

from __future__ import annotations

import re
import unicodedata

_LINK = re.compile(r"(?:https?://|www\.)\S+")
_HANDLE = re.compile(r"(?<!\w)@\w+")
_TAG = re.compile(r"#(\w+)")
_JOINT = re.compile(r"(?<=[a-z])(?=[A-Z])")
_EMOJI = re.compile("[\u2600-\u27bf\u2b50\U0001f300-\U0001faff\ufe0f\u200d]+")
_MOST_NAMED = 3
_NO_PICTURES = ("variation", "joiner", "modifier")


def plain(text: str) -> str:
    """The words that carry a mood: ``Thx @shop #SoHappy 😂`` is ``Thx So Happy face with tears of joy``.

    A vocabulary of word pieces knows hardly any emoji; their Unicode names it does. Of one run three are named at most.
    """
    text = _HANDLE.sub(" ", _LINK.sub(" ", text))
    text = _TAG.sub(lambda tag: _JOINT.sub(" ", tag.group(1)), text)
    return " ".join(_EMOJI.sub(_named, text).split())


def _named(run: re.Match[str]) -> str:
    names = [unicodedata.name(sign, "").lower() for sign in dict.fromkeys(run.group())]
    shown = [name for name in names if name and not any(part in name for part in _NO_PICTURES)]
    return f" {' '.join(shown[:_MOST_NAMED])} "
