from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from evals.commands import evaluate_retrieval
from evals.commands.evaluate import app
from evals.measure.retrieving import Asked, Ranked, answerable_auroc, calibration_error, reliability, scores
from skills.errors import BadRequestError
from skills.ports import Embedder
from tests.integration.knowledge.hashed_words import HashedWords


def ranked(name: str, gold: set[str], *articles: str, confidence: float = 0.5, dialogue: str = "") -> Ranked:
    return Ranked(Asked(name, "?", frozenset(gold), dialogue=dialogue), articles, confidence)


def test_figures_are_those_that_one_counts_by_hand() -> None:
    found = scores(
        [ranked("1", {"a"}, "a", "b"), ranked("2", {"a"}, "b", "a"), ranked("3", {"a"}, "b"), ranked("4", set())]
    )
    assert found["r1"].value == pytest.approx(1 / 3)
    assert found["r10"].value == pytest.approx(2 / 3)
    assert found["mrr"].value == pytest.approx((1 + 1 / 2) / 3)
    assert found["ndcg10"].value == pytest.approx((1 + 0.6309) / 3, abs=1e-4)
    assert found["r1"].interval[0] <= found["r1"].value <= found["r1"].interval[1]


def test_several_gold_articles_are_all_wanted() -> None:
    found = scores([ranked("1", {"a", "b"}, "a", "c", "b")])
    assert (found["r1"].value, found["r5"].value, found["mrr"].value) == (0.5, 1.0, 1.0)
    assert scores([ranked("1", {"a", "b"}, "a", "b")])["ndcg10"].value == 1.0


def test_confidence_is_measured_only_where_there_are_both_kinds_of_question() -> None:
    known, unknown = ranked("1", {"a"}, confidence=0.9), ranked("2", set(), confidence=0.2)
    assert answerable_auroc([known]) is None
    assert answerable_auroc([unknown]) is None
    both = answerable_auroc([known, unknown])
    assert both is not None
    assert both.value == 1.0


def test_a_calibrated_confidence_has_no_error() -> None:
    outcomes = [(0.9, True)] * 9 + [(0.9, False)] + [(0.1, False)] * 9 + [(0.1, True)]
    assert calibration_error(outcomes) == pytest.approx(0)
    assert calibration_error([(1.0, False)]) == 1.0
    assert [step["n"] for step in reliability(outcomes)] == [10, 10]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    @asynccontextmanager
    async def open_embedder(_: object) -> AsyncIterator[Embedder]:
        yield HashedWords()

    monkeypatch.setattr(evaluate_retrieval, "open_embedder", open_embedder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    articles, questions = tmp_path / "articles.jsonl", tmp_path / "questions.jsonl"
    rows: list[dict[str, Any]] = [
        {"id": "returns", "title": "Returns", "body": "You may return a lamp within thirty days."},
        {"id": "delivery", "title": "Delivery", "body": "A parcel takes three working days."},
    ]
    articles.write_text("".join(json.dumps(row) + "\n" for row in rows))
    rows = [
        {"id": 1, "text": "may I return a lamp?", "gold_ids": ["returns"]},
        {"id": 2, "text": "how many days does a parcel take?", "gold": "delivery", "history": ["hello"]},
        {"id": 3, "text": "zebra"},
    ]
    questions.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return articles, questions


def test_the_command_ends_with_one_line_of_json(files: tuple[Path, Path]) -> None:
    articles, questions = files
    result = CliRunner().invoke(app, ["retrieval", "--articles", str(articles), "--questions", str(questions)])
    assert result.exit_code == 0, result.output
    line = json.loads(result.stdout.splitlines()[-1])
    assert (line["r1"], line["r10"], line["mrr"], line["n"], line["n_without_gold"]) == (1.0, 1.0, 1.0, 2, 1)
    assert line["answerable_auroc"] == 1.0
    assert set(line["intervals"]) == {"r1", "r5", "r10", "mrr", "ndcg10", "answerable_auroc"}


def test_a_bad_line_is_the_commands_one_error(files: tuple[Path, Path]) -> None:
    articles, questions = files
    questions.write_text('{"id": 1, "text": "x", "gold": ["no such"]}\n')
    result = CliRunner().invoke(app, ["retrieval", "--articles", str(articles), "--questions", str(questions)])
    assert isinstance(result.exception, BadRequestError)
    assert str(result.exception) == "questions.jsonl, line 1: no article has the id 'no such'"
