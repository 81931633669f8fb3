"""The trained head: from a message's vector and its signs to negative, neutral or positive.

One linear layer of which both parts can be read by themselves: the logits are the sum of what the vector says and what
the signs say (the lexicon's figures, people's ratings of single words, and the marks). It knows English only.
``evals/training/sentiment.py`` makes ``head.npz``; ``DATA.md`` says of what.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal, get_args
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from skills.errors import ConfigurationError
from skills.language import ENGLISH
from skills.sentiment.lexicon import Lexicon
from skills.sentiment.mood import Mood, rated, saturated
from skills.sentiment.plain import plain
from skills.turn import MoodLabel

Array = NDArray[np.float64]
Part = Literal["vector", "signs"]
PARTS: tuple[Part, ...] = get_args(Part)
LABELS: tuple[MoodLabel, ...] = get_args(MoodLabel)
"""In the order of the head's outputs."""
SIGNS = (
    "polarity", "praise", "complaint", "anger", "intensity", "question", "exclamation", "repeated marks", "shouted",
    "rated praise", "rated complaint", "rated polarity",
)  # fmt: skip
FILE = "head.npz"
_DAMAGED_HINT = "install csagent again; evals/training/sentiment.py makes the file"


def signs(text: str, mood: Mood, lexicon: Lexicon) -> list[float]:
    """What stands for ``SIGNS``: each in [-1, 1], or 0 and 1."""
    praise, complaint = rated(plain(text), lexicon.vocabulary(ENGLISH), lexicon.ratings)
    return [
        mood.polarity,
        mood.praise / (1 + mood.praise),
        mood.complaint / (1 + mood.complaint),
        mood.anger,
        mood.intensity,
        float("?" in text),
        float("!" in text),
        float("!!" in text or "??" in text or "!?" in text or "?!" in text),
        float(mood.shouted),
        praise / (1 + praise),
        complaint / (1 + complaint),
        saturated(praise - complaint),
    ]


@dataclass(frozen=True, slots=True)
class Head:
    """The weights: ``vector`` (3, dimensions), ``signs`` (3, len(SIGNS)), ``bias`` (3,).

    ``means`` is what each part says on average of the training texts; it stands in for a part that is left out.
    """

    model: str
    """The embedding model whose vectors it reads; of any other it would make noise."""
    vector: Array
    signs: Array
    bias: Array
    means: dict[Part, Array]

    @classmethod
    def load(cls) -> Head:
        """Read the weights that ship with the package, about 5 ms.

        Raises:
            ConfigurationError: they are missing, damaged, or of another shape than this code.
        """
        try:
            raw = (files(__package__) / FILE).read_bytes()
        except OSError as error:
            raise ConfigurationError("the weights of the sentiment head are missing", hint=_DAMAGED_HINT) from error
        return cls.parse(raw)

    @classmethod
    def parse(cls, raw: bytes) -> Head:
        """The head in the bytes of an ``.npz`` file; nothing in it is ever executed.

        Raises:
            ConfigurationError: the bytes are no such file, or their shapes or figures can't be.
        """
        try:
            with np.load(io.BytesIO(raw), allow_pickle=False) as stored:
                model = str(stored["model"])
                vector, sign, bias, means = (
                    np.asarray(stored[name], dtype=np.float64) for name in ("vector", "signs", "bias", "means")
                )
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
            raise ConfigurationError("the weights of the sentiment head are damaged", hint=_DAMAGED_HINT) from error
        rows = len(LABELS)
        shapes = (vector.shape[:1], sign.shape, bias.shape, means.shape)
        if vector.ndim != 2 or shapes != ((rows,), (rows, len(SIGNS)), (rows,), (len(PARTS), rows)):  # noqa: PLR2004
            raise ConfigurationError("the weights of the sentiment head have the wrong shape", hint=_DAMAGED_HINT)
        if not all(np.isfinite(array).all() for array in (vector, sign, bias, means)):
            raise ConfigurationError("the weights of the sentiment head are no numbers", hint=_DAMAGED_HINT)
        return cls(model, vector, sign, bias, dict(zip(PARTS, means, strict=True)))

    def weigh(
        self, seen: Sequence[float], vector: Sequence[float], *, without: Collection[Part] = ()
    ) -> tuple[float, float, float]:
        """How probable each of ``LABELS`` is; they add up to 1.

        Args:
            seen: the ``signs`` of the text.
            vector: of ``plain`` of the text, by the head's model.
            without: parts to leave out, to see what each brings; the average stands in for them.
        """
        says = {"vector": self.vector @ np.asarray(vector), "signs": self.signs @ np.asarray(seen)}
        total = self.bias + sum((self.means[part] if part in without else says[part] for part in PARTS), start=0.0)
        shares = np.exp(total - total.max())
        negative, neutral, positive = (float(share) for share in shares / shares.sum())
        return negative, neutral, positive
