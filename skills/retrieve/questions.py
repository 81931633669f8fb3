"""What a turn asks: question by question, each understood in the light of what was said before."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from skills.language import QUESTION_OPENERS, Phrases, content_words, sentences, words
from skills.turn import Message, Turn

MOST_SEARCHES = 3
"""A burst with more questions than that is searched as one text."""
LONGEST_SEARCH = 600
"""Characters; the embedding model reads no further than about 250 words."""
_LONGEST_CONTEXT = 300
_EARLIER_MESSAGES = 2
_FEW_CONTENT_WORDS = 4
_FEW_WORDS = 3

_LEADS = frozenset({"and", "or", "but", "und", "oder", "aber", "y", "o", "pero", "et", "ou", "mais", "also"})
_POINTERS = frozenset(
    {"it", "its", "they", "them", "their", "that", "this", "those", "these", "there", "one", "ones", "same", "else"}
    | {"es", "sie", "ihn", "das", "dies", "dort", "damit", "dafur", "davon", "dazu"}
    | {"eso", "esto", "ello", "ahi", "alli"}
    | {"ca", "cela", "il", "elle", "ils", "elles", "la"}
)


_INTRODUCTIONS = Phrases.of(
    (
        "my name is",
        "i am called",
        "mein name ist",
        "ich heiße",
        "me llamo",
        "mi nombre es",
        "je m'appelle",
        "mon nom est",
    )
)
_LONGEST_INTRODUCTION = 6


@dataclass(frozen=True, slots=True)
class Question:
    """One question of a turn and the ways to read it, the most complete one first.

    Alone a question may lack what it is about, and with the story around it the search is blurred: every reading is
    searched, and the passage that answers one of them best is taken.
    """

    readings: tuple[str, ...]
    own: str
    """The question in its own words, without what was said before."""
    talk: str = ""
    """Our last reply, when the question leans on it."""

    @property
    def text(self) -> str:
        """The question, in one line."""
        return self.readings[0]

    def talks_of(self, title: str) -> bool:
        """Whether the last reply has the title in it, as whole words; no talk and no title name nothing."""
        return bool(words(title)) and bool(re.search(rf"(?<!\w){re.escape(title.strip())}(?!\w)", self.talk))


def questions_of(turn: Turn) -> tuple[Question, ...]:
    """The questions of a turn, at most ``MOST_SEARCHES``, at least one; a reading has ``LONGEST_SEARCH`` characters.

    One that only makes sense after another ("and on weekends?") takes that one along; when it opens the turn, the
    customer's previous message, or the previous two; when it opens the case, those of their talk elsewhere, if they are
    proven to be the same person. Courtesies and introductions are left out.
    """
    said = [" ".join(sentence.split()) for sentence in sentences(turn.text)]
    said = [sentence for sentence in said if _says_something(sentence)] or said or [""]
    asked = _with_their_context([sentence for sentence in said if _asks(sentence)])
    whole = " ".join(said)
    alone: list[str] = asked[:1] if len(asked) == 1 else []
    if not 1 <= len(asked) <= MOST_SEARCHES or refers_back(asked[0]):
        asked = [whole if len(whole) <= LONGEST_SEARCH or not asked else " ".join(asked)]
    first, *others = asked
    readings = [first, *alone, whole] if not others and len(whole) <= LONGEST_SEARCH else [first]
    talk = ""
    if refers_back(first) and _continues(first):
        readings = [*(f"{context} {first}" for context in _said_before(turn)), *readings]
        talk = next((message.text for message in reversed(_earlier(turn)) if message.author != "customer"), "")
    return (_question(readings, first, talk), *(_question([other], other) for other in others))


def _continues(text: str) -> bool:
    """Whether a text goes on asking; "that's not what I meant" leans on the talk too, but wants no second answer."""
    first = [word.folded for word in words(text)[:2]]
    return any(_asks(sentence) for sentence in sentences(text)) or first[:1] == [] or first[0] in _LEADS


def _question(readings: Sequence[str], own: str, talk: str = "") -> Question:
    cut = tuple(dict.fromkeys(reading.strip()[:LONGEST_SEARCH] for reading in readings))
    return Question(cut, own.strip()[:LONGEST_SEARCH], talk)


def _asks(sentence: str) -> bool:
    """Whether a sentence is a question; many customers leave out the mark."""
    return sentence.endswith("?") or any(word.folded in QUESTION_OPENERS for word in words(sentence)[:1])


def refers_back(text: str) -> bool:
    """Whether a text leans on what was said before: "and …", a pronoun, or hardly a word of its own."""
    said = [word.folded for word in words(text)]
    content = content_words(text)
    if not content or (len(content) == 1 and len(said) <= _FEW_WORDS) or said[0] in _LEADS or said[1:2] == ["about"]:
        return True
    return len(content) <= _FEW_CONTENT_WORDS and not _POINTERS.isdisjoint(said)


def _says_something(sentence: str) -> bool:
    said = words(sentence)
    introduces = len(said) <= _LONGEST_INTRODUCTION and bool(_INTRODUCTIONS.find(said))
    return bool(content_words(sentence)) and not introduces


def _with_their_context(questions: list[str]) -> list[str]:
    complete: list[str] = []
    for question in questions:
        leans = complete and refers_back(question)
        complete.append(f"{complete[-1]} {question}" if leans else question)
    return complete


def _earlier(turn: Turn) -> tuple[Message, ...]:
    """The talk so far; where it has none, what the same customer said elsewhere."""
    return turn.history or turn.elsewhere


def _said_before(turn: Turn) -> list[str]:
    """What the customer said last, and that with the message before it: the talk that a follow-up may lean on."""
    earlier = [" ".join(message.text.split()) for message in _earlier(turn) if message.author == "customer"]
    texts = (" ".join(earlier[-count:])[-_LONGEST_CONTEXT:] for count in range(1, _EARLIER_MESSAGES + 1))
    return [text for text in dict.fromkeys(texts) if text]
