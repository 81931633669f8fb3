"""What a draft may draw on: the passages that it cites, and what the customer wrote of their own matter."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from skills.language import content_words, sentences, unmarked, words
from skills.turn import Draft, Passage, Retrieval, Turn
from skills.untrusted import is_order, visible

_TAG = re.compile(r"<(?:/?[A-Za-z][^<>]{0,200})>")
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
    def run(self) -> str:
        """Its words in one line, each between blanks, to find a sentence that was copied."""
        return f" {as_run(self.head)} {' '.join(as_run(sentence) for sentence in self.sentences)} "


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
        """The passage in which a sentence stands word for word."""
        run = as_run(sentence)
        return next((source for source in self.cited if run and f" {run} " in source.run), None)


def clean_sentences(text: str) -> Iterable[str]:
    """The sentences that a reader sees, without those that give orders to an assistant."""
    return (found for found in sentences(_TAG.sub(" ", unmarked(visible(text)))) if not is_order(found))


def as_run(text: str) -> str:
    """The folded words of a text with single blanks between them."""
    return " ".join(word.folded for word in words(text))
