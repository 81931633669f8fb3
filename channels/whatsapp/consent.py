"""Whether a message is a word of command about being written to: STOP, START or HELP.

Twilio says so itself (``OptOutType``) where its Advanced Opt-Out is on, and then it counts. Otherwise a message counts
that is nothing but one of the words below. Words that answer a question of support as well ("cancel", "end", "yes",
"info") are not among them: who writes "cancel" after "shall I cancel or change the order?" wants no silence.
"""

from __future__ import annotations

import unicodedata
from enum import StrEnum


class Consent(StrEnum):
    """What the customer asks for. The message is a message nonetheless, and is kept."""

    STOP = "stop"
    START = "start"
    HELP = "help"


_WORDS: dict[Consent, frozenset[str]] = {
    Consent.STOP: frozenset(
        {"stop", "stopall", "stop all", "unsubscribe", "opt out", "optout"}  # English
        | {"stopp", "abmelden", "abbestellen"}  # German
        | {"alto", "parar", "baja", "darme de baja"}  # Spanish
        | {"arret", "arrete", "arreter", "desabonner", "desinscrire"}  # French
        | {"ferma", "disiscrivimi", "cancellami"}  # Italian
        | {"pare", "sair", "descadastrar"}  # Portuguese
        | {"afmelden", "uitschrijven"}  # Dutch
    ),
    Consent.START: frozenset(
        {"start", "unstop", "subscribe", "opt in", "optin"}
        | {"anmelden", "starten"}
        | {"alta", "iniciar", "empezar"}
        | {"demarrer", "commencer"}
        | {"inizia", "iscrivimi"}
        | {"comecar", "iniciar"}
        | {"aanmelden"}
    ),
    Consent.HELP: frozenset(
        {"help"} | {"hilfe"} | {"ayuda"} | {"aide"} | {"aiuto"} | {"ajuda"} | {"hulp"},
    ),
}
_LONGEST = 40


def consent(text: str, opt_out_type: str = "") -> Consent | None:
    """What a message asks for; ``None`` for any other message."""
    try:
        return Consent(opt_out_type.casefold())
    except ValueError:
        pass
    if len(text) > _LONGEST:
        return None
    bare = "".join(mark for mark in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(mark))
    words = " ".join("".join(mark if mark.isalnum() else " " for mark in bare).split())
    return next((kind for kind, known in _WORDS.items() if words in known), None)
