"""Whether the guards tell supported sentences from unsupported ones, on answers that people wrote (``mtrag_un``).

Each sentence of an answerable question's reference answer beside its own passages, where it ought to be supported, and
beside another question's, where it ought not to. Weights and threshold of ``skills.guard.support`` were chosen on the
dialogues whose id hashes to an even number; the others are reported. The foreign passages are mostly about something
else, so this says little of a false sentence in an article's own words.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import numpy as np

from evals.measure.statistics import auroc, auroc_interval, mean_interval
from evals.suite import Context, Figure, Report, Suite
from skills.guard.phrases import Heard
from skills.guard.sources import Source, Sources
from skills.guard.support import THRESHOLD, Support
from skills.language import content_words, sentences
from skills.turn import ArticleId, Language, Passage, PassageId

FOLDER = "mtrag_un"
_OTHER = 7
"""So many tasks further on stand the passages that don't belong."""
_SENTENCES = 4


@dataclass(frozen=True, slots=True)
class _Scored:
    dialogue: str
    own: float
    foreign: float


async def _run(context: Context) -> Report:
    scored = await _scored(Support(Heard.load(), context.embedder), _reported(context.data))
    own, foreign = [one.own for one in scored], [one.foreign for one in scored]
    dialogues = [one.dialogue for one in scored]
    alarms = [float(score < THRESHOLD) for score in own]
    missed = [float(score >= THRESHOLD) for score in foreign]
    marks = [*([True] * len(own)), *([False] * len(foreign))]
    return Report(
        figures=(
            Figure("support_auroc", auroc(own + foreign, marks), auroc_interval(own + foreign, marks),
                   stated="supported sentences score above unsupported ones"),
            Figure("support_false_alarms", float(np.mean(alarms)), mean_interval(alarms, clusters=dialogues),
                   better="lower", stated="sentences people wrote from the passages that are objected to"),
            Figure("support_missed", float(np.mean(missed)), mean_interval(missed, clusters=dialogues),
                   better="lower", stated="the same sentences beside foreign passages that pass"),
        ),
        details={"support_sentences": len(scored)},
    )  # fmt: skip


def _reported(data: Path) -> list[dict[str, Any]]:
    lines = (data / FOLDER / "reference.jsonl").read_text(encoding="utf-8").splitlines()
    tasks = [json.loads(line) for line in lines if line.strip()]
    return [
        task
        for task in tasks
        if "ANSWERABLE" in task["answerability"] and task["contexts"]
        and int(hashlib.sha256(task["conversation_id"].encode()).hexdigest(), 16) % 2
    ]  # fmt: skip


async def _scored(support: Support, tasks: Sequence[dict[str, Any]]) -> list[_Scored]:
    scored: list[_Scored] = []
    for index, task in enumerate(tasks):
        own, foreign = (_sources(one) for one in (task, tasks[(index + _OTHER) % len(tasks)]))
        said = [line for line in sentences(task["targets"][0]["text"])[:_SENTENCES] if len(content_words(line)) > 1]
        scored += [
            _Scored(task["conversation_id"], await support.score(line, own), await support.score(line, foreign))
            for line in said
            if not support.says_nothing(line)
        ]
    return scored


def _sources(task: dict[str, Any]) -> Sources:
    cited = tuple(
        Source.of(
            Passage(
                id=PassageId(uuid5(NAMESPACE_URL, found["document_id"])),
                article_id=ArticleId(uuid5(NAMESPACE_URL, found["document_id"])),
                title=found.get("title") or "",
                heading="",
                text=found["text"],
                url=None,
                language=Language("en"),
                similarity=0.0,
                score=0.0,
            )
        )
        for found in task["contexts"]
    )
    return Sources(cited, "", "", task["input"][-1]["text"])


SUPPORT = Suite("support", "what the guards take for supported by its sources", _run, needs=(FOLDER,))
