"""The page on which a customer says how our help was. Rendered here, works without script, and GET changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from infra.postgres.surveys import Survey

_TEXTS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "title": "Your feedback",
        "question": "How was our help?",
        "scale": "From 1 (poor) to 5 (very good).",
        "comment": "What could we do better? (optional)",
        "send": "Send",
        "change": "Change",
        "thanks": "Thank you!",
        "given": "Your rating is",
        "missing": "Please choose a number from 1 to 5.",
        "closed": "This rating can't be changed any more.",
    },
    "de": {
        "title": "Ihre Rückmeldung",
        "question": "Wie war unsere Hilfe?",
        "scale": "Von 1 (schlecht) bis 5 (sehr gut).",
        "comment": "Was können wir besser machen? (freiwillig)",
        "send": "Absenden",
        "change": "Ändern",
        "thanks": "Vielen Dank!",
        "given": "Ihre Bewertung ist",
        "missing": "Bitte wählen Sie eine Zahl von 1 bis 5.",
        "closed": "Diese Bewertung kann nicht mehr geändert werden.",
    },
    "es": {
        "title": "Su opinión",
        "question": "¿Qué tal fue nuestra ayuda?",
        "scale": "De 1 (mala) a 5 (muy buena).",
        "comment": "¿Qué podemos mejorar? (opcional)",
        "send": "Enviar",
        "change": "Cambiar",
        "thanks": "¡Gracias!",
        "given": "Su valoración es",
        "missing": "Elija un número de 1 a 5, por favor.",
        "closed": "Esta valoración ya no se puede cambiar.",
    },
    "fr": {
        "title": "Votre avis",
        "question": "Comment était notre aide ?",
        "scale": "De 1 (mauvaise) à 5 (très bonne).",
        "comment": "Que pouvons-nous améliorer ? (facultatif)",
        "send": "Envoyer",
        "change": "Modifier",
        "thanks": "Merci !",
        "given": "Votre note est",
        "missing": "Choisissez un chiffre de 1 à 5, s'il vous plaît.",
        "closed": "Cette note ne peut plus être modifiée.",
    },
}


def feedback_page(survey: Survey, *, missing: bool = False) -> str:
    """The page of a survey as it is now.

    Args:
        survey: what is asked, and what was answered.
        missing: the form came without a rating that can be taken.
    """
    language = survey.language if survey.language is not None and survey.language in _TEXTS else "en"
    text = _TEXTS[language]
    problem = text["closed"] if survey.too_late else text["missing"] if missing else None
    return _template().render(
        language=language, text=text, rating=survey.rating, closed=survey.too_late, problem=problem
    )


@cache
def _template() -> Template:
    folder = FileSystemLoader(Path(__file__).parent)
    return Environment(loader=folder, autoescape=True, undefined=StrictUndefined).get_template("feedback.html.jinja")
