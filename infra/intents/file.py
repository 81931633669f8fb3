"""A classifier as a file: numpy's ``.npz`` of plain arrays, nothing that could run when it is read.

Texts (labels, vocabulary) are UTF-8 bytes with line ends between them. Written beside and moved into place: a crash
leaves the old file or the new one. Everything is checked when it is read, for a file may be damaged or made by hand.
"""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from skills.errors import ConfigurationError
from skills.intent.classifier import Floats, IntentClassifier, VectorsHead, Whole, WordsHead

FORMAT = 1
_LARGEST = 512 * 2**20
"""Bytes of a file and of what it unpacks to: 10,000 examples take about 30 MB."""
_NUMBERS = {
    "rarity": 1, "weights": 2, "bias": 1, "centre": 1, "projection": 2, "means": 2, "examples": 2,
    "middle": 1, "main_axes": 2, "directions": 2,
}  # fmt: skip
_TEXTS = ("labels", "vocabulary", "embedder")
_TRAIN_AGAIN = "train it again: csagent intents train FILE"


def save(classifier: IntentClassifier, path: Path, *, limits: tuple[float, float]) -> None:
    """Write a classifier; ``limits`` are the scores from which on a text counts as near and far outside.

    Raises:
        ConfigurationError: the file can't be written.
    """
    words, vectors = classifier.words, classifier.vectors
    arrays: dict[str, Any] = {
        "format": np.array(FORMAT),
        "limits": np.array(limits, dtype=np.float64),
        "labels": _bytes("\n".join(classifier.labels)),
        "vocabulary": _bytes("\n".join(words.vocabulary)),
        "embedder": _bytes(classifier.embedder),
        "rarity": words.rarity,
        "weights": words.weights.astype(np.float16),
        "bias": words.bias,
        "example_labels": vectors.example_labels.astype(np.int32),
        **{name: getattr(vectors, name) for name in ("centre", "projection", "means", "middle", "main_axes")},
        **{name: getattr(vectors, name).astype(np.float16) for name in ("examples", "directions")},
    }
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(content.getvalue())
        beside.replace(path)
    except OSError as error:
        raise ConfigurationError(
            f"the model of intents can't be written to {path}: {type(error).__name__}",
            hint="name another place with --to, or CSAGENT_INTENTS__MODEL_FILE",
        ) from error


def read(path: Path) -> tuple[IntentClassifier, tuple[float, float]]:
    """The classifier of a file, and its limits.

    Raises:
        ConfigurationError: it can't be read, is damaged, or of another format.
    """
    try:
        return _classifier(_arrays(path))
    except OSError as error:
        raise ConfigurationError(
            f"the model of intents {path} can't be read: {type(error).__name__}", hint=_TRAIN_AGAIN
        ) from error
    except (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"the model of intents {path} is damaged, or of another version", hint=_TRAIN_AGAIN
        ) from error


def _arrays(path: Path) -> Mapping[str, Any]:
    if path.stat().st_size > _LARGEST:
        raise ValueError("too large")
    with zipfile.ZipFile(path) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > _LARGEST:
            raise ValueError("too large")
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def _classifier(arrays: Mapping[str, Any]) -> tuple[IntentClassifier, tuple[float, float]]:
    if int(arrays["format"]) != FORMAT:
        raise ValueError("format")
    numbers = {name: _floats(arrays[name], axes) for name, axes in _NUMBERS.items()}
    labels, vocabulary, embedder = (_text(arrays[name]) for name in _TEXTS)
    names, terms = tuple(labels.split("\n")), vocabulary.split("\n") if vocabulary else []
    example_labels: Whole = np.asarray(arrays["example_labels"]).astype(np.intp)
    near, far = (float(limit) for limit in arrays["limits"])
    classifier = IntentClassifier(
        labels=names,
        embedder=embedder,
        words=WordsHead(
            {term: column for column, term in enumerate(terms)},
            numbers["rarity"], numbers["weights"], numbers["bias"],
        ),
        vectors=VectorsHead(
            example_labels=example_labels,
            **{name: numbers[name] for name in _NUMBERS if name not in {"rarity", "weights", "bias"}},
        ),
    )  # fmt: skip
    _refuse_what_does_not_fit(classifier, terms)
    if not near <= far:
        raise ValueError("limits")
    return classifier, (near, far)


def _refuse_what_does_not_fit(classifier: IntentClassifier, terms: list[str]) -> None:
    words, vectors, labels = classifier.words, classifier.vectors, len(classifier.labels)
    dimensions, axes = vectors.projection.shape
    examples, main = vectors.directions.shape
    fits = (
        len(set(classifier.labels)) == labels and all(classifier.labels)
        and len(words.vocabulary) == len(terms) and all(term[:1] in {"w", "c"} for term in terms)
        and words.rarity.shape == (len(terms),) and words.weights.shape == (len(terms), labels)
        and words.bias.shape == (labels,)
        and vectors.centre.shape == vectors.middle.shape == (dimensions,)
        and vectors.means.shape == (labels, axes) and vectors.examples.shape == (examples, axes)
        and vectors.main_axes.shape == (dimensions, main)
        and vectors.example_labels.shape == (examples,) and examples > 0
        and 0 <= int(vectors.example_labels.min()) <= int(vectors.example_labels.max()) < labels
    )  # fmt: skip
    if not fits:
        raise ValueError("shapes")


def _floats(array: Any, axes: int) -> Floats:
    if array.dtype.kind != "f" or array.ndim != axes:
        raise ValueError("shape")
    numbers: Floats = np.ascontiguousarray(array, dtype=np.float32)
    if not np.isfinite(numbers).all():
        raise ValueError("numbers")
    return numbers


def _bytes(text: str) -> Any:
    return np.frombuffer(text.encode(), dtype=np.uint8)


def _text(array: Any) -> str:
    if array.dtype != np.uint8:
        raise ValueError("text")
    return bytes(array.tobytes()).decode()
