"""A suggested article for a gap, out of what people of staff answered: the most central answer, without its courtesies.

What was said to one customer alone goes: greeting and signature, claims that something was done, and what is the
customer's own (``infra.knowledge.private``). What other answers say otherwise, or besides, is put beside it and never
mixed in: which of them holds is for the person to say who approves.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from infra.knowledge.clusters import most_central
from infra.knowledge.conflicts import conflicting_sentences
from infra.knowledge.gaps import Asked, Gap
from infra.knowledge.private import without_private
from skills.guard.manner import bindings_in
from skills.guard.phrases import Heard
from skills.guard.support import Support
from skills.language import FALLBACK_LANGUAGE, guess_language, sentences, words
from skills.ports import Embedder
from skills.turn import Language

SAME = 0.6
"""The cosine from which on two sentences are about the same."""
LONGEST_TITLE = 120
_MOST_OTHERS = 20
_SHARED = 0.5
"""The part of their words that two sentences share whose figures are compared."""
_CLOSING_WORDS = 4
_GREETINGS = (
    "hi|hello|hey|dear|good (?:morning|afternoon|evening)|hallo|liebe[rs]?|guten tag|sehr geehrte[rs]?|hola|"
    "buen[oa]s (?:días|tardes)|estimad[oa]|bonjour|bonsoir|cher|chère"
)
_GREETING = re.compile(rf"\W*(?:{_GREETINGS})\b[^.!?,]{{0,40}}[,!.]?\s*", re.IGNORECASE)
_CLOSINGS = (
    "(?:best|kind|warm|many) (?:regards|wishes)|regards|best|cheers|sincerely|yours|thanks|thank you|"
    "(?:mit )?(?:viele|freundliche|liebe|beste)n? grüße?n?|grüße|gruß|un saludo|saludos|atentamente|cordialement|"
    "bien à vous"
)
_CLOSING = re.compile(rf"\W*(?:{_CLOSINGS})\b", re.IGNORECASE)
_DENIAL = re.compile(
    r"\b(?:not|no|never|cannot|\w+n't|nicht|keine?[nmrs]?|nie|nunca|ningún|ninguna|jamais|pas|aucune?)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Other:
    """What another answer says: ``conflicts`` with ``instead``, a sentence of the text, or ``adds`` to it."""

    kind: Literal["conflicts", "adds"]
    sentence: str
    instead: str | None


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A draft of an article. ``answers``: how many it was chosen among."""

    title: str
    text: str
    language: Language
    answers: int
    others: tuple[Other, ...]
    left_out: tuple[str, ...]
    """Sentences of the chosen answer that say what was done for one customer."""


@dataclass(frozen=True, slots=True)
class _Answer:
    text: str
    sentences: tuple[str, ...]
    left_out: tuple[str, ...]
    language: Language


async def suggest(gap: Gap, embedder: Embedder) -> Suggestion | None:
    """The suggestion for a gap; ``None`` while no person has answered it with anything that holds for others.

    Raises:
        ModelUnavailableError: the answers could not be embedded.
    """
    heard = await asyncio.to_thread(Heard.load)
    # The newest first: of answers that are as central, what was said last.
    read = [_read(one, heard) for one in reversed(gap.answered)]
    answers = [answer for answer in read if answer.text]
    if not answers:
        return None
    # An article has one language: the one in which most were answered.
    language = Counter(answer.language for answer in answers).most_common(1)[0][0]
    answers = [answer for answer in answers if answer.language == language]
    chosen = answers[most_central(await _vectors(embedder, [one.text for one in answers]), range(len(answers)))]
    others = await _others(chosen, [answer for answer in answers if answer is not chosen], embedder)
    return Suggestion(_title(gap), chosen.text, language, len(answers), others, chosen.left_out)


def _title(gap: Gap) -> str:
    asks = [one for one in sentences(gap.example.question) if one.endswith("?")] or [gap.example.question]
    title = without_private(" ".join(asks[0].split()), gap.example)
    title = title if len(title) <= LONGEST_TITLE else f"{title[: LONGEST_TITLE - 1]}…"
    return title[:1].upper() + title[1:]


def _read(asked: Asked, heard: Heard) -> _Answer:
    """An answer line by line, without what is for one reader only."""
    lines: list[str] = []
    kept: list[str] = []
    left_out: list[str] = []
    nothing_new = Support(heard)
    written = (asked.answer or "").strip().splitlines()
    for number, line in enumerate(written):
        said = _GREETING.sub("", line, count=1) if number == 0 and _GREETING.match(line) else line
        if _CLOSING.match(said) and len(words(said)) <= _CLOSING_WORDS:
            break  # and the signature below it
        rest = []
        for sentence in sentences(said):
            if any(finding.guard == "action" for finding in bindings_in(sentence, heard)):
                left_out.append(without_private(sentence, asked))
            elif not nothing_new.says_nothing(sentence):
                rest.append(without_private(sentence, asked))
        kept += rest
        lines.append(" ".join(rest))
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    return _Answer(text, tuple(kept), tuple(left_out), guess_language(text) or asked.language or FALLBACK_LANGUAGE)


async def _others(chosen: _Answer, rest: Sequence[_Answer], embedder: Embedder) -> tuple[Other, ...]:
    """Where the other answers differ from the chosen one, conflicts first, each sentence once."""
    found: dict[str, Other] = {}
    for answer in rest:
        for conflict in conflicting_sentences([chosen.text, answer.text], similar=_SHARED):
            found.setdefault(conflict.other_sentence, Other("conflicts", conflict.other_sentence, conflict.sentence))
    said = list(dict.fromkeys(one for answer in rest for one in answer.sentences if one not in chosen.sentences))
    if said:
        near = await _vectors(embedder, said) @ (await _vectors(embedder, chosen.sentences)).T
        for sentence, row in zip(said, near, strict=True):
            place = int(row.argmax())
            nearest = chosen.sentences[place]
            if row[place] < SAME:
                found.setdefault(sentence, Other("adds", sentence, None))
            elif _denies(sentence) != _denies(nearest):
                found.setdefault(sentence, Other("conflicts", sentence, nearest))
    return tuple(sorted(found.values(), key=lambda other: other.kind != "conflicts")[:_MOST_OTHERS])


def _denies(sentence: str) -> bool:
    return _DENIAL.search(sentence.replace("\u2019", "'")) is not None


async def _vectors(embedder: Embedder, texts: Iterable[str]) -> NDArray[np.float32]:
    return np.asarray(await embedder.embed(list(texts)), dtype=np.float32)
