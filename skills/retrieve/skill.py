"""The retrieve node."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, zip_longest
from typing import TypedDict

from skills.errors import KnowledgeUnavailableError, ModelUnavailableError
from skills.ports import Judged, Knowledge, KnowledgeQuery, Reranker, Subjects
from skills.relevance import FeatureReranker, likeliest_first, weighed
from skills.retrieve.questions import Question, questions_of
from skills.retrieve.talk import Talk, talk_of
from skills.turn import Audience, Passage, PassageId, Retrieval, Turn


class RetrieveInput(TypedDict):
    """What retrieve reads."""

    turn: Turn


class RetrieveUpdate(TypedDict):
    """What retrieve finds out."""

    retrieval: Retrieval


SEARCH_DOWN = "the search did not answer"
BY_WORDS = "searched by words only"
_MOST_BY_WORDS = 0.3
"""The highest confidence of a search without vectors, so that the default policy shows it to a person: the judgement of
``skills.relevance`` needs them."""
_IN_PLAY = 1.2
"""Evidence (in logits, as all of these) for the article that our last reply named, when the question leans on it; set
by judgement, as there is nothing to fit it on."""
_LESS_SURE = 6.0
"""Evidence against what is about another thing than the one the talk is most surely about, for each unit of sureness
that it has less. Tuned on half of the dialogues of ``dstc10_faq``, as the next one."""
_ELSEWHERE = 2.5
"""Evidence against what was found in all articles, for each unit of sureness that the talk is about a thing."""
_OF_THE_THING, _AMONG_FEW = 0.4, 0.5
"""Evidence for what is about the thing, and what a judgement among its few passages is to be trusted; fitted on the
same half, so that there too the confidence is how often the first passage is right."""
_SEARCHED = 24
"""Passages that a search asks for: the judgement of ``skills.relevance`` looks deeper than the search's own ranking."""


@dataclass(frozen=True)
class Retrieve:
    """Searches the articles for every question of the turn, at most ``limit`` passages in all.

    ``Retrieval.query`` holds one line a question, so that the responder can answer question by question. The passages
    come likeliest answer first; the confidence is that of the question answered best: what stays open is the
    responder's to say. A customer who isn't verified sees what everybody may read. When the search doesn't answer,
    ``Retrieval.failure`` says so and the turn goes on: the policy sends it to a person. When only the model for the
    vectors doesn't, that person at least gets what is found by words.
    """

    knowledge: Knowledge
    limit: int = 8
    subjects: Subjects | None = None
    reranker: Reranker = field(default_factory=FeatureReranker)

    async def __call__(self, state: RetrieveInput) -> RetrieveUpdate:
        """Search every reading of every question at the same time, judge what was found, and merge it."""
        turn = state["turn"]
        questions = questions_of(turn)
        query = "\n".join(question.text for question in questions)
        failure, most = None, 1.0
        try:
            try:
                found = await self._found(questions, turn)
            except ModelUnavailableError as error:
                failure, most = f"{BY_WORDS}, the model for vectors did not answer: {_said(error)}", _MOST_BY_WORDS
                found = await self._found(questions, turn, by_words=True)
        except (KnowledgeUnavailableError, ModelUnavailableError) as error:
            failure, found = f"{SEARCH_DOWN}: {_said(error)}", []
        confidence = max((answers[0].confidence for answers in found if answers), default=0.0)
        return {
            "retrieval": Retrieval(
                query=query,
                passages=_merged(found)[: self.limit],
                confidence=min(confidence, most),
                failure=failure,
            )
        }

    async def _found(
        self, questions: Sequence[Question], turn: Turn, *, by_words: bool = False
    ) -> Sequence[Sequence[Judged]]:
        audience: Audience = "customers" if turn.customer.verified else "public"
        talk = await talk_of(turn, self.subjects, audience) if self.subjects else Talk()
        asked = KnowledgeQuery(text="", limit=_SEARCHED, audience=audience, by_words=by_words)
        return await asyncio.gather(*(self._answers(question, talk, asked) for question in questions))

    async def _answers(self, question: Question, talk: Talk, asked: KnowledgeQuery) -> list[Judged]:
        """The passages found by any reading, each as the reading judges it for which it is the likeliest answer."""
        searches = [replace(asked, text=reading) for reading in question.readings]
        searches += [replace(asked, text=question.own, articles=thing.articles) for thing in talk.things]
        found = await asyncio.gather(*map(self.knowledge.search, searches))
        # A thing whose articles say nothing that may be found is nothing that others could be measured by.
        told = Talk(
            tuple(thing for thing, its in zip(talk.things, found[len(question.readings) :], strict=True) if its)
        )
        most = told.sureness
        best: dict[PassageId, Judged] = {}
        for search, passages in zip(searches, found, strict=True):
            for judgement in await self.reranker.judge(search.text, passages):
                passage = judgement.passage
                evidence = _IN_PLAY * question.talks_of(passage.title)
                if search.articles is None:
                    likely = weighed(judgement, evidence - _ELSEWHERE * min(most, 1.0))
                else:
                    evidence += _OF_THE_THING - _LESS_SURE * (most - told.sureness_of(passage.article_id))
                    likely = weighed(judgement, evidence, trust=_AMONG_FEW)
                if passage.id not in best or likely.confidence > best[passage.id].confidence:
                    best[passage.id] = likely
        return likeliest_first(best.values())


def _said(error: Exception) -> str:
    return str(error).rstrip(".")


def _merged(found: Sequence[Sequence[Judged]]) -> tuple[Passage, ...]:
    """The passages by turns from each question, each once with its highest similarity."""
    by_id: dict[PassageId, Passage] = {}
    for judgement in chain.from_iterable(zip_longest(*found)):
        if judgement is None:
            continue
        passage = judgement.passage
        known = by_id.get(passage.id)
        if known is None or passage.similarity > known.similarity:
            by_id[passage.id] = passage
    return tuple(by_id.values())
