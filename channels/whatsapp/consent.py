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


_WORDS: dict[Consent, dict[str, frozenset[str]]] = {
    Consent.STOP: {
        "en": frozenset({"stop", "stopall", "stop all", "unsubscribe", "opt out", "optout"}),
        "de": frozenset({"stopp", "abmelden", "abbestellen"}),
        "es": frozenset({"alto", "parar", "baja", "darme de baja"}),
        "fr": frozenset({"arret", "arrete", "arreter", "desabonner", "desinscrire"}),
        "it": frozenset({"ferma", "disiscrivimi", "cancellami"}),
        "pt": frozenset({"pare", "sair", "descadastrar"}),
        "nl": frozenset({"afmelden", "uitschrijven"}),
    },
    Consent.START: {
        "en": frozenset({"start", "unstop", "subscribe", "opt in", "optin"}),
        "de": frozenset({"anmelden", "starten"}),
        "es": frozenset({"alta", "iniciar", "empezar"}),
        "fr": frozenset({"demarrer", "commencer"}),
        "it": frozenset({"inizia", "iscrivimi"}),
        "pt": frozenset({"comecar"}),
        "nl": frozenset({"aanmelden"}),
    },
    Consent.HELP: {
        "en": frozenset({"help"}),
        "de": frozenset({"hilfe"}),
        "es": frozenset({"ayuda"}),
        "fr": frozenset({"aide"}),
        "it": frozenset({"aiuto"}),
        "pt": frozenset({"ajuda"}),
        "nl": frozenset({"hulp"}),
    },
}
_CONFIRMATIONS: dict[Consent, dict[str, str]] = {
    Consent.STOP: {
        "en": "You will get no more messages from us here. Write START if you want them again.",
        "de": "Sie erhalten hier keine Nachrichten mehr von uns. Schreiben Sie START, wenn Sie wieder welche möchten.",
        "es": "No recibirá más mensajes nuestros aquí. Escriba START si quiere recibirlos de nuevo.",
        "fr": "Vous ne recevrez plus de messages de notre part ici. Écrivez START pour en recevoir à nouveau.",
        "it": "Non riceverà più nostri messaggi qui. Scriva START se vuole riceverli di nuovo.",
        "pt": "Não receberá mais mensagens nossas aqui. Escreva START se quiser voltar a recebê-las.",
        "nl": "U krijgt hier geen berichten meer van ons. Schrijf START als u ze weer wilt ontvangen.",
    },
    Consent.START: {
        "en": "You will get messages from us here again. Write STOP to end them. How can we help?",
        "de": "Sie erhalten hier wieder Nachrichten von uns. Mit STOP beenden Sie das. Wie können wir helfen?",
        "es": "Volverá a recibir nuestros mensajes aquí. Escriba STOP para terminar. ¿En qué podemos ayudarle?",
        "fr": "Vous recevrez de nouveau nos messages ici. Écrivez STOP pour les arrêter. Que pouvons-nous faire ?",
        "it": "Riceverà di nuovo i nostri messaggi qui. Scriva STOP per non riceverli più. Come possiamo aiutarla?",
        "pt": "Voltará a receber as nossas mensagens aqui. Escreva STOP para as terminar. Como podemos ajudar?",
        "nl": "U krijgt hier weer berichten van ons. Schrijf STOP om ze te beëindigen. Hoe kunnen we helpen?",
    },
}
_LONGEST = 40


def consent(text: str, opt_out_type: str = "") -> Consent | None:
    """What a message asks for; ``None`` for any other message."""
    try:
        return Consent(opt_out_type.casefold())
    except ValueError:
        pass
    words = _words(text)
    return next(
        (kind for kind, languages in _WORDS.items() if any(words in known for known in languages.values())), None
    )


def confirmation(kind: Consent, text: str) -> str | None:
    """What we answer to a wish, in the language of its word; English for one that is no word of ours."""
    texts = _CONFIRMATIONS.get(kind)
    if texts is None:
        return None
    words = _words(text)
    language = next((language for language, known in _WORDS[kind].items() if words in known), "en")
    return texts[language]


def _words(text: str) -> str:
    """In small letters without accents and signs; nothing for a text too long to be a word of command."""
    if len(text) > _LONGEST:
        return ""
    bare = "".join(mark for mark in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(mark))
    return " ".join("".join(mark if mark.isalnum() else " " for mark in bare).split())
