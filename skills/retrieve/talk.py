"""What the talk is about: the names that were said lately, and how surely each is still meant.

A name that several articles bear is a **thing** of which each of them tells something: a product, a hotel. The talk
stays with it until another is named, so that a question is looked for among its articles by itself. The name of one
article is a topic, which the next question leaves as often as not: it has no say here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from skills.ports import Mention, Subjects
from skills.turn import ArticleId, Audience, Turn

DECAY = 0.9
"""What is left of a mention's strength with every message that came after it."""
LOOKED_BACK = 12
"""Messages. Names said before them are forgotten."""
MOST_THINGS = 4
"""Things whose articles are searched by themselves."""
LOOKED_AT = 600
"""Characters at either end of a message that are looked at for names. Who writes more than both names the thing at the
top, or where they ask, at the end; what is pasted between would only cost time, with every turn again."""
LEAST = 0.25
"""The sureness below which a name is forgotten."""


@dataclass(frozen=True, slots=True)
class Thing:
    """The articles that bear a name, and how surely it is meant, in [``LEAST``, 1]."""

    articles: frozenset[ArticleId]
    sureness: float


@dataclass(frozen=True, slots=True)
class Talk:
    """The things meant most surely, the surest first."""

    things: tuple[Thing, ...] = ()

    def sureness_of(self, article: ArticleId) -> float:
        """How surely the talk is about an article: of one that bears two names more surely than of either."""
        return sum(thing.sureness for thing in self.things if article in thing.articles)

    @property
    def sureness(self) -> float:
        """How surely it is about the articles that it is most likely about; 0 when it is about no thing."""
        return max((self.sureness_of(article) for thing in self.things for article in thing.articles), default=0.0)


async def talk_of(turn: Turn, subjects: Subjects, audience: Audience) -> Talk:
    """What a turn is about, by the names in it and in the talk before it.

    Raises:
        KnowledgeUnavailableError: the names could not be read.
    """
    before = [message.text for message in reversed(turn.history or turn.elsewhere)][:LOOKED_BACK]
    meant = _meant(await subjects.mentioned([_ends(text) for text in (turn.text, *before)], audience))
    return Talk(tuple(meant[:MOST_THINGS]))


def _ends(text: str) -> str:
    return text if len(text) <= 2 * LOOKED_AT else f"{text[:LOOKED_AT]}\n{text[-LOOKED_AT:]}"


def _meant(by_age: Sequence[Sequence[Mention]]) -> list[Thing]:
    """Every thing once, as surely as its strongest or latest mention makes it, the surest first."""
    names: dict[str, Thing] = {}
    for age, mentions in enumerate(by_age):
        for mention in mentions:
            sureness = mention.strength * DECAY**age
            known = names.get(mention.name)
            several = len(mention.articles) > 1
            if several and sureness >= LEAST and (known is None or sureness > known.sureness):
                names[mention.name] = Thing(mention.articles, sureness)
    return sorted(names.values(), key=lambda thing: -thing.sureness)
