from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from evals.commands.evaluate import app
from skills.errors import BadRequestError


def test_others_texts_are_labelled_and_the_figures_are_a_line_of_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    file = tmp_path / "s.csv"
    file.write_text("text,label\nI love it!,positive\nWhen do you open?,neutral\nThis is awful,neg\n", encoding="utf-8")
    result = CliRunner().invoke(app, ["sentiment", "--test", str(file)])
    assert result.exit_code == 0, result.output
    line = json.loads(result.stdout.splitlines()[-1])
    assert (line["n"], line["accuracy"], line["macro_recall"]) == (3, 1, 1)
    assert line["confusion"] == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]


def test_a_label_that_nobody_knows_is_one_error(tmp_path: Path) -> None:
    file = tmp_path / "s.csv"
    file.write_text("text,label\nhello,cross\n", encoding="utf-8")
    result = CliRunner().invoke(app, ["sentiment", "--test", str(file)])
    assert isinstance(result.exception, BadRequestError)
    assert "line 2" in str(result.exception)
