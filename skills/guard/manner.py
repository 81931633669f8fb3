"""How a draft speaks: promises and claims of done actions that nothing backs, and its tone."""

from __future__ import annotations

import re
from collections.abc import Iterator

from skills.guard.phrases import Heard
from skills.language import fold, words
from skills.turn import Finding, GuardName

_TONES: tuple[tuple[str, str], ...] = (
    ("insult", "it insults"),
    ("blame", "it blames the customer"),
    ("sarcasm", "it sounds sarcastic"),
)
_FIRST_PERSON_DONE = re.compile(
    r"\b(?:i|we)(?:'ve|\u2019ve| have)(?: (?:just|now|already|also|successfully))* (?!been|got|had|not)[a-z]{2,14}ed\b|"
    r"\b(?:ich habe|wir haben)(?: \w+){0,6} (?:ge\w{2,14}|ver\w{2,14}|be\w{2,14}|\w{2,12}ge\w{2,14})(?:t|en)\b"
    r"(?=[.!,;]|$)|"
    r"\b(?:he|hemos) (?:ya )?[a-z]{2,14}(?:ado|ido)\b|"
    r"\b(?:j'ai|j\u2019ai|nous avons) (?:bien |deja )?[a-z]{3,14}e\b(?! de| pas)"
)
"""Perfect of the first person, in four languages, after ``fold``: whatever the verb, the agent did nothing."""
_FEWEST_SHOUTED = 3
_LEAST_LETTERS = 3
_SHOUTED_SHARE = 0.6
_NEGATION_REACH = 4


def bindings_in(sentence: str, heard: Heard) -> Iterator[Finding]:
    """Promises, and claims that something was done. The agent can do nothing but write.

    For sentences that no cited passage says word for word: an article may promise what the company means to keep, a
    draft may not add to it. A question, a condition and a denial bind nobody.
    """
    said = words(sentence)
    if done := _FIRST_PERSON_DONE.search(fold(sentence)):
        yield Finding("action", f"it claims that something was done: “{done[0]}”", sentence)
        return
    kinds: tuple[tuple[str, GuardName, str], ...] = (
        ("promise", "promise", "it promises something that no source promises"),
        ("action", "action", "it claims that something was done"),
    )
    for kind, guard, reason in kinds:
        match = heard.find(kind, said)
        if match is None or sentence.rstrip().endswith("?"):
            continue
        before = said[max(0, match.start - _NEGATION_REACH) : match.end]
        if heard.find("not_promised", before) is None:
            yield Finding(guard, f"{reason}: “{match.text}”", sentence)


def tone_of(sentence: str, heard: Heard) -> Finding | None:
    """Insults, blame, sarcasm, shouting."""
    said = words(sentence)
    for kind, reason in _TONES:
        if match := heard.find(kind, said):
            return Finding("tone", f"{reason}: “{match.text}”", sentence)
    long = [word.text for word in said if word.text.isalpha() and len(word.text) > _LEAST_LETTERS]
    shouted = [word for word in long if word.isupper()]
    if len(shouted) >= _FEWEST_SHOUTED and len(shouted) >= _SHOUTED_SHARE * len(long):
        return Finding("tone", "it shouts", sentence)
    return Finding("tone", "it shouts", sentence) if "!!" in sentence or "?!" in sentence else None
