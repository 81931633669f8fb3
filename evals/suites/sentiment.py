"""Sentiment: the label that the product's node gives, against people's.

Two sets. The 12,284 test tweets of TweetEval are only measured on: no weight, word, threshold or feature was fitted to
them or to their validation tweets. Our own messages, 47 in each of four languages, were written before any form of the
skill was run on them; the words of the lexicon and the messages come from the same hands, so that they show what works
and what doesn't and are no sample of anybody's customers.

What is measured is the node itself, given each text as a turn. A text whose language the product doesn't take for
English is left to the lexicon, as in the product.
"""

from __future__ import annotations

from collections.abc import Sequence

from evals.data.labelled import Labelled, read_own
from evals.data.tweeteval import FOLDER, read_tweets
from evals.measure.classes import Array, accuracy, confusion, interval, macro_f1, macro_recall
from evals.measure.moods import embed_ahead, labels_of, turn_of
from evals.suite import Context, Figure, Report, Suite
from skills.language import ENGLISH
from skills.ports import Embedder
from skills.sentiment import FusedSentiment
from skills.sentiment.head import LABELS, Part, signs
from skills.sentiment.plain import plain

LANGUAGES = ("en", "de", "es", "fr")
_FLOOR = 0.62


async def _run(context: Context) -> Report:
    tweets = read_tweets(context.data / FOLDER)
    own = {language: read_own(language) for language in LANGUAGES}
    context.say(f"{len(tweets)} tweets; their vectors take a quarter of an hour the first time")
    await embed_ahead(context.embedder, [item.text for item in (*tweets, *own["en"])])
    node = FusedSentiment(context.embedder)
    said = await labels_of(node, [turn_of(tweet.text) for tweet in tweets])
    counts = confusion(said, [tweet.label for tweet in tweets], LABELS)
    figures = [
        _figure("tweet_macro_recall", counts, "macro recall on the test tweets of TweetEval", floor=_FLOOR),
        Figure("tweet_accuracy", float(accuracy(counts)), interval(counts, accuracy)),
        Figure("tweet_macro_f1", float(macro_f1(counts)), interval(counts, macro_f1)),
    ]
    by_kind: dict[str, dict[str, list[int]]] = {}
    for language, messages in own.items():
        found = await labels_of(node, [turn_of(item.text, language=language) for item in messages])
        own_counts = confusion(found, [item.label for item in messages], LABELS)
        figures.append(
            _figure(f"own_sentiment_{language}", own_counts, f"macro recall on our {len(messages)} messages")
        )
        by_kind[language] = _by_kind(messages, found)
    return Report(
        figures=tuple(figures),
        details={
            "tweets": len(tweets),
            "tweet_confusion": counts.astype(int).tolist(),
            "tweet_ablations": await _ablations(context.embedder, node, tweets),
            "own_sentiment_by_kind": by_kind,
        },
        remarks=("the confusion has a row for each of " + ", ".join(LABELS) + ", and what was said in its columns",),
    )


async def _ablations(embedder: Embedder, node: FusedSentiment, tweets: Sequence[Labelled]) -> dict[str, float]:
    """Macro recall of the lexicon alone, and of the head, whole and with each of its parts alone."""
    right = [tweet.label for tweet in tweets]
    turns = [turn_of(tweet.text, language=ENGLISH) for tweet in tweets]
    found = {"lexicon": await labels_of(node.lexical, turns)}
    seen = [signs(turn.text, node.lexical.weighed(turn)[1], node.lexical.lexicon) for turn in turns]
    vectors = await embedder.embed([plain(tweet.text) or "." for tweet in tweets])
    for name, without in _SHOWN.items():
        found[name] = [
            LABELS[shares.index(max(shares))]
            for marks, vector in zip(seen, vectors, strict=True)
            for shares in (node.head.weigh(marks, vector, without=without),)
        ]
    return {name: round(float(macro_recall(confusion(said, right, LABELS))), 4) for name, said in found.items()}


_SHOWN: dict[str, tuple[Part, ...]] = {"head": (), "vector alone": ("signs",), "signs alone": ("vector",)}


def _figure(name: str, counts: Array, stated: str, *, floor: float | None = None) -> Figure:
    return Figure(name, float(macro_recall(counts)), interval(counts, macro_recall), floor=floor, stated=stated)


def _by_kind(messages: Sequence[Labelled], found: Sequence[str]) -> dict[str, list[int]]:
    """Of each kind how many are right, and how many there are."""
    kinds: dict[str, list[int]] = {}
    for item, label in zip(messages, found, strict=True):
        counted = kinds.setdefault(item.kind, [0, 0])
        counted[0] += item.label == label
        counted[1] += 1
    return kinds


SENTIMENT = Suite("sentiment", "what mood the product hears in a message", _run, needs=(FOLDER,))
