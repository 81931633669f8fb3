from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import evals.commands.evaluate_scope
from evals.commands.evaluate import app
from evals.measure.scope import Judged, false_positives_at
from skills.errors import BadRequestError
from tests.unit.intents.examples import LABELLED, HashedWords

TRAIN = "text,label\n" + "".join(f"{text},{label}\n" for label, texts in LABELLED.items() for text in texts)
TEST = "label,text\ntrack,where is my late parcel\nrefund,give me my money back\noos,zebras eat green grass\n"


@pytest.fixture(autouse=True)
def _without_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    @asynccontextmanager
    async def hashed() -> AsyncIterator[HashedWords]:
        yield HashedWords()

    monkeypatch.setattr(evals.commands.evaluate_scope, "layered_embedder", hashed)


def measured(tmp_path: Path, train: str, test: str) -> dict[str, Any]:
    files = tmp_path / "train.csv", tmp_path / "test.csv"
    for file, content in zip(files, (train, test), strict=True):
        file.write_text(content, encoding="utf-8")
    result = CliRunner().invoke(app, ["scope", "--train", str(files[0]), "--test", str(files[1])])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0
    line: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return line


def test_the_last_line_has_the_figures(tmp_path: Path) -> None:
    line = measured(tmp_path, TRAIN, TEST)
    assert (line["accuracy"], line["oos_auroc"], line["fpr_at_95_tpr"]) == (1, 1, 0)
    assert (line["n"], line["n_in_scope"], line["n_oos"], line["n_train"], line["labels"]) == (3, 2, 1, 24, 3)
    assert line["accuracy_interval"][0] < 1


def test_without_anything_out_of_scope_only_accuracy_is_told(tmp_path: Path) -> None:
    line = measured(tmp_path, TRAIN, "text,label\nwhere is my parcel,track\n")
    assert (line["accuracy"], line["oos_auroc"], line["oos_auroc_interval"]) == (1, None, None)


def test_with_everything_out_of_scope_no_accuracy_is_told(tmp_path: Path) -> None:
    line = measured(tmp_path, TRAIN, "text,label\nzebras eat grass,oos\n")
    assert (line["accuracy"], line["oos_auroc"]) == (None, None)


def test_a_training_with_one_label_still_tells_what_is_outside(tmp_path: Path) -> None:
    line = measured(
        tmp_path,
        "text,label\nwhere is my parcel,track\ntrack my order,track\nno zebras here,oos\n",
        "text,label\nwhere is my order,track\nzebras eat grass,oos\n",
    )
    assert (line["labels"], line["n_train"], line["oos_auroc"]) == (1, 2, 1)


def test_a_label_that_the_training_lacks_counts_as_wrong(tmp_path: Path) -> None:
    assert measured(tmp_path, TRAIN, "text,label\nwhere is my parcel,track\nhello,greeting\n")["accuracy"] == 0.5


@pytest.mark.parametrize(
    ("train", "test", "message"),
    [
        ("", TEST, "train.csv is empty"),
        (TRAIN, "text\nhello\n", "test.csv, line 1: there is no column label"),
        ("text,label\nhello,oos\n", TEST, "train.csv has no text in scope"),
        (TRAIN, "text,label\nhello\n", "test.csv, line 2"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_in_one_line(tmp_path: Path, train: str, test: str, message: str) -> None:
    with pytest.raises(BadRequestError, match=message) as raised:
        measured(tmp_path, train, test)
    assert "\n" not in str(raised.value)


def test_false_positives_are_counted_where_95_percent_in_scope_pass() -> None:
    outside = np.array([*range(100), 90.0, 94.0, 95.5, 200.0])
    truth = np.array([False] * 100 + [True] * 4)
    assert false_positives_at(outside, truth) == 0.5


def test_accuracy_is_of_what_is_in_scope_alone() -> None:
    judged = Judged.of(["a", "b", "a"], [0.1, 0.2, 0.9], ["a", "a", "oos"], "oos")
    assert judged.accuracy == 0.5
    assert judged.auroc == 1
