"""Answer or abstain, on MTRAG-UN: 507 conversation turns over the pooled passages of all of them.

What is measured is the product's decision: retrieve as it is, over an exact search of the pool, then the responder that
the settings choose, embedded or model. A turn counts as answered when the draft answers and cites. Saying "I don't
know" and asking back are both abstaining.

- To be answered: ANSWERABLE. To be abstained from: UNANSWERABLE and UNDERSPECIFIED (there the right move is to ask
  back). PARTIAL is neither and reported apart, and so is each of the two alone.
- The given passages of a turn are not used as they are: see ``evals.data.mtrag``, they give the label away.
- Halves by SHA-256 of the dialogue's id: the weights of ``skills.answerability`` are fitted on one (and on the sample
  company), the baseline's threshold and its choice of text are tuned on the same one, and the other half is reported.
- The baseline is the best single threshold on a MiniLM cosine: the highest of the pool to the question, to all that the
  customer said, or to the whole talk, whichever is best on the development half.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from api.agent import choose_skills
from api.studio import NobodyKnown
from evals.data.mtrag import FOLDER, Mtrag, MtragTurn, read_mtrag
from evals.measure.statistics import bootstrap, wilson
from evals.suite import Context, Figure, Report, Suite
from infra.knowledge.ingest import Ingest
from infra.knowledge.memory import InMemoryKnowledge
from infra.knowledge.passages import split
from infra.knowledge.question import searchable
from infra.knowledge.reading import Reading
from skills.answerability import evidence_for
from skills.language import ENGLISH, sentences, unmarked, words
from skills.ports import Embedder
from skills.retrieve import Retrieve
from skills.turn import Draft, Passage, Retrieval, Sentiment, Trend

_LONGEST_TALK = 1500
"""Characters of the baseline's longer texts, from their end; MiniLM reads no more."""
_CALM = Sentiment(0.0, 0.0, 0.0, 0.0, Trend.STEADY, ENGLISH, ())

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What came of a turn."""

    turn: MtragTurn
    retrieval: Retrieval
    draft: Draft
    cosines: tuple[float, ...]
    """The highest of the pool: to the question, to all that the customer said, to the talk."""

    @property
    def answered(self) -> bool:
        return self.draft.answered and bool(self.draft.citations)

    @property
    def unsupported(self) -> int:
        """How many sentences of the answer don't stand, word by word, in the passage that they cite."""
        return sum(not _stands(sentence, self.draft, self.retrieval.passages) for sentence in _said(self))


@dataclass(frozen=True, slots=True)
class _Half:
    outcomes: Sequence[_Outcome]
    wanted: Bools = field(init=False)
    ours: Bools = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "wanted", np.array([o.turn.answerability == "ANSWERABLE" for o in self.outcomes]))
        object.__setattr__(self, "ours", np.array([o.answered for o in self.outcomes]))

    @property
    def dialogues(self) -> list[str]:
        return [outcome.turn.dialogue for outcome in self.outcomes]

    def cosine(self, column: int) -> NDArray[np.float64]:
        return np.array([outcome.cosines[column] for outcome in self.outcomes])


async def retrieved(mtrag: Mtrag, embedder: Embedder) -> tuple[InMemoryKnowledge, list[Retrieval]]:
    """The pool, and what the product's retrieve finds in it for every turn."""
    knowledge = InMemoryKnowledge(embedder)
    await Ingest(knowledge, embedder).add(Reading(FOLDER, mtrag.articles, (), ()))
    retrieve = Retrieve(knowledge, subjects=knowledge.subjects())
    return knowledge, [(await retrieve({"turn": each.turn}))["retrieval"] for each in mtrag.turns]


async def _run(context: Context) -> Report:
    mtrag = read_mtrag(context.data)
    context.say(f"{len(mtrag.turns)} turns, {len(mtrag.articles)} passages; the first run embeds for minutes")
    knowledge, found = await retrieved(mtrag, context.embedder)
    respond = choose_skills(
        context.settings,
        knowledge=knowledge,
        subjects=None,  # what was found is given
        directory=NobodyKnown(),
        model=context.model,
        embedder=context.embedder,
    ).respond
    cosines = iter(await _cosines(mtrag, context.embedder))
    outcomes: list[_Outcome] = []
    for turn, retrieval in zip(mtrag.turns, found, strict=True):
        update = await respond({"turn": turn.turn, "sentiment": _CALM, "retrieval": retrieval})
        outcomes.append(_Outcome(turn, retrieval, update["draft"], next(cosines)))
    return _report(outcomes)


def _report(outcomes: Sequence[_Outcome]) -> Report:
    development = _Half([o for o in outcomes if o.turn.development and o.turn.answerability != "PARTIAL"])
    held_out = _Half([o for o in outcomes if not o.turn.development and o.turn.answerability != "PARTIAL"])
    column, threshold = _best_threshold(development)
    theirs = held_out.cosine(column) >= threshold
    ours, wanted = held_out.ours, held_out.wanted
    accuracy = balanced(wanted, ours)
    baseline = balanced(wanted, theirs)
    difference = accuracy - baseline
    between = bootstrap(
        len(wanted),
        lambda drawn: balanced(wanted[drawn], ours[drawn]) - balanced(wanted[drawn], theirs[drawn]),
        clusters=held_out.dialogues,
    )
    unsupported = sum(outcome.unsupported for outcome in outcomes if outcome.answered)
    said = sum(len(_said(outcome)) for outcome in outcomes if outcome.answered)
    return Report(
        figures=(
            Figure(
                "mtrag_balanced_acc",
                accuracy,
                bootstrap(len(wanted), lambda drawn: balanced(wanted[drawn], ours[drawn]), clusters=held_out.dialogues),
                floor=baseline,
                stated="mean of the share answered of ANSWERABLE and the share abstained of the others, held-out half",
            ),
            Figure("mtrag_gain", difference, between, floor=0.0, stated="ours minus the best cosine threshold, paired"),
            Figure("mtrag_gain_low", between[0], floor=0.0, stated="lower end of that interval"),
            Figure(
                "mtrag_unsupported",
                unsupported,
                floor=0,
                better="lower",
                stated=f"sentences of answers that stand in no cited passage, of {said}, both halves",
            ),
            *_shares(held_out, [o for o in outcomes if o.turn.answerability == "PARTIAL" and not o.turn.development]),
        ),
        remarks=(
            f"baseline: {_TEXTS[column]}, cosine of at least {threshold:.3f}, as tuned on the development half",
            _alone(development, held_out),
        ),
        details={"mtrag_baseline": round(baseline, 4), **_calibration(held_out)},
    )


_TEXTS = ("the question", "all that the customer said", "the whole talk")


def _texts(turn: MtragTurn) -> Iterator[str]:
    said = (*turn.turn.history, *turn.turn.messages)
    yield turn.turn.text
    yield "\n".join(message.text for message in said if message.author == "customer")[-_LONGEST_TALK:]
    yield turn.talk[-_LONGEST_TALK:]


async def _cosines(mtrag: Mtrag, embedder: Embedder) -> list[tuple[float, ...]]:
    """For every turn the highest cosine in the whole pool, exactly, to each of its texts."""
    pool = np.array(await embedder.embed([piece.searchable for article in mtrag.articles for piece in split(article)]))
    texts = [searchable(text) for turn in mtrag.turns for text in _texts(turn)]
    highest = (np.array(await embedder.embed(texts)) @ pool.T).max(axis=1)
    return [tuple(map(float, row)) for row in highest.reshape(len(mtrag.turns), len(_TEXTS))]


def balanced(wanted: Bools, answered: Bools) -> float:
    """The mean of the two shares that are right; NaN where a side is empty."""
    if wanted.all() or not wanted.any():
        return float("nan")
    return float((answered[wanted].mean() + (~answered[~wanted]).mean()) / 2)


def _best_threshold(half: _Half) -> tuple[int, float]:
    """Which text's cosine, and from which value on, tells best on a half."""
    tried = (
        (balanced(half.wanted, half.cosine(column) >= threshold), column, float(threshold))
        for column in range(len(_TEXTS))
        for threshold in np.unique(half.cosine(column))
    )
    _, column, threshold = max(tried)
    return column, threshold


def _shares(half: _Half, partial: Sequence[_Outcome]) -> Iterator[Figure]:
    labels = {"ANSWERABLE": "answered", "UNANSWERABLE": "unanswerable", "UNDERSPECIFIED": "underspecified"}
    for label, name in labels.items():
        outcomes = [outcome for outcome in half.outcomes if outcome.turn.answerability == label]
        yield _share(f"mtrag_{name}", outcomes, answered=label == "ANSWERABLE", label=label)
    yield _share("mtrag_partial", partial, answered=True, label="PARTIAL")


def _share(name: str, outcomes: Sequence[_Outcome], *, answered: bool, label: str) -> Figure:
    right = sum(outcome.answered is answered for outcome in outcomes)
    stated = f"{label} turns that were {'answered' if answered else 'not answered'}, {right} of {len(outcomes)}"
    return Figure(name, right / max(len(outcomes), 1), wilson(right, len(outcomes)), stated=stated)


def _alone(development: _Half, held_out: _Half) -> str:
    """Without the underspecified turns: ours, and the threshold that is tuned for just that."""
    halves = [
        _Half([outcome for outcome in half.outcomes if outcome.turn.answerability != "UNDERSPECIFIED"])
        for half in (development, held_out)
    ]
    column, threshold = _best_threshold(halves[0])
    theirs = balanced(halves[1].wanted, halves[1].cosine(column) >= threshold)
    return (
        f"answerable against unanswerable alone: ours {balanced(halves[1].wanted, halves[1].ours):.3f}, a threshold "
        f"tuned for that on {_TEXTS[column]} {theirs:.3f}"
    )


def _calibration(half: _Half) -> dict[str, float]:
    """How far the judgement's probability is from the truth, both classes weighing the same (as it was fitted)."""
    values = np.array(
        [evidence_for(o.turn.turn.text, o.retrieval.passages, o.turn.turn.history).answerable for o in half.outcomes]
    )
    weights = np.where(half.wanted, 0.5 / half.wanted.mean(), 0.5 / (1 - half.wanted.mean()))
    bins = np.minimum((values * 5).astype(int), 4)
    error = sum(
        weights[bins == each].sum()
        * abs(np.average(values[bins == each], weights=weights[bins == each])
              - np.average(half.wanted[bins == each], weights=weights[bins == each]))
        for each in np.unique(bins)
    )  # fmt: skip
    return {"mtrag_calibration_error": round(float(error / weights.sum()), 4)}


def _said(outcome: _Outcome) -> list[str]:
    return [sentence for line in outcome.draft.text.splitlines() for sentence in sentences(line)]


def _stands(sentence: str, draft: Draft, passages: Sequence[Passage]) -> bool:
    """Whether a sentence stands in a passage that is cited for it; a number that opens a list item doesn't count."""
    cited = {
        citation.passage_id
        for citation in draft.citations
        if sentence in citation.sentence or citation.sentence in sentence
    }
    spoken = [word.folded for word in words(sentence)]
    return any(
        _runs(spoken, text) or _runs(spoken[1:], text)
        for passage in passages
        if passage.id in cited
        for read in (passage.text, unmarked(passage.text))  # as it is written, and as Markdown's links are read
        for text in [[word.folded for word in words(read)]]
    )


def _runs(some: Sequence[str], text: Sequence[str]) -> bool:
    return not some or any(list(text[at : at + len(some)]) == list(some) for at in range(len(text) - len(some) + 1))


ABSTENTION = Suite("abstention", "answer or abstain on real conversations", _run, needs=(FOLDER,))
