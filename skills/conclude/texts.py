"""What we say around the end of a case, in the languages that we speak. English stands in for every other language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from skills.language import FALLBACK_LANGUAGE
from skills.turn import Language

TextName = Literal["did_it_help", "not_helped", "hand_back", "survey_by_link", "survey_by_number"]

_TEXTS: Mapping[str, Mapping[TextName, str]] = {
    "en": {
        "did_it_help": "Did this help? Please answer yes or no.",
        "not_helped": (
            "I'm sorry that this didn't help. You can tell me what is missing, or write “talk to a person”, "
            "and a colleague will look at it."
        ),
        "hand_back": (
            "Our automated assistant answers here again. If you would rather talk to a person, "
            "you can say so at any time."
        ),
        "survey_by_link": "How was our help? One click is enough, from 1 (poor) to 5 (very good):\n\n{link}",
        "survey_by_number": "How was our help? Please answer with a number from 1 (poor) to 5 (very good).",
    },
    "de": {
        "did_it_help": "Hat das geholfen? Bitte antworten Sie mit Ja oder Nein.",
        "not_helped": (
            "Es tut mir leid, dass das nicht geholfen hat. Sie können mir sagen, was noch fehlt, oder schreiben Sie "
            "„mit einem Menschen sprechen“, dann sieht es sich jemand aus unserem Team an."
        ),
        "hand_back": (
            "Hier antwortet wieder unser automatischer Assistent. Wenn Sie lieber mit einem Menschen sprechen, "
            "können Sie das jederzeit sagen."
        ),
        "survey_by_link": "Wie war unsere Hilfe? Ein Klick genügt, von 1 (schlecht) bis 5 (sehr gut):\n\n{link}",
        "survey_by_number": (
            "Wie war unsere Hilfe? Bitte antworten Sie mit einer Zahl von 1 (schlecht) bis 5 (sehr gut)."
        ),
    },
    "es": {
        "did_it_help": "¿Le ha servido? Responda sí o no, por favor.",
        "not_helped": (
            "Siento que no le haya servido. Puede decirme qué falta, o escriba «hablar con una persona» "
            "y alguien de nuestro equipo lo mirará."
        ),
        "hand_back": (
            "Aquí vuelve a responder nuestro asistente automático. Si prefiere hablar con una persona, "
            "puede decirlo cuando quiera."
        ),
        "survey_by_link": "¿Qué tal fue nuestra ayuda? Basta un clic, de 1 (mala) a 5 (muy buena):\n\n{link}",
        "survey_by_number": "¿Qué tal fue nuestra ayuda? Responda con un número de 1 (mala) a 5 (muy buena).",
    },
    "fr": {
        "did_it_help": "Est-ce que cela vous a aidé ? Merci de répondre par oui ou par non.",
        "not_helped": (
            "Je suis désolé que cela ne vous ait pas aidé. Vous pouvez me dire ce qui manque, ou écrire « parler à une "
            "personne », et quelqu'un de notre équipe s'en occupera."
        ),
        "hand_back": (
            "Notre assistant automatique répond de nouveau ici. Si vous préférez parler à une personne, "
            "vous pouvez le dire à tout moment."
        ),
        "survey_by_link": "Comment était notre aide ? Un clic suffit, de 1 (mauvaise) à 5 (très bonne) :\n\n{link}",
        "survey_by_number": (
            "Comment était notre aide ? Merci de répondre par un chiffre de 1 (mauvaise) à 5 (très bonne)."
        ),
    },
}


def text_for(language: Language | None, name: TextName) -> str:
    """One of our texts in this language, in English when we don't speak it or don't know it."""
    return _TEXTS.get(language or FALLBACK_LANGUAGE, _TEXTS[FALLBACK_LANGUAGE])[name]
