"""What the talk is about: the articles whose names were said lately, and how surely each is still meant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from skills.ports import Subjects
from skills.turn import ArticleId, Audience, Turn

DECAY = 0.9
"""What is left of a mention with every message that came after it."""
LOOKED_BACK = 12
"""Messages. Names said before them are forgotten."""
MOST_NAMES = 4
"""Names whose articles are searched by themselves."""
LEAST = 0.25


@dataclass(frozen=True, slots=True)
class Talk:
    """``about`` gives articles a sureness in (0, 1]; ``names`` have the articles of the names meant most surely."""

    about: Mapping[ArticleId, float]
    names: tuple[frozenset[ArticleId], ...]


NOTHING = Talk(MappingProxyType({}), ())


async def talk_of(turn: Turn, subjects: Subjects, audience: Audience) -> Talk:
    """What a turn is about, by the names in it and in the talk before it.

    Raises:
        KnowledgeUnavailableError: the names could not be read.
    """
    before = [message.text for message in reversed(turn.history or turn.elsewhere)][:LOOKED_BACK]
    by_age = await subjects.mentioned([turn.text, *before], audience)
    names: dict[str, tuple[float, frozenset[ArticleId]]] = {}
    for age, mentions in enumerate(by_age):
        for mention in mentions:
            sureness = mention.strength * DECAY**age
            if sureness > names.get(mention.name, (LEAST, frozenset()))[0]:
                names[mention.name] = sureness, mention.articles
    surest = sorted(names.values(), key=lambda name: -name[0])
    about: dict[ArticleId, float] = {}
    for sureness, articles in reversed(surest):
        about.update(dict.fromkeys(articles, sureness))
    return Talk(MappingProxyType(about), tuple(articles for _, articles in surest[:MOST_NAMES]))
