"""Whether the cited passages say what a draft says, and whether that belongs to the question at all.

A sentence that was copied word for word and whole is supported. One that was cut out of a sentence is not when what was
left out denies or limits it ("not", "unless", "only": ``condition`` in ``phrases.toml``). Any other one is compared
with every sentence of the cited passages, by the content words that it shares with it (``skills.synonyms``) and by the
cosine of the two embeddings:

    support = best over the sentences s of  OVERLAP · words shared with s + COSINE · cosine with s
              + PASSAGE · words shared with the whole passage

Below ``THRESHOLD`` it is unsupported, and also when too many of its words are new to the passage (``FAMILIAR``) and it
is not ``CLOSE`` to any sentence by embedding. Weights and limits were chosen on one half of the dialogues of MTRAG-UN:
answers that people wrote from passages, against the same sentences beside another question's passages;
``docs/quality.md`` has the figures of the other half. Without embeddings the words alone decide.

A **stray** is a sentence of a passage that shares few words with the question, the heading and its neighbours and is
far from all of them by embedding: somebody planted it there. It is evidence for nothing, and a draft that says it is
off topic. A sentence that asks or orders something (``How do I …?``, ``Explain …``) has to be nearer: articles seldom
talk to their readers so. The limits were chosen on BIPIA's ``train`` attacks in the sample company's articles.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from skills.errors import ModelUnavailableError
from skills.guard.phrases import Heard
from skills.guard.sources import Source, Sources
from skills.language import content_words, words
from skills.ports import Embedder
from skills.synonyms import kinship
from skills.turn import Finding

Array = NDArray[np.float32]

OVERLAP, COSINE, PASSAGE = 0.4, 0.4, 0.2
THRESHOLD = 0.42
FAMILIAR, CLOSE = 0.6, 0.7
WORDS_ALONE = 0.5
"""Without embeddings: the share of content words that the passage has to have."""
STRAY, STRAY_LEANING, STRAY_ASKING = 0.2, 0.12, 0.4
"""The cosine to the question, the heading or a neighbour that a sentence of a passage has at least. One that begins
with a pronoun leans on the sentence before it, which says what it is about."""
SHARED = 0.3
"""Whose share of words with them is larger is no stray, however far, unless it asks something."""
_STATES = 3
"""Fewer words, such as "Thank you", stand in many a sentence without having been cut out of it."""
_QUOTED_QUESTION = re.compile(r"[“„«\"]([^”“»\"]{1,300}\?)")
_OF_KNOWING = content_words(
    "answer question information details article passage source exact exactly specific certain sure afraid currently "
    "unfortunately available provide give find mention say whether antwort frage angaben artikel genau leider "
    "respuesta pregunta información artículo exacto lamentablemente réponse exact "
    "malheureusement"
)
"""Words in which somebody says that they don't know."""
_LEANS = re.compile(
    r"\W{0,5}(?:it|they|this|these|then|es|sie|dies|diese|dann|esto|luego|cela|il|elle|ils)\b", re.IGNORECASE
)
_ASKS = re.compile(
    r"\?\W{0,3}$|^\W{0,5}(?:please )?(?:explain|describe|summari[sz]e|provide|recommend|suggest|analy[sz]e|determine|"
    r"classify|compose|draft|develop|create|generate|translate|compare|break down|list|show me|help me|tell me|give me|"
    r"write a|write an|erkläre|beschreibe|nenne|schreibe|explica|describe|escribe|explique|décris|écris)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Support:
    """The two checks over a draft's sentences; ``embedder`` may be missing, and may fail."""

    heard: Heard
    embedder: Embedder | None = None

    async def against(self, sentences: Sequence[str], sources: Sources) -> list[Finding]:
        """What of these sentences no cited passage supports, and what belongs to nothing that was asked."""
        if not sources.cited:
            return []
        sound = replace(sources, cited=tuple([await self._without_strays(one, sources) for one in sources.cited]))
        findings: list[Finding] = []
        for sentence in sentences:
            if sound.copied_from(sentence) is not None or not any(mark.isalpha() for mark in sentence):
                continue
            rests = sound.rests_of(sentence)
            if not rests and sources.rests_of(sentence):
                reason = "it has nothing to do with the question or the rest of its source"
                findings.append(Finding("off_topic", reason, sentence))
            elif self.says_nothing(sentence, sources):
                continue
            elif len(words(sentence)) >= _STATES and rests and all(self._limits(rest) for rest in rests):
                reason = "its source says this only under a condition, or says the contrary"
                findings.append(Finding("unsupported", reason, sentence))
            elif (score := await self.score(sentence, sound)) < THRESHOLD:
                reason = f"the cited passages don't say this (support {score:.2f} of {THRESHOLD:.2f})"
                findings.append(Finding("unsupported", reason, sentence))
        return findings

    async def score(self, sentence: str, sources: Sources) -> float:
        """How well the cited passages support a sentence, in [0, 1]; ``THRESHOLD`` is enough."""
        said = content_words(sentence)
        lines = [line for source in sources.cited for line in (source.head, *source.sentences)]
        whole = max(share(said, content_words(source.text)) for source in sources.cited)
        vectors = await self._vectors([sentence, *lines])
        if vectors is None:
            return THRESHOLD * whole / WORDS_ALONE if whole < WORDS_ALONE else max(THRESHOLD, whole)
        cosines = vectors[1:] @ vectors[0]
        overlaps = np.array([share(said, content_words(line)) for line in lines])
        score = float((OVERLAP * overlaps + COSINE * cosines).max() + PASSAGE * whole)
        return score if whole >= FAMILIAR or float(cosines.max()) >= CLOSE else min(score, THRESHOLD - 0.01)

    def says_nothing(self, sentence: str, sources: Sources | None = None) -> bool:
        """An admission that something isn't known, or a courtesy beside which nothing new is said."""
        said = words(sentence)
        admissions = self.heard.by_kind["admission"].find(said)
        courtesies = self.heard.by_kind["courtesy"].find(said)
        spoken = {at for match in (*admissions, *courtesies) for at in range(match.start, match.end)}
        rest = [word.text for at, word in enumerate(said) if at not in spoken]
        asked = content_words(sources.question) if sources is not None else frozenset()
        if admissions and not self.heard.find("but", said[admissions[0].end :]):
            quoted = content_words(" ".join(_QUOTED_QUESTION.findall(sentence)))
            # "I don't know" excuses no news: what isn't known is what was asked, or a question that it quotes.
            unasked = content_words(" ".join(rest)) - asked - quoted - _OF_KNOWING
            return sources is None or not unasked
        known = sources.stems | asked if sources is not None else frozenset()
        return bool(courtesies) and content_words(" ".join(rest)) <= known

    def _limits(self, rest: str) -> bool:
        return self.heard.find("condition", words(rest)) is not None

    async def _without_strays(self, source: Source, sources: Sources) -> Source:
        """The passage without the sentences that don't belong to it."""
        around = [sources.question, source.head, *source.sentences]
        stems = [content_words(line) for line in around]
        doubted = [at for at in range(2, len(around)) if self._is_doubted(around[at], at, stems)]
        vectors = await self._vectors(around) if doubted else None
        if vectors is None:
            return source
        near = vectors @ vectors.T
        np.fill_diagonal(near, -1.0)
        strays = {at - 2 for at in doubted if float(near[at].max()) < _least(around[at])}
        return replace(source, sentences=tuple(line for at, line in enumerate(source.sentences) if at not in strays))

    @staticmethod
    def _is_doubted(line: str, at: int, stems: Sequence[frozenset[str]]) -> bool:
        others = frozenset().union(*(said for other, said in enumerate(stems) if other != at))
        return bool(stems[at]) and (_ASKS.search(line) is not None or share(stems[at], others) <= SHARED)

    async def _vectors(self, lines: Sequence[str]) -> Array | None:
        """One row a line; ``None`` when nothing can be embedded."""
        if self.embedder is None:
            return None
        try:
            return np.asarray(await self.embedder.embed(lines), dtype=np.float32)
        except ModelUnavailableError:
            return None


def _least(line: str) -> float:
    """How near a sentence of a passage has to be to what stands around it."""
    if _ASKS.search(line):
        return STRAY_ASKING
    return STRAY_LEANING if _LEANS.match(line) else STRAY


def share(said: frozenset[str], source: frozenset[str]) -> float:
    """The share of the first words that the second ones have, by ``kinship``; 0 of none."""
    return sum(kinship(word, source) for word in said) / len(said) if said else 0.0
