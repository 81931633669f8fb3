"""What to search for: one search a question, understood in the light of what was said before."""

from __future__ import annotations

from skills.language import Phrases, content_words, sentences, words
from skills.turn import Turn

MOST_SEARCHES = 3
"""A burst with more questions than that is searched as one text."""
LONGEST_SEARCH = 600
"""Characters; the embedding model reads no further than about 250 words."""
_LONGEST_CONTEXT = 300
_EARLIER_MESSAGES = 2
_FEW_CONTENT_WORDS = 3
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


def searches_for(turn: Turn) -> tuple[str, ...]:
    """One line to search for per question, at most ``MOST_SEARCHES`` of ``LONGEST_SEARCH`` characters, at least one.

    A question that can stand alone is searched alone: the story around it only blurs the search. One that only makes
    sense after another ("and on weekends?") takes that one along; when it opens the turn, the customer's previous
    messages. Courtesies and introductions are left out.
    """
    said = [" ".join(sentence.split()) for sentence in sentences(turn.text)]
    said = [sentence for sentence in said if _says_something(sentence)] or said or [""]
    questions = _with_their_context([sentence for sentence in said if sentence.endswith("?")])
    whole = " ".join(said)
    if not 1 <= len(questions) <= MOST_SEARCHES or refers_back(questions[0]):
        searches = [whole if len(whole) <= LONGEST_SEARCH or not questions else " ".join(questions)]
    else:
        searches = questions
    if refers_back(searches[0]) and (context := _said_before(turn)):
        searches[0] = f"{context} {searches[0]}".strip()
    return tuple(search[:LONGEST_SEARCH] for search in searches)


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


def _said_before(turn: Turn) -> str:
    earlier = [message.text for message in turn.history if message.author == "customer"][-_EARLIER_MESSAGES:]
    return " ".join(" ".join(earlier).split())[-_LONGEST_CONTEXT:]
