from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.data.labelled import read_labelled, read_own
from evals.data.tweeteval import read_tweets
from evals.measure.classes import accuracy, confusion, f1_scores, interval, macro_recall, precisions, recalls
from skills.errors import BadRequestError
from skills.sentiment.head import LABELS


def labels_in(folder: Path, text: str) -> list[str]:
    file = folder / "s.csv"
    file.write_text(text, encoding="utf-8")
    return [item.label for item in read_labelled(file)]


def test_labels_are_taken_in_the_usual_spellings(tmp_path: Path) -> None:
    assert labels_in(tmp_path, "\ufeffLabel,id,Text\nNEG,1,a\n neutral ,2,b\npos,3,c\n") == list(LABELS)
    assert labels_in(tmp_path, "text,label\na,0\nb,1\nc,2\n") == list(LABELS)
    assert labels_in(tmp_path, "text,label\na,-1\nb,0\nc,1\n") == list(LABELS)


def test_a_text_may_have_commas_quotes_and_lines(tmp_path: Path) -> None:
    file = tmp_path / "s.csv"
    file.write_text('text,label\n"one, ""two""\nthree",negative\n', encoding="utf-8")
    assert read_labelled(file)[0].text == 'one, "two"\nthree'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("text,mood\na,negative\n", "line 1: there is no column label"),
        ("text,label\n", "has no rows"),
        ('text,label\n"a\nb",negative\nc,cross\n', "line 4: 'cross' is no label"),
        ("text,label\na,negative\nb\n", "line 3: the row has 1 of its columns"),
        ("text,label\na,0\nb,1\n", "could be 0, 1, 2 or -1, 0, 1"),
        ('text,label\na,negative\n"b,neutral\n', "line 3"),
    ],
)
def test_bad_input_is_named_by_file_and_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(BadRequestError) as error:
        labels_in(tmp_path, text)
    assert "s.csv" in str(error.value)
    assert said in str(error.value)
    assert error.value.hint


def test_a_file_that_is_not_there_or_no_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadRequestError, match=r"none\.csv can't be read"):
        read_labelled(tmp_path / "none.csv")
    (tmp_path / "s.csv").write_bytes(b"text,label\n\xff,negative\n")
    with pytest.raises(BadRequestError, match="line 2: not UTF-8"):
        read_labelled(tmp_path / "s.csv")


@pytest.mark.parametrize("language", ["en", "de", "es", "fr"])
def test_our_own_messages_are_at_least_forty_a_language_of_every_kind(language: str) -> None:
    messages = read_own(language)
    assert len({item.text for item in messages}) == len(messages) >= 40
    assert {item.kind for item in messages} >= {"plain", "negation", "sarcasm", "emoji"}
    assert {item.label for item in messages} == set(LABELS)


def test_tweets_are_read_line_by_line_whatever_is_in_them(tmp_path: Path) -> None:
    (tmp_path / "test_text.txt").write_text("one\x85still one\ntwo\n", encoding="utf-8")
    (tmp_path / "test_labels.txt").write_text("0\n2\n", encoding="utf-8")
    assert [item.label for item in read_tweets(tmp_path)] == ["negative", "positive"]
    (tmp_path / "test_labels.txt").write_text("0\n", encoding="utf-8")
    with pytest.raises(BadRequestError, match="don't pair"):
        read_tweets(tmp_path)


def test_figures_follow_from_the_confusion() -> None:
    counts = confusion(["a", "a", "b", "b"], ["a", "b", "b", "b"], ("a", "b", "c"))
    assert counts.tolist() == [[1, 0, 0], [1, 2, 0], [0, 0, 0]]
    assert float(accuracy(counts)) == 0.75
    assert np.array_equal(recalls(counts), [1, 2 / 3, np.nan], equal_nan=True)
    assert np.array_equal(precisions(counts), [0.5, 1, np.nan], equal_nan=True)
    assert np.array_equal(f1_scores(counts), [2 / 3, 0.8, np.nan], equal_nan=True)
    assert float(macro_recall(counts)) == pytest.approx(5 / 6)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("ab")), min_size=1, max_size=50))
def test_an_interval_is_one_and_the_same_again(pairs: list[tuple[str, str]]) -> None:
    counts = confusion([one for one, _ in pairs], [other for _, other in pairs], ("a", "b"))
    low, high = interval(counts, accuracy)
    assert 0 <= low <= high <= 1
    assert interval(counts, accuracy) == (low, high)
