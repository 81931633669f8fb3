"""What in a text about one customer's matter is that customer's, before others may read it in an article.

In a suggestion it is replaced by a mark in square brackets. What a person is about to publish is looked through again:
every place that may be somebody's own is named, and has to be looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from infra.knowledge.gaps import Asked
from skills.guard.facts import contacts_in, facts_against
from skills.guard.sources import Source, Sources
from skills.language import sentences
from skills.turn import GuardName, Language, Passage

_NUMBER = re.compile(r"(?<![\w-])(?=(?:[\w-]*\d){3})[\w-]{3,40}(?![\w-])")
"""An order's number, a postcode with many digits, a year: whatever has three digits or more."""
_SHORTEST_NAME = 2
_MARK = re.compile(r"\[(?:name|number|email|phone)\]")
_NO_SOURCE = "stands in no cited source"
_PRIVATE = frozenset({"customer", "name", "email", "phone"})


@dataclass(frozen=True, slots=True)
class Place:
    """One place of a text to look at: why, and the sentence in which it stands.

    ``kind`` is ``customer`` for what a customer of this gap wrote of themselves, ``mark`` for what was taken out and
    not filled in, and otherwise the guard that noticed it: ``name``, ``email``, ``phone``, ``link``, ``amount``,
    ``date``, ``figure``.
    """

    kind: GuardName | Literal["customer", "mark"]
    reason: str
    sentence: str

    @property
    def private(self) -> bool:
        """It may be somebody's own, so that nobody may publish it without having looked."""
        return self.kind in _PRIVATE


def without_private(text: str, asked: Asked) -> str:
    """The text with marks where it says this customer's name or numbers, an e-mail address or a phone number."""
    for kind, written in sorted(contacts_in(text), key=lambda found: -len(found[1])):
        text = text.replace(written, f"[{kind}]")
    for pattern in _names([asked]):
        text = pattern.sub("[name]", text)
    own = _numbers([asked])
    return _NUMBER.sub(lambda found: "[number]" if found[0].casefold() in own else found[0], text)


def places_in(text: str, asked: Sequence[Asked], known: Sequence[Passage], language: Language) -> list[Place]:
    """Every place that somebody has to look at before the text is everybody's, in the order of the text.

    Args:
        text: title and body of an article.
        asked: the questions of its gap.
        known: passages about the same, whose facts are known to be for everybody.
        language: of the text.
    """
    sources = Sources(cited=tuple(Source.of(passage) for passage in known), customer="", own="", question="")
    own, names = _numbers(asked), _names(asked)
    found: list[Place] = []
    for sentence in sentences(text):
        found += [
            Place("mark", f"{mark} stands for what was taken out", sentence)
            for mark in dict.fromkeys(_MARK.findall(sentence))
        ]
        said = [match[0] for pattern in names for match in pattern.finditer(sentence)]
        said += [number for number in _NUMBER.findall(sentence) if number.casefold() in own]
        found += [
            Place("customer", f"a customer of these questions said “{one}”", sentence) for one in dict.fromkeys(said)
        ]
        found += [
            Place(finding.guard, finding.reason.replace(_NO_SOURCE, "stands in no article about this"), sentence)
            for finding in facts_against(_MARK.sub(" ", sentence), sources, language)
        ]
    return found


def _names(asked: Iterable[Asked]) -> list[re.Pattern[str]]:
    """Finds the words of these customers' names, written with a capital."""
    words = {word for one in asked for word in re.findall(r"[^\W\d_]+", one.name or "") if len(word) >= _SHORTEST_NAME}
    return [re.compile(rf"\b{re.escape(word[0].upper() + word[1:])}\b") for word in sorted(words)]


def _numbers(asked: Iterable[Asked]) -> frozenset[str]:
    return frozenset(number.casefold() for one in asked for number in _NUMBER.findall(one.text))
