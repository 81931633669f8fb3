"""What a draft may draw on: the passages that it cites, and what the customer wrote of their own matter."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from skills.language import content_words, sentences, unmarked, words
from skills.turn import Draft, Passage, Retrieval, Turn
from skills.untrusted import is_order, visible

_TAG = re.compile(r"<(?:/?[A-Za-z][^<>]{0,200})>")
_NUMBERED = re.compile(r"^\W{0,8}\d{1,2}[.)](?:\s+|$)")
_ENDS = (".", "!", "?", "…", ":", ";", "|")
_OWN = frozenset(
    [
        "i",
        "my",
        "me",
        "mine",
        "we",
        "our",
        "us",
        "ich",
        "mein",
        "meine",
        "meiner",
        "meinem",
        "meinen",
        "mir",
        "mich",
        "wir",
        "unser",
        "unsere",
        "yo",
        "mi",
        "mis",
        "me",
        "nosotros",
        "nuestra",
        "nuestro",
        "je",
        "j",
        "mon",
        "ma",
        "mes",
        "moi",
        "nous",
        "notre",
        "nos",
    ]
)


@dataclass(frozen=True)
class Source:
    """A cited passage, as far as it is evidence: sentences that a reader sees, none that give orders."""

    passage: Passage
    sentences: tuple[str, ...]

    @classmethod
    def of(cls, passage: Passage) -> Source:
        """Read a passage."""
        return cls(passage, tuple(clean_sentences(passage.text)))

    @cached_property
    def head(self) -> str:
        """Title and heading."""
        return f"{self.passage.title}\n{self.passage.heading}"

    @cached_property
    def text(self) -> str:
        """All that it says, with its address."""
        return "\n".join([self.head, *self.sentences, self.passage.url or ""])

    @cached_property
    def units(self) -> tuple[str, ...]:
        """What may be quoted by itself, as runs: title, heading, and whole sentences, lines and list items.

        A line that goes on with a small letter, or after a comma, is the sentence of the line before it.
        """
        found = [as_run(self.passage.title), as_run(self.passage.heading)]
        before = "."
        for sentence in self.sentences:
            number, said = _NUMBERED.match(sentence), as_run(_NUMBERED.sub("", sentence, count=1))
            if number is None and _goes_on(before, sentence):
                found[-1] = f"{found[-1]} {said}"
            else:
                found += [as_run(number[0]) if number else "", said]
            before = sentence
        return tuple(unit for unit in found if unit)

    @cached_property
    def run(self) -> str:
        """The units in one line, each word between blanks, to find a sentence that was copied."""
        return f" {' '.join(self.units)} "

    @cached_property
    def _bounds(self) -> tuple[int, ...]:
        """Where in the run a unit begins, each at the blank before it, and where the last one ends."""
        return tuple(accumulate((len(unit) + 1 for unit in self.units), initial=0))

    def rests(self, run: str) -> Iterator[str]:
        """For every place where a run stands: the other words of the units that it was cut out of, none if whole."""
        start = self.run.find(f" {run} ") if run else -1
        while start >= 0:
            end = start + len(run) + 1
            first = self._bounds[bisect_right(self._bounds, start) - 1]
            last = self._bounds[bisect_left(self._bounds, end)]
            yield f"{self.run[first:start]} {self.run[end:last]}".strip()
            start = self.run.find(f" {run} ", end)


@dataclass(frozen=True)
class Sources:
    """The cited passages, and the customer's own words without what reads like orders."""

    cited: tuple[Source, ...]
    customer: str
    own: str
    """Of the customer's words the sentences that speak of themselves: only there an address is theirs."""
    question: str

    @classmethod
    def of(cls, draft: Draft, retrieval: Retrieval, turn: Turn, *, also: Sequence[str] = ()) -> Sources:
        """Gather what one draft may draw on; ``also`` is known of old, such as the company's name."""
        ids = {citation.passage_id for citation in draft.citations}
        said = [
            sentence
            for message in (*turn.elsewhere, *turn.history, *turn.messages)
            if message.author == "customer"
            for sentence in clean_sentences(message.text)
        ]
        return cls(
            cited=tuple(Source.of(passage) for passage in retrieval.passages if passage.id in ids),
            customer="\n".join([*said, turn.customer.name or "", *also]),
            own="\n".join(sentence for sentence in said if _OWN & {word.folded for word in words(sentence)}),
            question=f"{retrieval.query}\n{turn.text}",
        )

    @cached_property
    def text(self) -> str:
        """Everything that the cited passages say."""
        return "\n".join(source.text for source in self.cited)

    @cached_property
    def known(self) -> str:
        """That and what the customer said."""
        return f"{self.text}\n{self.customer}"

    @cached_property
    def stems(self) -> frozenset[str]:
        """The content words of the cited passages."""
        return content_words(self.text)

    @cached_property
    def folded(self) -> frozenset[str]:
        """Every word that is known."""
        return frozenset(word.folded for word in words(self.known))

    def copied_from(self, sentence: str) -> Source | None:
        """The passage in which a sentence stands word for word and whole: a part of one may say the contrary."""
        run = as_run(sentence)
        return next((source for source in self.cited if "" in source.rests(run)), None)

    def rests_of(self, sentence: str) -> list[str]:
        """For every place in the passages where a sentence stands, what it leaves out of the source's own sentence."""
        run = as_run(sentence)
        return [rest for source in self.cited for rest in source.rests(run)]


def _goes_on(before: str, line: str) -> bool:
    return not before.rstrip().endswith(_ENDS) and (line[:1].islower() or before.rstrip().endswith(","))


def clean_sentences(text: str) -> Iterable[str]:
    """The sentences that a reader sees, without those that give orders to an assistant."""
    return (found for found in sentences(_TAG.sub(" ", unmarked(visible(text)))) if not is_order(found))


def as_run(text: str) -> str:
    """The folded words of a text with single blanks between them."""
    return " ".join(word.folded for word in words(text))
