from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evals.data.own_questions import read_articles, read_questions
from evals.measure.retrieving import Said
from skills.errors import BadRequestError

QUESTION: dict[str, Any] = {"id": "q1", "text": "how long?", "gold": ["a1"]}


def lines(path: Path, *objects: object) -> Path:
    path.write_text("\n".join(json.dumps(entry) for entry in objects) + "\n", encoding="utf-8")
    return path


def test_articles_are_read_with_their_ids(tmp_path: Path) -> None:
    file = lines(
        tmp_path / "a.jsonl", {"id": 7, "title": "Returns", "body": "30 days."}, {"id": "b", "body": "Open daily."}
    )
    first, second = read_articles(file).articles
    assert (first.slug, first.title, first.text) == ("7", "Returns", "30 days.")
    assert second.title == "Open daily."


@pytest.mark.parametrize("name", ["gold", "gold_ids", "gold ids"])
@pytest.mark.parametrize("gold", [["a1"], "a1"])
def test_gold_goes_by_several_names(tmp_path: Path, name: str, gold: object) -> None:
    (asked,) = read_questions(lines(tmp_path / "q", {"id": "q", "text": "how?", name: gold}), known={"a1"})
    assert asked.gold == {"a1"}


def test_a_question_may_have_no_gold(tmp_path: Path) -> None:
    file = lines(tmp_path / "q", {"id": 1, "text": "how?"}, {"id": 2, "text": "why?", "gold": []})
    assert [asked.gold for asked in read_questions(file, known=())] == [frozenset(), frozenset()]


def test_history_is_texts_or_objects(tmp_path: Path) -> None:
    history = [
        "hi",
        {"author": "agent", "text": "hello"},
        {"role": "assistant", "content": "yes?"},
        {"role": "user", "content": "so"},
    ]
    (asked,) = read_questions(lines(tmp_path / "q", QUESTION | {"history": history}), known={"a1"})
    assert asked.history == (
        Said("customer", "hi"),
        Said("agent", "hello"),
        Said("agent", "yes?"),
        Said("customer", "so"),
    )
    assert [message.author for message in asked.turn.history] == ["customer", "agent", "agent", "customer"]
    assert asked.turn.text == "how long?"


@pytest.mark.parametrize(
    ("second", "problem"),
    [
        ("{", "line 2: is not a JSON object"),
        ("[1]", "line 2: is not a JSON object"),
        ('{"id": "q2"}', "line 2: 'text' is no text, or empty"),
        ('{"id": "q1", "text": "x"}', "line 2: the id 'q1' stands there twice"),
        ('{"id": "q2", "text": "x", "gold": ["zz"]}', "line 2: no article has the id 'zz'"),
        ('{"id": "q2", "text": "x", "gold": {"a": 1}}', "line 2: 'gold' is not a list of ids"),
        ('{"id": "q2", "text": "x", "history": "y"}', "line 2: 'history' is not a list"),
        ('{"id": "q2", "text": "x", "history": [3]}', "line 2: a message of 'history' is neither a text nor an object"),
    ],
)
def test_a_bad_line_is_one_error_with_its_place(tmp_path: Path, second: str, problem: str) -> None:
    file = tmp_path / "questions.jsonl"
    file.write_text(json.dumps(QUESTION) + "\n" + second + "\n", encoding="utf-8")
    with pytest.raises(BadRequestError) as error:
        read_questions(file, known={"a1"})
    assert str(error.value) == f"questions.jsonl, {problem}"
    assert error.value.hint


def test_a_file_that_is_not_there_or_empty_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(BadRequestError, match="can't be read"):
        read_articles(tmp_path / "none.jsonl")
    (tmp_path / "empty.jsonl").write_text("\n\n")
    with pytest.raises(BadRequestError, match="is empty"):
        read_questions(tmp_path / "empty.jsonl", known=())


FIELDS = st.sampled_from(["id", "text", "gold", "history", "title", "body", "content", "role"])
LEAVES = st.none() | st.booleans() | st.integers() | st.text()
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(FIELDS, inner), max_leaves=12)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
@given(VALUES)
def test_any_line_is_read_or_refused_with_its_place(tmp_path: Path, value: object) -> None:
    file = lines(tmp_path / "any.jsonl", value)
    for read in (read_articles, lambda path: read_questions(path, known={"a1"})):
        with suppress(BadRequestError):
            assert read(file)
