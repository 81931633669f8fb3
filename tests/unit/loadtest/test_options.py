from __future__ import annotations

from pathlib import Path

import pytest

from evals.commands.loadtest import profile_of
from evals.loadtest.arrivals import Profile, burst, ramp, steady
from evals.loadtest.questions import read_questions, sample_answers, sample_questions
from skills.errors import BadRequestError


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ({}, steady(10, 60)),
        ({"ramp_to": 50.0}, ramp(10, 50, 60)),
        ({"burst_of": "200:10"}, burst(10, 60, height=200, length=10)),
        ({"soak": 2.0}, steady(10, 120)),
    ],
)
def test_options_make_a_profile(shape: dict[str, object], expected: Profile) -> None:
    options: dict[str, object] = {"ramp_to": None, "burst_of": None, "soak": None, **shape}
    assert profile_of(10, 60, **options) == expected  # type: ignore[arg-type] # parameters


@pytest.mark.parametrize("told", ["200", "fast:10", ":", "5:100"])
def test_a_burst_that_cannot_be_is_refused(told: str) -> None:
    with pytest.raises(BadRequestError):
        profile_of(10, 60, ramp_to=None, burst_of=told, soak=None)


def test_two_shapes_at_once_are_refused() -> None:
    with pytest.raises(BadRequestError, match="several shapes"):
        profile_of(10, 60, ramp_to=20, burst_of=None, soak=5)


def test_questions_are_a_files_lines(tmp_path: Path) -> None:
    file = tmp_path / "questions.txt"
    file.write_text("One?\n\n  Two?  \n", encoding="utf-8")
    assert read_questions(file) == ("One?", "Two?")


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xff\xfe", None])
def test_a_file_without_a_question_is_refused(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "questions.txt"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(BadRequestError):
        read_questions(file)


def test_the_sample_company_has_questions_and_answers_of_some_length() -> None:
    assert len(sample_questions()) >= 20
    assert len(sample_answers()) >= 100
    assert all(len(text) >= 80 for text in sample_answers())
