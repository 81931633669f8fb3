"""One draft with everything in it that channels treat differently, and how every channel shows it in every language."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

from skills.adapt import Adapt, ChannelRules, Company
from skills.turn import Citation, Draft, Escalation, Language, Reason, Reply, Severity
from tests.unit.skills.skill_examples import DELIVERY, PAYMENT, a_retrieval, a_sentiment, a_turn

EXPECTED = Path(__file__).with_name("adapted_texts.toml")
CHANNELS = (*ChannelRules().by_channel, "another")
LANGUAGES = ("en", "de", "es", "fr", "it")
"""The last is one in which we have no words of our own: they are English."""
COMPANY = Company("Example", "Example Ltd\n1 Sample Street")
BODIES: Mapping[str, str] = {
    "en": (
        "## Delivery 📦\n\n"
        "It takes **two days** 🚚, see [all times](https://help.example/times):\n\n* by van\n* by bike"
    ),
    "de": (
        "## Lieferung 📦\n\n"
        "Sie dauert **zwei Tage** 🚚, siehe [alle Zeiten](https://help.example/times):\n\n* Auto\n* Rad"
    ),
    "es": (
        "## Envío 📦\n\nTarda **dos días** 🚚, vea [todos los plazos](https://help.example/times):\n\n* coche\n* bici"
    ),
    "fr": (
        "## Livraison 📦\n\nDeux **jours** 🚚, voir [tous les délais](https://help.example/times) :\n\n* camion\n* vélo"
    ),
    "it": (
        "## Consegna 📦\n\nServono **due giorni** 🚚, vedi [i tempi](https://help.example/times):\n\n* furgone\n* bici"
    ),
}
ASKED = Escalation((Reason("angry", "why", Severity.P2),))


async def adapted(channel: str, language: str, *, escalated: bool = False) -> Reply:
    """The first answer of a case, and the note for the customer when a person has to look at it first."""
    draft = Draft(
        BODIES[language],
        answered=True,
        citations=tuple(Citation(passage.id, passage.title, "…") for passage in (DELIVERY, PAYMENT)),
        confidence=0.9,
        language=Language(language),
        model="test",
    )
    update = await Adapt(company=COMPANY)(
        {
            "turn": a_turn("hi", channel=channel),
            "sentiment": a_sentiment(language=language),
            "retrieval": a_retrieval("q", DELIVERY, PAYMENT),
            "draft": draft,
            "escalation": ASKED if escalated else Escalation(()),
        }
    )
    return update["reply"]


def expected() -> dict[str, dict[str, str]]:
    """By channel, and by language: ``en`` for the answer, ``en_handoff`` for the note."""
    return tomllib.loads(EXPECTED.read_text(encoding="utf-8"))
