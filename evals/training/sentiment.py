"""Makes ``skills/sentiment/head.npz``: ``python -m evals.training.sentiment --data FOLDER --write``.

``skills/sentiment/DATA.md`` says what has to lie in the folder, of which licence it is, and what its biases are; each
file's SHA-256 is checked. Of its texts one in five (by the SHA-256 of the id) is held out and reported on.

One multinomial logistic regression over the vector and the signs of each text. Both sets count the same, and so do
their labels, but for neutral, which counts a little less: signs are weaker in texts of another kind than those learned
from, and silence is taken for neutral. How strong the penalty is, how much the vector counts and how much neutral does
was chosen by learning from one set and measuring on the other, both ways, for what the product reads comes from
neither. The weights are fitted to all texts once the held-out ones have been reported on.

It is deterministic: the same libraries on the same kind of processor, with one thread, give the same bytes again;
another BLAS may differ in the last digits, within 0.01 a weight.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import io
import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from evals.measure.classes import confusion, interval, macro_recall
from evals.measure.vectors import FileVectorCache, vectors_file
from infra.models.cache import CachedEmbedder
from infra.models.minilm import MiniLmEmbedder
from skills.errors import BadRequestError, SupportError
from skills.language import ENGLISH
from skills.sentiment.head import FILE, LABELS, PARTS, SIGNS, Head, Part, signs
from skills.sentiment.lexicon import Lexicon
from skills.sentiment.mood import mood_of
from skills.sentiment.plain import plain
from skills.turn import MoodLabel

if TYPE_CHECKING:
    from skills.ports import Embedder

Array = NDArray[np.float64]
TARGET = Path(__file__).parents[2] / "skills" / "sentiment" / FILE

GOEMOTIONS_TEXTS = 12_000
"""The first of its train.tsv, which is in no order: about as many as the other sets have together."""
_HELD_OUT = 5
_STRENGTH = 0.005
"""Inverse of the L2 penalty, as scikit-learn counts it."""
_SCALE = 2.0
"""How far vectors and signs are stretched: the penalty is dearer for what is small."""
_NEUTRAL = 0.8
"""What a neutral text weighs beside another."""

_POSITIVE = {
    "admiration", "amusement", "approval", "caring", "desire", "excitement", "gratitude", "joy", "love", "optimism",
    "pride", "relief",
}  # fmt: skip
_NEGATIVE = {
    "anger", "annoyance", "disappointment", "disapproval", "disgust", "embarrassment", "fear", "grief", "nervousness",
    "remorse", "sadness",
}  # fmt: skip
_MASKS = {"[NAME]": "someone", "[RELIGION]": "religion"}
_DYNASENT = "dynasent/dynasent-v1.1-"
FILES = {
    "goemotions/train.tsv": "1c254a142be5c00e80d819b9ae1bbd36d94b2eeb8f4b1271846508d57e57d9c5",
    "goemotions/emotions.txt": "45c3ef86782d2a4d7fedcd6d8c111aa0d0e94720689bd164fac94fefb4495a89",
    f"{_DYNASENT}round01-yelp-dev.jsonl": "46cd881de36122a75733018dda45684cc123d5f35a2b00fdbb30ab42e063c3cd",
    f"{_DYNASENT}round01-yelp-test.jsonl": "519f507ff6a030744abb29135397f14c9139f7ce371882cc057ccf73f914e291",
    f"{_DYNASENT}round02-dynabench-dev.jsonl": "f9cb7eaa370f866fa553699f76dba3688d8c030f813e1193945e237ff0d019ca",
    f"{_DYNASENT}round02-dynabench-test.jsonl": "8924060e3abe8ac757517ff6b1c1557157ceb4fde07be902ab1b0ff54fb94832",
}


@dataclass(frozen=True, slots=True)
class Example:
    """A text to learn from."""

    source: str
    id: str
    text: str
    label: MoodLabel

    @property
    def held_out(self) -> bool:
        """Whether it is kept for measuring."""
        digest = hashlib.sha256(self.id.encode()).hexdigest()
        return int(digest[:8], 16) % _HELD_OUT == 0


def read_examples(folder: Path) -> list[Example]:
    """Every example, after the files were checked.

    Raises:
        BadRequestError: a file is missing or another one than the weights were made of.
    """
    for name, expected in FILES.items():
        try:
            found = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        except OSError as error:
            raise BadRequestError(f"{folder / name} can't be read", hint="see skills/sentiment/DATA.md") from error
        if found != expected:
            raise BadRequestError(f"{folder / name} is another file", hint=f"its SHA-256 should be {expected}")
    return [*_goemotions(folder / "goemotions"), *_dynasent(folder / "dynasent")]


def _goemotions(folder: Path) -> list[Example]:
    names = (folder / "emotions.txt").read_text(encoding="utf-8").split()
    examples: list[Example] = []
    for line in (folder / "train.tsv").read_text(encoding="utf-8").split("\n")[:GOEMOTIONS_TEXTS]:
        text, listed, name = line.split("\t")
        for mask, word in _MASKS.items():
            text = text.replace(mask, word)
        label = _of_emotions({names[int(number)] for number in listed.split(",")})
        if label is not None:
            examples.append(Example("goemotions", name, text, label))
    return examples


def _of_emotions(emotions: set[str]) -> MoodLabel | None:
    """Ambiguous emotions (surprise, confusion …) count as neutral; a text with both sides is left out."""
    praised, complained = emotions & _POSITIVE, emotions & _NEGATIVE
    if praised and complained:
        return None
    return "positive" if praised else "negative" if complained else "neutral"


def _dynasent(folder: Path) -> list[Example]:
    rows = [
        json.loads(line)
        for file in sorted(folder.glob("*.jsonl"))
        for line in file.read_text(encoding="utf-8").split("\n")
        if line
    ]
    return [
        Example("dynasent", row["text_id"], row["sentence"], row["gold_label"])
        for row in rows
        if row["gold_label"] in LABELS
    ]


async def vectors_of(embedder: Embedder, examples: Sequence[Example]) -> Array:
    """(n, dimensions)."""
    texts = [plain(example.text) or "." for example in examples]
    vectors: list[list[float]] = []
    for start in range(0, len(texts), 1000):
        vectors += await embedder.embed(texts[start : start + 1000])
    return np.asarray(vectors, dtype=np.float64)


def fit(examples: Sequence[Example], vectors: Array, marks: Array, model: str) -> bytes:
    """The head's file."""
    from sklearn.linear_model import LogisticRegression

    labels = np.asarray([LABELS.index(example.label) for example in examples])
    inputs = np.hstack([vectors, marks]) * _SCALE
    learned = LogisticRegression(C=_STRENGTH, max_iter=1000, tol=1e-5)
    learned.fit(inputs, labels, sample_weight=weights_of(examples))
    coefficients = np.asarray(learned.coef_, dtype=np.float64) * _SCALE
    by_vector, by_sign = coefficients[:, : -len(SIGNS)], coefficients[:, -len(SIGNS) :]
    means = {"vector": by_vector @ vectors.mean(axis=0), "signs": by_sign @ marks.mean(axis=0)}
    file = io.BytesIO()
    np.savez_compressed(
        file,
        model=np.asarray(model),
        vector=by_vector.astype(np.float16),
        signs=by_sign.astype(np.float16),
        bias=np.asarray(learned.intercept_).astype(np.float16),
        means=np.asarray([means[part] for part in PARTS]).astype(np.float16),
    )
    return file.getvalue()


def weights_of(examples: Sequence[Example]) -> Array:
    """What each example counts: every label of a source the same, but for neutral."""
    counts = Counter((example.source, example.label) for example in examples)
    sizes = Counter(example.source for example in examples)
    return np.asarray(
        [
            sizes[example.source]
            / len(LABELS)
            / counts[example.source, example.label]
            * (_NEUTRAL if example.label == "neutral" else 1.0)
            for example in examples
        ]
    )


def signs_of(examples: Sequence[Example]) -> Array:
    """(n, signs)."""
    lexicon = Lexicon.load()
    english = lexicon.vocabulary(ENGLISH)
    return np.asarray([signs(item.text, mood_of(item.text, english, lexicon), lexicon) for item in examples])


def report(head: Head, examples: Sequence[Example], vectors: Array, marks: Array) -> dict[str, object]:
    """Macro recall on held-out examples with its interval, source by source, whole and with each part alone."""
    line: dict[str, object] = {}
    shown: dict[str, tuple[Part, ...]] = {"whole": (), "vector alone": ("signs",), "signs alone": ("vector",)}
    for source in sorted({example.source for example in examples}):
        chosen = [place for place, example in enumerate(examples) if example.source == source]
        right = [examples[place].label for place in chosen]
        for name, without in shown.items():
            shares = [head.weigh(marks[place].tolist(), vectors[place].tolist(), without=without) for place in chosen]
            counts = confusion([LABELS[share.index(max(share))] for share in shares], right, LABELS)
            figures = (float(macro_recall(counts)), *interval(counts, macro_recall))
            line[f"{source} {name}"] = [round(figure, 4) for figure in figures]
    return line


async def main(arguments: Sequence[str] | None = None) -> int:
    """Report on the fifth that is held out, then train on all; with ``--write``, those weights are the product's."""
    parser = argparse.ArgumentParser(description="Train the sentiment head.")
    parser.add_argument("--data", type=Path, required=True, help="folder with goemotions and dynasent")
    parser.add_argument("--write", action="store_true", help=f"replace {FILE}")
    asked = parser.parse_args(arguments)
    examples = read_examples(asked.data)
    cache = FileVectorCache(vectors_file())
    embedder = MiniLmEmbedder()
    vectors, model = await vectors_of(CachedEmbedder(embedder, cache), examples), embedder.model
    embedder.close()
    cache.close()
    marks = signs_of(examples)
    held = np.asarray([example.held_out for example in examples])
    learned_from = [item for item, aside in zip(examples, held, strict=True) if not aside]
    aside = [item for item, aside in zip(examples, held, strict=True) if aside]
    tried = Head.parse(fit(learned_from, vectors[~held], marks[~held], model))
    line = report(tried, aside, vectors[held], marks[held])
    made = fit(examples, vectors, marks, model)
    if asked.write:
        TARGET.write_bytes(made)
    same = TARGET.exists() and TARGET.read_bytes() == made
    print(json.dumps(line | {"examples": len(examples), "sha256": hashlib.sha256(made).hexdigest(), "same": same}))  # noqa: T201
    return 0


if __name__ == "__main__":
    try:
        with asyncio.Runner() as runner:
            sys.exit(runner.run(main()))
    except SupportError as problem:
        sys.exit(f"error: {problem}\nhint:  {problem.hint}")
