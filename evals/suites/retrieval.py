"""Retrieval on ``dstc10_faq``: which of 12,039 snippets answers a spoken, garbled question in the middle of a talk.

The product's own ``Retrieve`` over the product's knowledge base of one process, whose ranking is the database's. Only
turns with a gold snippet count for the ranking. Half of the dialogues (even SHA-256 of the dialogue's first turn) was
used to tune: the numbers of ``skills.retrieve.skill`` (``_LESS_SURE``, ``_ELSEWHERE``), of ``skills.retrieve.talk`` and
of ``skills.mentions``. The other half is what the figures are of; both stand in the details. The weights of
``skills.relevance`` were fitted on other data, and are used as they are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from hashlib import sha256

from evals.data.dstc10 import FOLDER, read_asked, read_faq
from evals.measure.retrieving import (
    DEPTH,
    PASSAGES,
    Asked,
    Ranked,
    answerable_auroc,
    calibration_error,
    reliability,
    scores,
)
from evals.measure.scratch import ScratchKnowledge, scratch_knowledge
from evals.suite import Context, Figure, Report, Suite
from skills.ports import Judged, KnowledgeQuery
from skills.retrieve import Retrieve
from skills.turn import Passage

R10, MRR = 0.80, 0.60
_TURNS = 4
"""How many turns the plain search with history puts together."""
_ENOUGH = 2 * 64
"""Passages of one search among which are all of its nearest."""

Ranking = Callable[[Asked], Awaitable[Ranked]]


class AsFound:
    """A reranker that leaves everything where the search put it; for the ablation."""

    async def judge(self, question: str, passages: Sequence[Passage]) -> list[Judged]:  # noqa: ARG002 - by place alone
        """Each passage less likely than the one before it."""
        return [Judged(passage, 1 / (1 + place)) for place, passage in enumerate(passages, start=1)]


async def _run(context: Context) -> Report:
    folder = context.data / FOLDER
    reading = await asyncio.to_thread(read_faq, folder)
    context.say(f"{len(reading.articles)} snippets are embedded; vectors that are known are not made again")
    knowledge = await scratch_knowledge(reading, context.embedder)
    asked = read_asked(folder)
    gold = [one for one in asked if one.gold]
    tuned = [await knowledge.rank(one) for one in gold if _is_for_tuning(one)]
    reported = [await knowledge.rank(one) for one in gold if not _is_for_tuning(one)]
    without = [await knowledge.rank(one) for one in asked if not one.gold and not _is_for_tuning(one)]
    context.say("the parts, each by itself")
    parts = {
        name: _rounded([await ranking(one.asked) for one in reported]) for name, ranking in _parts(knowledge).items()
    }
    found = scores(reported)
    telling = answerable_auroc([*reported, *without])
    assert telling is not None  # the data have both
    right = [(one.confidence, one.place == 1) for one in reported]
    return Report(
        figures=(
            Figure(
                "dstc10_r10", found["r10"].value, found["r10"].interval, floor=R10,
                stated="gold snippet among the first ten, with history",
            ),
            Figure(
                "dstc10_mrr", found["mrr"].value, found["mrr"].interval, floor=MRR,
                stated="one over the place of the gold snippet",
            ),
            Figure("dstc10_r1", found["r1"].value, found["r1"].interval, stated="gold snippet found first"),
            Figure(
                "dstc10_answerable_auroc", telling.value, telling.interval,
                stated="confidence tells turns that need the FAQ from turns that don't",
            ),
            Figure(
                "dstc10_ece", calibration_error(right), better="lower",
                stated="mean gap between the confidence and how often the first snippet is right",
            ),
        ),
        details={
            "dstc10_halves": {
                "tuned": _rounded(tuned), "reported": _rounded(reported), "all": _rounded([*tuned, *reported]),
            },
            "dstc10_parts": parts,
            "dstc10_reliability": reliability(right),
        },
    )  # fmt: skip


def _is_for_tuning(asked: Asked) -> bool:
    return sha256(asked.dialogue.encode()).digest()[-1] % 2 == 0


def _parts(knowledge: ScratchKnowledge) -> dict[str, Ranking]:
    """What is measured beside the whole; each has one part more than the one before it, or one in its stead."""

    def searched(*, turns: int, by_words: bool = False, by_vectors: bool = False) -> Ranking:
        async def rank(asked: Asked) -> Ranked:
            said = [*(said.text for said in asked.history), asked.text]
            text = " ".join(said[-turns:])
            passages = await knowledge.knowledge.search(KnowledgeQuery(text=text, limit=_ENOUGH, by_words=by_words))
            if by_vectors:
                passages.sort(key=lambda passage: -passage.similarity)
            names = dict.fromkeys(knowledge.names[passage.article_id] for passage in passages)
            return Ranked(asked, tuple(names)[:DEPTH], 0.0)

        return rank

    def retrieved(retrieve: Retrieve) -> Ranking:
        return lambda asked: knowledge.rank(asked, retrieve)

    store, subjects = knowledge.knowledge, knowledge.subjects
    return {
        "vectors": searched(turns=1, by_vectors=True),
        "words": searched(turns=1, by_words=True),
        "fusion": searched(turns=1),
        "fusion over four turns": searched(turns=_TURNS),
        "readings and judgement, no names": retrieved(Retrieve(store, limit=PASSAGES)),
        "readings and names, no judgement": retrieved(
            Retrieve(store, limit=PASSAGES, subjects=subjects, reranker=AsFound())
        ),
        "all": retrieved(Retrieve(store, limit=PASSAGES, subjects=subjects)),
    }


def _rounded(ranked: Sequence[Ranked]) -> dict[str, float]:
    return {"n": len(ranked)} | {name: round(score.value, 4) for name, score in scores(ranked).items()}


RETRIEVAL = Suite("retrieval", "finding the snippet that answers, in spoken talks", _run, needs=(FOLDER,))
