"""Which pieces of which passages answer a question.

A short section is quoted whole, because its author wrote it as one answer. From a longer one come the piece that shares
most with the question and what belongs to it. A second passage adds a piece only when it holds words of the question
that the first one lacks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from skills.language import content_words, words
from skills.relevance import judged
from skills.respond.pieces import Piece, pieces_of
from skills.synonyms import kinship
from skills.turn import Passage

_SHORT_SECTION = 420
_MOST_CHARACTERS = 650
_MOST_PIECES = 4
_ALWAYS_FOLLOWED_BY = 1
_FIRST_PIECE_BONUS = 0.1
_ALMOST_AS_SIMILAR = 0.12
_ADDS_ENOUGH = 0.5
_SUPPORTED_BY_WORDS = 0.3
_MUCH_MORE = 0.3
_DIRECT = 0.6

_LEANING = frozenset(
    {
        "it",
        "this",
        "that",
        "these",
        "those",
        "they",
        "he",
        "she",
        "then",
        "there",
        "otherwise",
        "however",
        "also",
        "but",
    }
    | {
        "er",
        "sie",
        "es",
        "dies",
        "diese",
        "dieser",
        "dann",
        "dort",
        "sonst",
        "jedoch",
        "aber",
        "danach",
        "dafur",
        "dabei",
    }
    | {"esto", "estos", "estas", "luego", "alli", "pero", "ademas", "tambien", "si no"}
    | {"cela", "ceci", "il", "elle", "ils", "elles", "ensuite", "sinon", "mais", "aussi"}
)


@dataclass(frozen=True, slots=True)
class Quote:
    """A piece and where it stands."""

    passage: Passage
    piece: Piece


def quotes_for(question: str, passages: Sequence[Passage]) -> list[Quote]:
    """The pieces that answer, in the order in which they are to be read; none when nothing can be quoted.

    The passages come likeliest answer first.
    """
    asked = content_words(question)
    chosen: list[Quote] = []
    best: Passage | None = None
    for passage in passages:
        pieces = pieces_of(passage)
        if not pieces:
            continue
        if best is None:
            best = passage
            chosen += [Quote(passage, piece) for piece in _window(asked, pieces)]
        elif passage.similarity >= best.similarity - _ALMOST_AS_SIMILAR:
            chosen += [Quote(passage, piece) for piece in _addition(asked, pieces, chosen)]
            break
    return chosen


def supporting(question: str, passages: Sequence[Passage]) -> list[Passage]:
    """The passages that speak of what is asked, by the words they share, the one that shares most first.

    For one question of several: the order of the passages, and their similarity, may be due to another one.
    """
    return [
        judgement.passage
        for judgement in judged(question, passages)
        if _share(content_words(question), _everything_in(judgement.passage)) >= _SUPPORTED_BY_WORDS
    ]


def _window(asked: frozenset[str], pieces: Sequence[Piece]) -> Sequence[Piece]:
    scores = [_share(asked, content_words(piece.text)) for piece in pieces]
    if len(pieces) <= _MOST_PIECES and sum(len(piece.text) for piece in pieces) <= _SHORT_SECTION:
        return pieces[_most_direct(pieces, scores) :]
    scores[0] += _FIRST_PIECE_BONUS
    best = max(range(len(pieces)), key=lambda index: (scores[index], -index))
    start = best
    while start > 0 and (_leans(pieces[start]) or start == 1):
        start -= 1
    end = best + 1
    budget = _MOST_CHARACTERS - sum(len(piece.text) for piece in pieces[start:end])
    while end < len(pieces) and end - start < _MOST_PIECES:
        budget -= len(pieces[end].text)
        belongs = end - best <= _ALWAYS_FOLLOWED_BY or _leans(pieces[end]) or scores[end] >= scores[best] / 2
        if budget < 0 or not belongs:
            break
        end += 1
    return pieces[start:end]


def _most_direct(pieces: Sequence[Piece], scores: Sequence[float]) -> int:
    """Where to begin a short section: at the start, unless a later piece alone says much more of what is asked."""
    best = max(range(len(pieces)), key=lambda index: (scores[index], -index))
    stands_alone = not _leans(pieces[best]) and pieces[best].paragraph == pieces[0].paragraph
    return best if stands_alone and scores[best] >= max(_DIRECT, scores[0] + _MUCH_MORE) else 0


def _addition(asked: frozenset[str], pieces: Sequence[Piece], chosen: Sequence[Quote]) -> Sequence[Piece]:
    covered = _everything_in(chosen[0].passage)
    missing = asked - covered
    best = max(pieces, key=lambda piece: _share(asked, content_words(piece.text)))
    said = content_words(best.text)
    adds = bool(missing & said) and _share(asked, said) >= _ADDS_ENOUGH
    return [best] if adds and not _leans(best) else []


def _leans(piece: Piece) -> bool:
    first = words(piece.text)[:1]
    return bool(first) and first[0].folded in _LEANING


def _everything_in(passage: Passage) -> frozenset[str]:
    return content_words(f"{passage.title}\n{passage.heading}\n{passage.text}")


def _share(asked: frozenset[str], said: frozenset[str]) -> float:
    return sum(kinship(word, said) for word in asked) / len(asked) if asked else 0.0
