"""The text of a one-time code, in the languages that we speak. English stands in for every other language.

It says what the code is for, who asked, how long it counts, and that nobody should pass it on. The code stands alone in
its line, so that phones offer to copy it.
"""

from __future__ import annotations

from collections.abc import Mapping

from skills.language import FALLBACK_LANGUAGE
from skills.turn import Language

_TEXTS: Mapping[str, str] = {
    "en": (
        "Your code is\n\n{code}\n\n"
        "Somebody who is writing to {site} said that this address is theirs. If it was you, type the code in there: "
        "then we know that it is you, and you see what we wrote to each other before. It counts for {minutes} minutes."
        "\n\nDon't pass it on to anybody, not even to us: nobody of our team will ever ask you for it. If it wasn't "
        "you, there is nothing to do: without the code nobody learns anything."
    ),
    "de": (
        "Ihr Code lautet\n\n{code}\n\n"
        "Jemand, der gerade mit {site} schreibt, hat diese Adresse als die eigene angegeben. Wenn Sie das waren, geben "
        "Sie den Code dort ein: Dann wissen wir, dass Sie es sind, und Sie sehen, was wir uns früher schrieben. "
        "Er gilt {minutes} Minuten."
        "\n\nGeben Sie ihn an niemanden weiter, auch nicht an uns: Niemand aus unserem Team wird Sie je danach fragen. "
        "Wenn Sie es nicht waren, müssen Sie nichts tun: Ohne den Code erfährt niemand etwas."
    ),
    "es": (
        "Su código es\n\n{code}\n\n"
        "Alguien que está escribiendo a {site} ha dicho que esta dirección es suya. Si ha sido usted, escriba allí el "
        "código: así sabremos que es usted y verá lo que nos escribimos antes. Vale durante {minutes} minutos."
        "\n\nNo se lo dé a nadie, tampoco a nosotros: nadie de nuestro equipo se lo pedirá nunca. Si no ha sido usted, "
        "no tiene que hacer nada: sin el código nadie se entera de nada."
    ),
    "fr": (
        "Votre code est\n\n{code}\n\n"
        "Quelqu'un qui écrit en ce moment à {site} a indiqué cette adresse comme la sienne. Si c'est vous, saisissez-y "
        "le code : nous saurons alors que c'est vous, et vous verrez nos échanges précédents. Il est valable {minutes} "
        "minutes."
        "\n\nNe le donnez à personne, pas même à nous : personne de notre équipe ne vous le demandera jamais. Si ce "
        "n'était pas vous, il n'y a rien à faire : sans le code, personne n'apprend rien."
    ),
    "it": (
        "Il suo codice è\n\n{code}\n\n"
        "Qualcuno che sta scrivendo a {site} ha indicato questo indirizzo come suo. Se è stato lei, inserisca lì il "
        "codice: così sapremo che è lei e vedrà ciò che ci siamo scritti in precedenza. Vale per {minutes} minuti."
        "\n\nNon lo dia a nessuno, nemmeno a noi: nessuno del nostro team glielo chiederà mai. Se non è stato lei, non "
        "deve fare nulla: senza il codice nessuno viene a sapere niente."
    ),
}


def code_text(language: Language | None, code: str, *, site: str, minutes: int) -> str:
    """What is sent with a one-time code.

    Args:
        language: the customer's, as far as it is known.
        code: the digits.
        site: who asks, as customers know the company.
        minutes: how long it counts.
    """
    text = _TEXTS.get(language or FALLBACK_LANGUAGE, _TEXTS[FALLBACK_LANGUAGE])
    return text.format(code=code, site=site, minutes=minutes)
