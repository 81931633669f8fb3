"""An embedder without a model, and the articles that the tests of search share."""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Sequence

from infra.knowledge.article import Article
from infra.knowledge.reading import Reading
from skills.turn import Audience, Language


class HashedWords:
    """Texts with the same words are near each other: each word adds to one dimension. Remembers what it was asked."""

    def __init__(self, model: str = "minilm-l6-v2", dimensions: int = 384) -> None:
        self.model = model
        self.dimensions = dimensions
        self.texts: list[str] = []

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        self.texts += texts
        return [self._vector(text) for text in texts]

    def _vector(self, text: str) -> list[float]:
        vector = [0.0] * self.dimensions
        for word in re.findall(r"\w+", text.lower()):
            vector[zlib.crc32(word.encode()) % self.dimensions] += 1.0
        length = math.sqrt(sum(value * value for value in vector))
        return [value / length for value in vector] if length else vector


def article(
    slug: str, title: str, text: str, *, language: str = "en", audience: Audience = "public", source: str = "help"
) -> Article:
    return Article(
        slug=slug,
        title=title,
        text=text,
        url=f"https://shop.example/{slug}",
        language=Language(language),
        audience=audience,
        source=source,
    )


def reading(*articles: Article, source: str = "help") -> Reading:
    return Reading(source=source, articles=articles, problems=(), ignored=())


SHOP = (
    article("returns", "How long may I return an order?", "You may return any order within thirty days of delivery."),
    article("refund", "When is my refund paid?", "We pay a refund within five days after the parcel has come back."),
    article("shipping", "What does shipping cost?", "Shipping is free above fifty euros, else it costs four euros."),
    article("password", "How do I change my password?", "Open the account page and choose a new password there."),
    article("invoice", "Where is my invoice?", "Every invoice lies on the account page.", audience="customers"),
    article("goodwill", "Goodwill vouchers", "Agents may give a voucher of ten euros as goodwill.", audience="staff"),
    article("hours", "Opening hours", "The shop is open from nine to five."),
    article("gift", "Gift wrapping", "A gift is wrapped for two euros."),
    article(
        "rueckgabe", "Rückgabe einer Bestellung", "Bestellungen nehmen wir dreißig Tage lang zurück.", language="de"
    ),
    article("versand", "Was kostet der Versand?", "Der Versand ist ab fünfzig Euro frei.", language="de"),
)
"""Six articles for the public in English and two in German; one more for customers, one more for the staff."""
