from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.intents.file import read, save
from infra.intents.training import cross_validate, train
from skills.errors import ConfigurationError
from skills.intent import IntentClassifier, grams, tf_idf
from tests.unit.intents.examples import LABELLED, some_examples, vectors

ASKED = ["where is my late parcel", "please give me my money back", "my password is wrong", "zebras eat green grass"]


@pytest.fixture(scope="module")
def trained() -> IntentClassifier:
    return train(some_examples(), embedder="hashed-words")


def test_questions_like_the_examples_get_their_labels(trained: IntentClassifier) -> None:
    judgement = trained.judge(ASKED[:3], vectors(ASKED[:3]))
    assert [trained.labels[number] for number in judgement.labels] == ["track", "refund", "password"]
    assert (judgement.confidence > 0.5).all()


def test_a_question_of_something_else_lies_further_outside_than_all_that_are_known(trained: IntentClassifier) -> None:
    outside = trained.judge(ASKED, vectors(ASKED)).outside
    assert outside[3] > outside[:3].max()


def test_a_text_is_judged_alike_alone_and_in_company(trained: IntentClassifier) -> None:
    together = trained.judge(ASKED, vectors(ASKED))
    alone = [trained.judge([text], vectors([text])).outside[0] for text in ASKED]
    assert np.allclose(together.outside, alone, atol=1e-4)


def test_training_twice_gives_the_same_classifier(trained: IntentClassifier) -> None:
    again = train(some_examples(), embedder="hashed-words")
    assert np.array_equal(again.judge(ASKED, vectors(ASKED)).outside, trained.judge(ASKED, vectors(ASKED)).outside)


@pytest.mark.parametrize("labels", [("track",), ("track", "refund")])
def test_one_label_or_two_are_enough_to_say_what_is_outside(labels: tuple[str, ...]) -> None:
    few = train(some_examples(*labels), embedder="hashed-words")
    judgement = few.judge(
        ["where is my parcel", "zebras eat grass"], vectors(["where is my parcel", "zebras eat grass"])
    )
    assert few.labels[judgement.labels[0]] == "track"
    assert judgement.outside[1] > judgement.outside[0]


def test_labels_with_one_example_each_and_equal_texts_break_nothing() -> None:
    examples = some_examples("track", "refund")
    pair = examples.some(np.array([0, 8], dtype=np.intp))
    same = examples.some(np.array([0, 0, 8, 8], dtype=np.intp))
    for few in (pair, same):
        judgement = train(few, embedder="hashed-words").judge(ASKED, vectors(ASKED))
        assert np.isfinite(judgement.outside).all()
        assert np.isfinite(judgement.confidence).all()


def test_an_empty_text_is_judged_too(trained: IntentClassifier) -> None:
    judgement = trained.judge([""], vectors([""]))
    assert np.isfinite(judgement.outside).all()


def test_cross_validation_judges_every_example_by_what_has_not_seen_it() -> None:
    checked = cross_validate(some_examples())
    assert set(checked.by_label) == set(LABELLED)
    assert sum(count for count, _ in checked.by_label.values()) == sum(map(len, LABELLED.values()))
    assert 0.5 < checked.accuracy < 1
    assert checked.near <= checked.far
    assert all(label != taken for label, taken, _ in checked.mixed_up)


@given(st.text())
def test_any_text_has_weights_of_unit_length_in_each_block(text: str) -> None:
    vocabulary = {term: column for column, term in enumerate(grams(text))}
    columns, weights = tf_idf(text, vocabulary, np.ones(len(vocabulary), dtype=np.float32))
    assert len(set(columns.tolist())) == len(columns)
    blocks = {term[0] for term in vocabulary}
    assert np.isclose((weights**2).sum(), len(blocks), atol=1e-3)


def test_a_classifier_is_the_same_after_it_was_written_and_read(trained: IntentClassifier, tmp_path: Path) -> None:
    file = tmp_path / "deep" / "intents.npz"
    save(trained, file, limits=(1.0, 2.5))
    again, limits = read(file)
    assert limits == (1.0, 2.5)
    assert (again.labels, again.embedder, again.dimensions) == (trained.labels, "hashed-words", trained.dimensions)
    before, after = trained.judge(ASKED, vectors(ASKED)), again.judge(ASKED, vectors(ASKED))
    assert np.array_equal(before.labels, after.labels)
    assert np.allclose(before.outside, after.outside, atol=0.02)  # half precision on the disk
    assert [each.name for each in file.parent.iterdir()] == ["intents.npz"]


def test_a_file_that_is_gone_damaged_or_carries_code_is_refused(trained: IntentClassifier, tmp_path: Path) -> None:
    file = tmp_path / "intents.npz"
    with pytest.raises(ConfigurationError, match="can't be read: FileNotFoundError"):
        read(file)
    save(trained, file, limits=(1.0, 2.5))
    whole = file.read_bytes()
    for damaged in (b"", b"PK\x03\x04", whole[: len(whole) // 2], whole[:200] + b"\0" * 50 + whole[250:]):
        file.write_bytes(damaged)
        with pytest.raises(ConfigurationError, match="damaged"):
            read(file)
    with np.load(_written(file, whole)) as arrays:
        parts = {name: arrays[name] for name in arrays.files}
    for change in (
        {"labels": np.array([{"evil": 1}], dtype=object)},
        {"centre": np.full_like(parts["centre"], np.nan)},
        {"means": parts["means"][:, :1]},
        {"example_labels": parts["example_labels"] + 3},
        {"format": np.array(99)},
        {"limits": np.array([2.0, 1.0])},
    ):
        np.savez(file, **(parts | change), allow_pickle=True)
        with pytest.raises(ConfigurationError, match="damaged"):
            read(file)


def _written(file: Path, content: bytes) -> Path:
    file.write_bytes(content)
    return file
