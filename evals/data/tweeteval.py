"""TweetEval's sentiment task: 12,284 English tweets labelled negative, neutral or positive (SemEval 2017, task 4A).

Measuring only: nothing of the product is trained or tuned on it, nor on its validation tweets.
"""

from __future__ import annotations

from pathlib import Path

from evals.data.labelled import Labelled
from skills.errors import BadRequestError
from skills.sentiment.head import LABELS

FOLDER = "tweeteval_sentiment"


def read_tweets(folder: Path) -> list[Labelled]:
    """The test tweets in the file's order.

    Raises:
        BadRequestError: a file is missing, or texts and labels don't pair.
    """
    try:
        # Only line feeds end a line: tweets have other characters that Python would take for an end.
        texts, labels = (
            (folder / f"test_{what}.txt").read_text(encoding="utf-8").removesuffix("\n").split("\n")
            for what in ("text", "labels")
        )
    except (OSError, UnicodeDecodeError) as error:
        raise BadRequestError(f"the tweets in {folder} can't be read: {error}") from None
    if len(texts) != len(labels) or not set(labels) <= {"0", "1", "2"}:
        raise BadRequestError(f"texts and labels in {folder} don't pair: {len(texts)} and {len(labels)} lines")
    return [Labelled(text, LABELS[int(label)]) for text, label in zip(texts, labels, strict=True)]
