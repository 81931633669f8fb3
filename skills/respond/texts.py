"""What we say ourselves, in the languages that we speak. English stands in for every other language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from skills.language import FALLBACK_LANGUAGE
from skills.turn import Language

TextName = Literal[
    "unknown",
    "unknown_part",
    "out_of_scope",
    "which",
    "or",
    "greeting",
    "identity",
    "well_being",
    "thanks",
    "goodbye",
    "say_more",
    "solved",
    "not_solved",
]

_TEXTS: Mapping[str, Mapping[TextName, str]] = {
    "en": {
        "unknown": "I'm sorry, I don't know the answer to that.",
        "unknown_part": "I don't know the answer to “{question}”.",
        "out_of_scope": (
            "That is outside of what I can help with: I only know my way around our own products and services. "
            "If you have a question about those, I'm happy to help."
        ),
        "which": "Several of our articles speak of that. Which do you mean: {choices}?",
        "or": " or ",
        "greeting": "Hello! How can I help you?",
        "identity": "I'm an automated assistant, not a person. If you'd rather talk to a person, just say so.",
        "well_being": "Thank you for asking, all is well here. How can I help you?",
        "thanks": "You're welcome! If anything else comes up, just write to us.",
        "goodbye": "Goodbye, and thank you for writing to us!",
        "say_more": "I'm happy to help. Please tell me a little more: what is it about, and what do you need?",
        "solved": "I'm glad that it is solved! If anything else comes up, just write to us.",
        "not_solved": (
            "I'm sorry that this didn't help. You can tell me what is missing, or write “talk to a "
            "person”, and a colleague will look at it."
        ),
    },
    "de": {
        "unknown": "Es tut mir leid, darauf weiß ich keine Antwort.",
        "unknown_part": "Auf „{question}“ weiß ich keine Antwort.",
        "out_of_scope": (
            "Dabei kann ich leider nicht helfen: Ich kenne mich nur mit unseren eigenen Produkten und Leistungen aus. "
            "Bei Fragen dazu helfe ich Ihnen gern."
        ),
        "which": "Dazu gibt es mehrere Artikel. Worum geht es Ihnen: {choices}?",
        "or": " oder ",
        "greeting": "Guten Tag! Wie kann ich Ihnen helfen?",
        "identity": (
            "Ich bin ein automatischer Assistent, kein Mensch. "
            "Wenn Sie lieber mit einem Menschen sprechen, sagen Sie es einfach."
        ),
        "well_being": "Danke der Nachfrage, hier ist alles gut. Wie kann ich Ihnen helfen?",
        "thanks": "Gern geschehen! Wenn noch etwas ist, schreiben Sie uns einfach.",
        "goodbye": "Auf Wiedersehen, und danke für Ihre Nachricht!",
        "say_more": "Ich helfe Ihnen gern. Bitte schreiben Sie etwas mehr: Worum geht es, und was möchten Sie wissen?",
        "solved": "Schön, dass es gelöst ist! Wenn noch etwas ist, schreiben Sie uns einfach.",
        "not_solved": (
            "Es tut mir leid, dass das nicht geholfen hat. Sie können mir sagen, was noch fehlt, oder "
            "schreiben Sie „mit einem Menschen sprechen“, dann sieht es sich jemand aus unserem Team "
            "an."
        ),
    },
    "es": {
        "unknown": "Lo siento, no sé la respuesta a esa pregunta.",
        "unknown_part": "No sé la respuesta a «{question}».",
        "out_of_scope": (
            "En eso no puedo ayudarle: solo conozco nuestros propios productos y servicios. "
            "Si tiene una pregunta sobre ellos, le ayudo con mucho gusto."
        ),
        "which": "Varios de nuestros artículos hablan de eso. ¿A cuál se refiere: {choices}?",
        "or": " o ",
        "greeting": "¡Hola! ¿En qué puedo ayudarle?",
        "identity": "Soy un asistente automático, no una persona. Si prefiere hablar con una persona, dígamelo.",
        "well_being": "Gracias por preguntar, aquí todo bien. ¿En qué puedo ayudarle?",
        "thanks": "¡De nada! Si necesita algo más, escríbanos cuando quiera.",
        "goodbye": "¡Hasta luego y gracias por escribirnos!",
        "say_more": "Le ayudo con mucho gusto. Cuénteme un poco más: ¿de qué se trata y qué le gustaría saber?",
        "solved": "¡Me alegro de que esté resuelto! Si necesita algo más, escríbanos cuando quiera.",
        "not_solved": (
            "Siento que no le haya servido. Puede decirme qué falta, o escriba «hablar con una persona» "
            "y alguien de nuestro equipo lo mirará."
        ),
    },
    "fr": {
        "unknown": "Je suis désolé, je ne connais pas la réponse à cette question.",
        "unknown_part": "Je ne connais pas la réponse à « {question} ».",
        "out_of_scope": (
            "Je ne peux pas vous aider sur ce sujet : je ne connais que nos propres produits et services. "
            "Si vous avez une question à leur propos, je vous aide volontiers."
        ),
        "which": "Plusieurs de nos articles en parlent. De quoi s'agit-il : {choices} ?",
        "or": " ou ",
        "greeting": "Bonjour ! Comment puis-je vous aider ?",
        "identity": (
            "Je suis un assistant automatique, pas une personne. Si vous préférez parler à une personne, dites-le-moi."
        ),
        "well_being": "Merci de demander, tout va bien ici. Comment puis-je vous aider ?",
        "thanks": "Je vous en prie ! Si vous avez besoin d'autre chose, écrivez-nous.",
        "goodbye": "Au revoir, et merci de nous avoir écrit !",
        "say_more": "Je vous aide volontiers. Dites-m'en un peu plus : de quoi s'agit-il, et que voulez-vous savoir ?",
        "solved": "Je suis content que ce soit réglé ! Si vous avez besoin d'autre chose, écrivez-nous.",
        "not_solved": (
            "Je suis désolé que cela ne vous ait pas aidé. Vous pouvez me dire ce qui manque, ou écrire "
            "« parler à une personne », et quelqu'un de notre équipe s'en occupera."
        ),
    },
}


def text_for(language: Language, name: TextName) -> str:
    """One of our texts in this language, in English when we don't speak it."""
    return _TEXTS.get(language, _TEXTS[FALLBACK_LANGUAGE])[name]
