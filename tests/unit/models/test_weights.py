from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.models.weights import WeightsFile
from skills.errors import ConfigurationError


def written(path: Path, table: object, numbers: bytes = b"", *, length: int | None = None) -> Path:
    head = json.dumps(table).encode()
    path.write_bytes((len(head) if length is None else length).to_bytes(8, "little") + head + numbers)
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.safetensors"


def test_a_tensor_is_the_same_read_and_mapped(path: Path) -> None:
    matrix = np.arange(6, dtype="<f4").reshape(2, 3)
    table = {
        "__metadata__": {"format": "pt"},
        "ids": {"dtype": "I64", "shape": [1], "data_offsets": [0, 8]},
        "matrix": {"dtype": "F32", "shape": [2, 3], "data_offsets": [8, 32]},
    }
    weights = WeightsFile(written(path, table, bytes(8) + matrix.tobytes()))
    assert weights.read("matrix").tolist() == weights.map("matrix").tolist() == matrix.tolist()
    assert not weights.map("matrix").flags.writeable


@pytest.mark.parametrize("name", ["ids", "nothing"])
def test_a_tensor_that_is_not_there_as_floats_is_a_damaged_file(path: Path, name: str) -> None:
    table = {"ids": {"dtype": "I64", "shape": [1], "data_offsets": [0, 8]}}
    weights = WeightsFile(written(path, table, bytes(8)))
    with pytest.raises(ConfigurationError, match=r"model\.safetensors"):
        weights.read(name)


@pytest.mark.parametrize(
    "entry",
    [
        {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [-1, -1], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
        {"dtype": "F32", "shape": [1], "data_offsets": [-4, 0]},
        {"dtype": "F32"},
        "F32",
    ],
    ids=["another size", "negative sides", "beyond the end", "before the beginning", "no place", "no table"],
)
def test_an_impossible_tensor_is_a_damaged_file(path: Path, entry: object) -> None:
    with pytest.raises(ConfigurationError) as caught:
        WeightsFile(written(path, {"matrix": entry}, bytes(4)))
    assert "Reinstall" in str(caught.value.hint)


def test_a_missing_file_says_so(path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"model\.safetensors can't be read"):
        WeightsFile(path)


def test_a_length_beyond_the_file_is_not_believed(path: Path) -> None:
    with pytest.raises(ConfigurationError):
        WeightsFile(written(path, {}, length=2**62))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200), honest=st.booleans())
def test_any_bytes_are_a_file_or_a_clear_error(path: Path, content: bytes, *, honest: bool) -> None:
    path.write_bytes((len(content).to_bytes(8, "little") if honest else b"") + content)
    with suppress(ConfigurationError):
        WeightsFile(path)
