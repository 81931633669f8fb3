"""Turns of real spoken dialogues, answered from a real FAQ of hotels and restaurants (DSTC10 track 2, Apache-2.0).

The data lie outside of the project: ``CSAGENT_DATA`` names their folder, else ``../shared/data``; without them this
skips. What is held here is precision: speech recognition garbled most of the questions, and few name the place that
they are about, so most of them go to a person. How many are found is measured by `make eval`, over all of them.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from langgraph.checkpoint.memory import InMemorySaver

from api.agent import choose_skills, open_embedder, open_knowledge
from graph.build import build_graph
from graph.state import TurnState
from infra.knowledge.ingest import Ingest
from infra.knowledge.reading import read_articles
from infra.postgres.articles import PostgresArticles
from infra.postgres.database import Database
from infra.settings import Settings
from skills.ports import CustomerDirectory, Known
from skills.turn import CaseId, ChannelName, Claim, Customer, CustomerId, Message, MessageId, Turn, TurnId

pytestmark = pytest.mark.early

PROJECT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("CSAGENT_DATA", PROJECT.parent / "shared" / "data")) / "dstc10_faq"
DIALOGUES = 40


class NobodyKnown(CustomerDirectory):
    async def verified_owners(self, claims: Any) -> list[CustomerId]:
        assert all(isinstance(claim, Claim) for claim in claims)
        return []

    async def known_by(self, keys: Any) -> Known:
        assert keys
        return Known()


def asked_with_gold() -> list[tuple[list[dict[str, str]], dict[str, Any]]]:
    """The first dialogues whose last turn has a gold snippet: the dialogue, and which snippet."""
    logs = json.loads((DATA / "logs.json").read_text(encoding="utf-8"))
    labels = json.loads((DATA / "labels.json").read_text(encoding="utf-8"))
    pairs = [(log, label["knowledge"][0]) for log, label in zip(logs, labels, strict=True) if label["target"]]
    return pairs[:DIALOGUES]


def knowledge_about(entities: set[tuple[str, str]]) -> dict[str, Any]:
    """The FAQ of these hotels and restaurants, in the form of the whole file."""
    whole = json.loads((DATA / "knowledge.json").read_text(encoding="utf-8"))
    part: dict[str, Any] = {}
    for domain, entity in sorted(entities):
        part.setdefault(domain, {})[entity] = whole[domain][entity]
    return part


def turn_of(dialogue: list[dict[str, str]]) -> Turn:
    now = datetime.now(UTC)
    said = [
        Message(MessageId(uuid4()), n, "customer" if line["speaker"] == "U" else "agent", line["text"], now)
        for n, line in enumerate(dialogue, start=1)
    ]
    customer = Customer(CustomerId(uuid4()), None, False, None, "standard", 0)
    return Turn(
        TurnId(uuid4()), CaseId(uuid4()), ChannelName("chat"), customer, (said[-1],), tuple(said[-21:-1]), (), now
    )


@pytest.mark.timeout(240)
async def test_real_questions_are_answered_from_a_real_faq(database: Database, tmp_path: Path) -> None:
    if not DATA.is_dir():
        pytest.skip(f"the DSTC10 data are not at {DATA}")
    asked = asked_with_gold()
    faq = tmp_path / "knowledge.json"
    faq.write_text(
        json.dumps(knowledge_about({(gold["domain"], str(gold["entity_id"])) for _, gold in asked})), encoding="utf-8"
    )
    settings = Settings(_env_file=None)
    right, wrong = 0, []
    async with open_embedder(settings) as embedder:
        reading = read_articles(faq, mapping=PROJECT / "evals" / "mappings" / "dstc10_faq.toml")
        await Ingest(PostgresArticles(database), embedder).add(reading)
        async with open_knowledge(settings, database, embedder) as (knowledge, subjects):
            skills = choose_skills(
                settings,
                knowledge=knowledge,
                subjects=subjects,
                directory=NobodyKnown(),
                model=None,
                embedder=embedder,
            )
        graph = build_graph(skills)
        graph.checkpointer = InMemorySaver()
        for dialogue, gold in asked:
            turn = turn_of(dialogue)
            config: Any = {"configurable": {"thread_id": str(turn.case_id)}}
            state: TurnState = await graph.ainvoke({"turn": turn}, config)  # type: ignore[assignment] # its own state
            if not state["draft"].citations or state["escalation"].needed:
                continue
            snippet = json.loads(faq.read_text("utf-8"))[gold["domain"]][str(gold["entity_id"])]["docs"]
            title = snippet[str(gold["doc_id"])]["title"]
            if any(citation.title == title for citation in state["draft"].citations):
                right += 1
            else:
                wrong.append((turn.text, state["draft"].text, title))
    assert right >= 8, f"{right} of {len(asked)} questions were answered from their snippet"
    assert len(wrong) <= right // 2, wrong
