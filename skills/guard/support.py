"""Whether the cited passages say what a draft says, and whether that belongs to the question at all.

A sentence that was copied word for word is supported. Any other one is compared with every sentence of the cited
passages, by the content words that it shares with it (``skills.synonyms``) and by the cosine of the two embeddings:

    support = best over the sentences s of  OVERLAP · words shared with s + COSINE · cosine with s
              + PASSAGE · words shared with the whole passage

Below ``THRESHOLD`` it is unsupported. Weights and threshold were chosen on one half of the dialogues of MTRAG-UN:
answers that people wrote from passages, against the same sentences beside another question's passages;
``docs/quality.md`` has the figures of the other half. Without embeddings the words alone decide.

*Off topic* is what has no word in common with the question, the title, the heading or its neighbours, and is far from
all of them by embedding: a sentence that was planted into an article, or that answers what nobody asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
WORDS_ALONE = 0.5
"""Without embeddings: the share of content words that the passage has to have."""
UNRELATED = 0.12
"""Cosine to the question, the heading and the neighbours below which a sentence without a shared word is off topic."""
UNRELATED_QUESTION = 0.3
"""The same for a question inside an answer, which readers of an article are seldom asked; a shared word saves none."""
_LEAST_CONTENT = 2
_COURTESY_REST = 3


@dataclass(frozen=True, slots=True)
class Support:
    """The two checks over a draft's sentences; ``embedder`` may be missing, and may fail."""

    heard: Heard
    embedder: Embedder | None = None

    async def against(self, sentences: Sequence[str], sources: Sources) -> list[Finding]:
        """What of these sentences no cited passage supports, and what belongs to nothing that was asked."""
        if not sources.cited:
            return []
        findings: list[Finding] = []
        for sentence in sentences:
            said = content_words(sentence)
            copied = sources.copied_from(sentence)
            if copied is not None:
                if not await self._belongs(sentence, said, copied, sources):
                    findings.append(
                        Finding("off_topic", "it has nothing to do with the question or its source", sentence)
                    )
            elif len(said) >= _LEAST_CONTENT and not self._says_nothing(sentence):
                score = await self.score(sentence, sources)
                if score < THRESHOLD:
                    reason = f"the cited passages don't say this (support {score:.2f} of {THRESHOLD:.2f})"
                    findings.append(Finding("unsupported", reason, sentence))
                elif not await self._asked(sentence, said, sources):
                    findings.append(Finding("off_topic", "it has nothing to do with the question", sentence))
        return findings

    async def score(self, sentence: str, sources: Sources) -> float:
        """How well the cited passages support a sentence, in [0, 1]; ``THRESHOLD`` is enough."""
        said = content_words(sentence)
        lines = [line for source in sources.cited for line in (source.head, *source.sentences)]
        overlaps = np.array([share(said, content_words(line)) for line in lines])
        whole = max(share(said, content_words(source.text)) for source in sources.cited)
        cosines = await self._cosines(sentence, lines)
        if cosines is None:
            return THRESHOLD * min(1.0, whole / WORDS_ALONE) if whole < WORDS_ALONE else max(THRESHOLD, whole)
        return float((OVERLAP * overlaps + COSINE * cosines).max() + PASSAGE * whole)

    def _says_nothing(self, sentence: str) -> bool:
        """An admission that something isn't known, or a courtesy."""
        said = words(sentence)
        admission = self.heard.find("admission", said)
        if admission and not self.heard.find("but", said[admission.end :]):
            return True
        courtesy = self.heard.find("courtesy", said)
        if courtesy is None:
            return False
        rest = " ".join(word.text for word in (*said[: courtesy.start], *said[courtesy.end :]))
        return len(content_words(rest)) <= _COURTESY_REST

    async def _belongs(self, sentence: str, said: frozenset[str], source: Source, sources: Sources) -> bool:
        """Of a copied sentence: whether it belongs to the question, the heading or the rest of its passage."""
        others = [line for line in source.sentences if sentence not in line and line not in sentence]
        around = [sources.question, source.head, *others]
        asks = sentence.rstrip().endswith("?")
        if not said or (not asks and share(said, content_words("\n".join(around))) > 0):
            return True
        cosines = await self._cosines(sentence, around)
        return cosines is None or float(cosines.max()) >= (UNRELATED_QUESTION if asks else UNRELATED)

    async def _asked(self, sentence: str, said: frozenset[str], sources: Sources) -> bool:
        heads = [source.head for source in sources.cited]
        if share(said, content_words("\n".join([sources.question, *heads]))) > 0:
            return True
        cosines = await self._cosines(sentence, [sources.question, *heads])
        return cosines is None or float(cosines.max()) >= UNRELATED

    async def _cosines(self, sentence: str, lines: Sequence[str]) -> Array | None:
        """With each line; ``None`` when nothing can be embedded."""
        if self.embedder is None:
            return None
        try:
            first, *others = np.asarray(await self.embedder.embed([sentence, *lines]), dtype=np.float32)
        except ModelUnavailableError:
            return None
        return np.asarray(np.stack(others) @ first, dtype=np.float32)


def share(said: frozenset[str], source: frozenset[str]) -> float:
    """The share of the first words that the second ones have, by ``kinship``; 0 of none."""
    return sum(kinship(word, source) for word in said) / len(said) if said else 0.0
