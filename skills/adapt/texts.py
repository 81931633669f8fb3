"""Our own words around a draft, in the languages that we speak. English stands in for every other language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from skills.language import FALLBACK_LANGUAGE
from skills.turn import Language, Severity

TextName = Literal[
    "greeting",
    "greeting_by_name",
    "sign_off",
    "sign_off_of",
    "source",
    "sources",
    "disclosure",
    "handoff",
    "handoff_failed",
    "danger",
    "cut",
    "foreign",
    "failure",
]

_TEXTS: Mapping[str, Mapping[TextName, str]] = {
    "en": {
        "greeting": "Hello,",
        "greeting_by_name": "Hello {name},",
        "sign_off": "Kind regards\nYour support team",
        "sign_off_of": "Kind regards\nYour {company} support team",
        "source": "Source:",
        "sources": "Sources:",
        "disclosure": "You are talking to an automated assistant, not a person. You can ask for a person at any time.",
        "handoff": "Thank you for your message. A colleague will look at it {deadline} and answer you.",
        "handoff_failed": (
            "Thank you for your message. Our automated assistant can't answer it at the moment, so a colleague will "
            "look at it {deadline} and answer you."
        ),
        "foreign": "We have this answer in another language only. Ask for a person if you can't read it.",
        "cut": "(This answer was too long for this channel. Write to us if you need the rest.)",
        "failure": "Something went wrong on our side with your message. It is not lost: a colleague will answer you.",
    },
    "de": {
        "greeting": "Guten Tag,",
        "greeting_by_name": "Guten Tag {name},",
        "sign_off": "Mit freundlichen Grüßen\nIhr Support-Team",
        "sign_off_of": "Mit freundlichen Grüßen\nIhr Support-Team von {company}",
        "source": "Quelle:",
        "sources": "Quellen:",
        "disclosure": (
            "Sie schreiben mit einem automatischen Assistenten, nicht mit einem Menschen. "
            "Sie können jederzeit nach einem Menschen fragen."
        ),
        "handoff": "Danke für Ihre Nachricht. Jemand aus unserem Team sieht sie {deadline} an und antwortet Ihnen.",
        "handoff_failed": (
            "Danke für Ihre Nachricht. Unser automatischer Assistent kann sie gerade nicht beantworten. "
            "Jemand aus unserem Team sieht sie {deadline} an und antwortet Ihnen."
        ),
        "foreign": (
            "Diese Antwort haben wir nur in einer anderen Sprache. "
            "Fragen Sie nach einem Menschen, wenn Sie sie nicht lesen können."
        ),
        "cut": "(Diese Antwort war zu lang für diesen Kanal. Schreiben Sie uns, wenn Sie den Rest brauchen.)",
        "failure": (
            "Bei Ihrer Nachricht ist auf unserer Seite etwas schiefgegangen. "
            "Sie ist nicht verloren: Jemand aus unserem Team antwortet Ihnen."
        ),
    },
    "es": {
        "greeting": "Hola:",
        "greeting_by_name": "Hola, {name}:",
        "sign_off": "Un saludo\nSu equipo de atención al cliente",
        "sign_off_of": "Un saludo\nSu equipo de atención al cliente de {company}",
        "source": "Fuente:",
        "sources": "Fuentes:",
        "disclosure": (
            "Está hablando con un asistente automático, no con una persona. "
            "Puede pedir hablar con una persona cuando quiera."
        ),
        "handoff": "Gracias por su mensaje. Una persona de nuestro equipo lo mirará {deadline} y le responderá.",
        "handoff_failed": (
            "Gracias por su mensaje. Nuestro asistente automático no puede responderlo en este momento. "
            "Una persona de nuestro equipo lo mirará {deadline} y le responderá."
        ),
        "foreign": "Solo tenemos esta respuesta en otro idioma. Pida hablar con una persona si no puede leerla.",
        "cut": "(Esta respuesta era demasiado larga para este canal. Escríbanos si necesita el resto.)",
        "failure": "Algo ha fallado por nuestra parte con su mensaje. No se ha perdido: una persona le responderá.",
    },
    "fr": {
        "greeting": "Bonjour,",
        "greeting_by_name": "Bonjour {name},",
        "sign_off": "Cordialement\nVotre équipe d'assistance",
        "sign_off_of": "Cordialement\nVotre équipe d'assistance {company}",
        "source": "Source :",
        "sources": "Sources :",
        "disclosure": (
            "Vous parlez à un assistant automatique, pas à une personne. "
            "Vous pouvez demander une personne à tout moment."
        ),
        "handoff": "Merci de votre message. Une personne de notre équipe le regardera {deadline} et vous répondra.",
        "handoff_failed": (
            "Merci de votre message. Notre assistant automatique ne peut pas y répondre pour le moment. "
            "Une personne de notre équipe le regardera {deadline} et vous répondra."
        ),
        "foreign": (
            "Nous n'avons cette réponse que dans une autre langue. Demandez une personne si vous ne pouvez pas la lire."
        ),
        "cut": "(Cette réponse était trop longue pour ce canal. Écrivez-nous s'il vous faut la suite.)",
        "failure": (
            "Un problème est survenu de notre côté avec votre message. "
            "Il n'est pas perdu : une personne de notre équipe vous répondra."
        ),
    },
}

_ADVICE: Mapping[str, Mapping[str, str]] = {
    "self_harm": {
        "en": (
            "If you or somebody else is in danger right now, please call the emergency services: 112 in Europe, "
            "911 in North "
            "America, or your local number. You don't have to be alone with this: a crisis line or somebody you "
            "trust can "
            "listen at any hour."
        ),
        "de": (
            "Wenn Sie oder jemand anderes gerade in Gefahr sind, rufen Sie bitte den Notruf: 112 in Europa oder "
            "die Nummer "
            "Ihres Landes. Sie müssen damit nicht allein sein: Die Telefonseelsorge oder ein Mensch, dem Sie "
            "vertrauen, hört zu."
        ),
        "es": (
            "Si usted u otra persona está en peligro ahora mismo, llame a emergencias: 112 en Europa, 911 en "
            "Norteamérica o el "
            "número de su país. No tiene que estar a solas con esto: una línea de ayuda o alguien de confianza "
            "puede escuchar."
        ),
        "fr": (
            "Si vous ou quelqu'un d'autre êtes en danger en ce moment, appelez les secours : 112 en Europe, 911 en "
            "Amérique "
            "du Nord ou le numéro de votre pays. Ne restez pas seul avec cela : une ligne d'écoute ou un proche "
            "peut vous entendre."
        ),
    },
    "product_safety": {
        "en": (
            "If anybody is hurt or in danger, please call the emergency services: 112 in Europe, 911 in North "
            "America, or your "
            "local number. Keep away from a product that is hot, smoking or damaged; unplug it only if that is safe."
        ),
        "de": (
            "Wenn jemand verletzt oder in Gefahr ist, rufen Sie bitte den Notruf: 112 in Europa oder die Nummer "
            "Ihres Landes. "
            "Halten Sie Abstand von einem Produkt, das heiß ist, raucht oder beschädigt ist; ziehen Sie den "
            "Stecker nur, wenn "
            "das gefahrlos geht."
        ),
        "es": (
            "Si alguien está herido o en peligro, llame a emergencias: 112 en Europa, 911 en Norteamérica o el "
            "número de su país. "
            "Aléjese de un producto caliente, dañado o que eche humo; desenchúfelo solo si puede hacerlo sin riesgo."
        ),
        "fr": (
            "Si quelqu'un est blessé ou en danger, appelez les secours : 112 en Europe, 911 en Amérique du Nord ou "
            "le numéro "
            "de votre pays. Éloignez-vous d'un produit chaud, fumant ou abîmé ; ne le débranchez que si c'est sans "
            "risque."
        ),
    },
}

_DEADLINES: Mapping[str, Mapping[Severity, str]] = {
    "en": {
        Severity.P1: "within 15 minutes",
        Severity.P2: "within an hour",
        Severity.P3: "within one working day",
    },
    "de": {
        Severity.P1: "innerhalb von 15 Minuten",
        Severity.P2: "innerhalb einer Stunde",
        Severity.P3: "innerhalb eines Arbeitstages",
    },
    "es": {
        Severity.P1: "en un plazo de 15 minutos",
        Severity.P2: "en el plazo de una hora",
        Severity.P3: "en el plazo de un día laborable",
    },
    "fr": {
        Severity.P1: "dans les 15 minutes",
        Severity.P2: "dans l'heure",
        Severity.P3: "d'ici un jour ouvré",
    },
}


def text_for(language: Language, name: TextName) -> str:
    """One of our texts in this language, in English when we don't speak it."""
    return _TEXTS.get(language, _TEXTS[FALLBACK_LANGUAGE])[name]


def sign_off_text(language: Language, company: str) -> str:
    """How a letter ends, with the company's name if there is one."""
    if not company:
        return text_for(language, "sign_off")
    return text_for(language, "sign_off_of").format(company=company)


def handoff_text(language: Language, severity: Severity, *, failed: bool = False) -> str:
    """That a colleague will look, and by when: the time that the severity promises.

    ``failed``: because no draft could be written (the model does not answer …), which the customer is told.
    """
    deadlines = _DEADLINES.get(language, _DEADLINES[FALLBACK_LANGUAGE])
    return text_for(language, "handoff_failed" if failed else "handoff").format(deadline=deadlines[severity])


def advice_text(language: Language, rule: str) -> str | None:
    """Whom to call, for the rules of the policy that stand for danger; ``None`` for every other rule."""
    advice = _ADVICE.get(rule)
    return None if advice is None else advice.get(language, advice[FALLBACK_LANGUAGE])


def failure_notice(language: Language | None) -> str:
    """What a customer is told when their message could not be worked on and a person has it now."""
    return text_for(language or FALLBACK_LANGUAGE, "failure")
