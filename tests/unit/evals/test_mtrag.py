from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evals.data.mtrag import read_mtrag
from skills.errors import BadRequestError

DELIVERY = {"document_id": "d-1", "text": "\nStandard delivery takes two to four working days.", "title": "Delivery"}


def a_task(name: str, question: str, *, label: str = "ANSWERABLE", contexts: Any = (DELIVERY,)) -> dict[str, Any]:
    said = [("user", "Hello"), ("agent", "Hi, how can I help?"), ("user", question)]
    return {
        "conversation_id": name,
        "task_id": f"{name}<::>2",
        "answerability": [label],
        "contexts": list(contexts),
        "input": [
            {"speaker": speaker, "text": text, "metadata": {"created_at": 1_723_118_898 + n}}
            for n, (speaker, text) in enumerate(said)
        ],
    }


def write(folder: Path, *tasks: Any) -> Path:
    (folder / "mtrag_un").mkdir(parents=True, exist_ok=True)
    lines = [task if isinstance(task, str) else json.dumps(task) for task in tasks]
    (folder / "mtrag_un" / "reference.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return folder


def test_a_task_is_a_turn_with_the_talk_before_it_and_its_passages_go_into_the_pool(tmp_path: Path) -> None:
    mtrag = read_mtrag(
        write(tmp_path, a_task("a", "How long?"), a_task("b", "Why?", label="UNANSWERABLE", contexts=()))
    )
    first, second = mtrag.turns
    assert [message.author for message in (*first.turn.history, *first.turn.messages)] == [
        "customer",
        "agent",
        "customer",
    ]
    assert (first.turn.text, first.gold, second.gold) == ("How long?", frozenset({"d-1"}), frozenset())
    assert [article.title for article in mtrag.articles] == ["Delivery"]
    assert first.talk == "Hello\nHi, how can I help?\nHow long?"


def test_a_dialogue_is_in_one_half_whatever_stands_beside_it(tmp_path: Path) -> None:
    alone = read_mtrag(write(tmp_path, a_task("a", "How long?"))).turns[0]
    among = read_mtrag(write(tmp_path, a_task("z", "Why?"), a_task("a", "How long?"))).turns[1]
    assert alone.development is among.development


@pytest.mark.parametrize(
    "line",
    [
        "not json",
        "{}",
        "[]",
        json.dumps(a_task("a", "How?", label="MAYBE")),
        json.dumps(a_task("a", "") | {"input": []}),
    ],
)
def test_a_line_that_is_no_task_is_named(tmp_path: Path, line: str) -> None:
    with pytest.raises(BadRequestError, match="line 2"):
        read_mtrag(write(tmp_path, a_task("a", "How long?"), line))


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadRequestError, match="can't be read"):
        read_mtrag(tmp_path)
