"""Single texts through the sentiment node, as the product would be given them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import NAMESPACE_OID, uuid5

from skills.ports import Embedder
from skills.sentiment import FusedSentiment, LexiconSentiment
from skills.sentiment.plain import plain
from skills.turn import CaseId, ChannelName, Customer, CustomerId, Language, Message, MessageId, MoodLabel, Turn, TurnId

_AT_ONCE = 2_000
_NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def turn_of(text: str, *, language: str | None = None) -> Turn:
    """A text as the product would be given it: one message of one customer, whose language may be known."""
    key = uuid5(NAMESPACE_OID, text)
    chat = ChannelName("chat")
    message = Message(MessageId(key), 1, "customer", text, _NOON)
    known = None if language is None else Language(language)
    customer = Customer(CustomerId(key), None, verified=False, language=known, segment="standard", earlier_cases=0)
    return Turn(TurnId(key), CaseId(key), chat, customer, (message,), (), (), _NOON)


async def labels_of(node: FusedSentiment | LexiconSentiment, turns: Sequence[Turn]) -> list[MoodLabel]:
    """What the product's node says of each."""
    return [(await node({"turn": turn}))["sentiment"].label for turn in turns]


async def embed_ahead(embedder: Embedder, texts: Sequence[str]) -> None:
    """Fill the cache in batches, which is quicker than text by text."""
    wanted = list(dict.fromkeys(filter(None, map(plain, texts))))
    for start in range(0, len(wanted), _AT_ONCE):
        await embedder.embed(wanted[start : start + _AT_ONCE])
