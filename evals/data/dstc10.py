"""DSTC10 track 2 (Apache-2.0): an FAQ of hotels, restaurants and sights, and dialogues as a machine heard them.

``knowledge.json`` is read by ``evals/mappings/dstc10_faq.toml``; ``logs.json`` has dialogues up to a turn of the
customer's, of which ``labels.json`` says whether it needs the FAQ (``target``) and which snippet answers it. Many of
the 263 logs are beginnings of the same 107 dialogues: those with one first turn are one dialogue.
"""

from __future__ import annotations

import json
from pathlib import Path

from evals.measure.retrieving import Asked, Said
from infra.knowledge.reading import Reading, read_articles

FOLDER = "dstc10_faq"
MAPPING = Path(__file__).resolve().parents[1] / "mappings" / "dstc10_faq.toml"
_KNOWLEDGE = "knowledge.json"


def read_faq(folder: Path) -> Reading:
    """The FAQ's 12,039 snippets, an article each."""
    return read_articles(folder / _KNOWLEDGE, mapping=MAPPING)


def read_asked(folder: Path) -> list[Asked]:
    """Every log: its last turn with all the turns before it, and the slug of the gold snippet where there is one."""
    logs = json.loads((folder / "logs.json").read_text(encoding="utf-8"))
    labels = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
    return [
        Asked(
            id=str(number),
            text=log[-1]["text"],
            gold=frozenset(_slug(found) for found in label.get("knowledge", ())),
            history=tuple(Said("customer" if turn["speaker"] == "U" else "agent", turn["text"]) for turn in log[:-1]),
            dialogue=log[0]["text"],
        )
        for number, (log, label) in enumerate(zip(logs, labels, strict=True))
    ]


def _slug(found: dict[str, object]) -> str:
    return f"{_KNOWLEDGE}#{found['domain']}/{found['entity_id']}/{found['doc_id']}"
