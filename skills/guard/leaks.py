"""What must never leave: our instructions, secrets, other customers' data, orders, and what nobody can read."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from skills.guard.phrases import Heard
from skills.guard.sources import Sources, as_run
from skills.language import fold, words
from skills.turn import Finding, Identification
from skills.untrusted import is_order

_SHINGLE = 6
"""So many of our instructions' words in a row are no accident."""
_FENCE_TAG = re.compile(
    r"</?[a-z]{3,20}-[0-9a-f]{12}>|</?(?:messages|passages?|history|elsewhere|attachments?|objected)\b[^<>]{0,40}>"
)
_KEY = re.compile(
    r"\b(?:sk|pk|rk)[-_](?:live|test|proj|ant)?[-_]?[A-Za-z0-9_-]{16,}|\bAKIA[0-9A-Z]{12,}|\bgh[pousr]_[A-Za-z0-9]{20,}|"
    r"\bxox[abpr]-[A-Za-z0-9-]{10,}|\bAIza[\w-]{20,}|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{4,}|-----BEGIN [A-Z ]{3,30}-----|"
    r"\bBearer\s[\w.~+/-]{16,}|\b(?:pass(?:word|wort)?|contraseña|mot de passe|api[ _-]?key|secret|token|cvv|cvc|pin)"
    r"\s?(?:is|ist|es|est|:|=)\s?[\"'`]?(?=\S{0,40}[\d_!@#$%^&*-])[^\s\"'`]{3,60}",
    re.IGNORECASE,
)
_ASKING = (
    r"(?:send|tell|give|share|provide|reply with|enter|confirm|schicken|senden|nennen|geben|teilen|envie|enviar?|"
    r"mande|diga|indique|comparta|envoyez|envoyer|donnez|communiquez|indiquez)\b"
)
_ASKS = re.compile(rf"\b{_ASKING}")
_SECRET = re.compile(
    r"\b(?:passwords?|passcode|pin|cvv|cvc|card numbers?|card details|bank details|credit card|login details|"
    r"one-time code|passwort|kartennummer|kreditkarte|bankdaten|contrasena|numero de (?:su |la )?tarjeta|tarjeta|"
    r"mot de passe|numero de (?:votre )?carte|coordonnees bancaires)\b"
)
_ASKING_REACH = 75
"""Characters after the verb in which the secret stands."""
_CLAUSE = 200
"""Characters before and after the verb that are looked at, so that a sentence full of verbs takes no longer."""
_NOT = r"\b(?:never|not|don['\u2019]?t|won['\u2019]?t|can['\u2019]?t|nobody|no one|nie|niemals|nicht|no|nunca|jamas)\b"
_FORBIDDEN_BEFORE = re.compile(
    rf"(?:{_NOT} (?:(?:ever|please|also|simply|have to|need to|nos|me|le|se|la|lo|es (?:necesario|preciso) que|"
    rf"hace falta que|tiene que) )*|{_NOT} (?:\w+ ){{0,3}}(?<!we )(?<!hesitate )(?:be )?(?:asks?|asked|require|need) "
    r"(?:(?:for )?(?:you|customers|people|anybody|anyone) )?to |\bwithout (?:having|needing) to |"
    r"\b(?:never|not|don['\u2019]?t) (?:answer|reply to|respond to|trust|open|follow) (?:\w+ ){1,5}asks? (?:you )?to |"
    rf"\b(?:ne |n['\u2019])(?:jamais |pas )(?:nous |me |le |la )?)(?:{_ASKING} (?:\w+ ){{0,3}}(?:or|nor|oder|ni|ou) )*$"
)
"""Right before the verb: what denies it, and not something else in the sentence."""
_FORBIDDEN_AFTER = re.compile(
    r"^(?: (?:sie|uns|mir|bitte|nous|moi))* (?:nie|niemals|nicht(?! nur)|nunca|jamais|pas)\b|"
    r"^[^,;:.!?]* (?:nie|niemals|nicht(?! nur))(?: weiter| preis| heraus| mit)?\W*$"
)
_INSTEAD = re.compile(rf"\b{_ASKING} (?:it|them|both|sie|es|la|lo|le|les)\b")
_OF_THEIR_OWN = re.compile(
    r"\b(?:reset|resetting|change|changing|choose|set|restore|recover|forgotten|zurucksetzen|andern|cambiar|restablecer|"
    r"changer|reinitialiser) (?:an? |the |your |my |their |its |su |la |le |votre )?(?:new |forgotten )?$"
)
"""Right before the secret: it is what the customer changes, not what they are asked for."""
_NEW = re.compile(r"\b(?:new|different|another)(?: \w+)? $")
_OLD, _THEN_NEW = (
    re.compile(r"\b(?:current|old) $"),
    re.compile(r"^[^;:.!?]{0,40}\bnew (?:one|password|passcode|pin)\b"),
)
_TYPED = frozenset({"enter", "confirm", "provide"})
_TO_US = re.compile(r"\b(?:us|me|here|below|chat|reply|message|e-?mail)\b")
_CARD = re.compile(r"(?<![\d.,])\d(?:[ -]?\d){12,18}(?![\d])")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")
_IDENTIFIER = re.compile(
    r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b|(?:#|\b(?:order|bestellung|auftrag|pedido|commande|"
    r"ticket|case|fall|customer|kunde)\s?(?:no\.?|nr\.?|number|nummer|id)?\s?[:#]?\s?)([A-Za-z]{0,4}-?\d[\dA-Za-z-]{3,})\b",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"[^\s]{28,}")
_ADDRESS = re.compile(r"https?://|www\.|@|/[\w-]+/|\.(?:com|org|net|example|de|uk)\b", re.IGNORECASE)
_SHOWS_NOTHING = frozenset("\u00ad\u200b\u200c\u200d\u2060\ufeff\u200e\u200f")
_LUHN, _IBAN_MODULUS = 10, 97
_LONGEST_WORD = 45
_MOST_INVISIBLE = 3


def leaks_in(
    sentence: str, sources: Sources, identification: Identification | None, told: frozenset[str], heard: Heard
) -> Iterator[Finding]:
    """What a sentence gives away.

    ``told`` are the ``shingles`` of our instructions. Secrets count even where the customer wrote them first: a card
    number is not repeated to anybody.
    """
    copied = sources.copied_from(sentence) is not None
    run = as_run(sentence)
    if is_order(sentence):
        yield Finding("orders", "it gives the agent orders instead of telling the customer something", sentence)
    said = words(sentence)
    if told & shingles(run):
        yield Finding("instructions", "it repeats our instructions", sentence)
    elif tag := _FENCE_TAG.search(sentence):
        yield Finding("instructions", f"it shows a mark of our prompt: {tag[0]}", sentence)
    elif not copied and (match := heard.find("instructions", said)):
        yield Finding("instructions", f"it speaks of our instructions: “{match.text}”", sentence)
    if secret := _secret(sentence, sources):
        yield Finding("secret", f"it shows {secret}", sentence)
    elif asked := _secret_asked(fold(sentence)):
        yield Finding("secret", f"it asks for a secret: “{asked}”", sentence)
    if not copied:
        yield from _others(sentence, sources, identification, heard)


def _others(sentence: str, sources: Sources, identification: Identification | None, heard: Heard) -> Iterator[Finding]:
    known = sources.known.casefold()
    matches = {str(match) for match in identification.possible_matches} if identification else set()
    for found in _IDENTIFIER.finditer(sentence):
        number = (found[1] or found[0]).casefold()
        if number in matches or number not in known:
            yield Finding("other_customer", f"the number {found[1] or found[0]} is not this customer's", sentence)
            return
    if match := heard.find("other_customer", words(sentence)):
        yield Finding("other_customer", f"it speaks of somebody else's matters: “{match.text}”", sentence)


def shingles(run: str) -> frozenset[str]:
    """Every six words in a row of a text in one line (``as_run``)."""
    parts = run.split()
    return frozenset(" ".join(parts[at : at + _SHINGLE]) for at in range(len(parts) - _SHINGLE + 1))


def shingles_of(texts: Sequence[str]) -> frozenset[str]:
    """Those of several texts."""
    return frozenset().union(*(shingles(as_run(text)) for text in texts))


def unreadable_in(sentence: str) -> Finding | None:
    """Text that shows nothing, or that nobody can read: encoded, invisible, signs alone."""
    hidden = [mark for mark in sentence if unicodedata.category(mark) == "Cf"]
    if any(mark not in _SHOWS_NOTHING for mark in hidden) or (
        len(hidden) >= _MOST_INVISIBLE and not any(unicodedata.category(mark) == "So" for mark in sentence)
    ):
        return Finding("unreadable", "it has characters that nobody sees", sentence)
    for token in _TOKEN.findall(sentence):
        if not _ADDRESS.search(token) and not _is_compound(token):
            return Finding("unreadable", "it has something encoded in it", sentence)
    if not words(sentence):
        return Finding("unreadable", "it has no words", sentence)
    return None


def _is_compound(token: str) -> bool:
    """A long German word, or words with hyphens and slashes: letters, capitals only where a part begins."""
    parts = [part for part in re.split(r"[^\w]+", token) if part]
    return all(part.isalpha() and (part[1:].islower() or len(part) == 1 or part.isupper()) for part in parts) and all(
        len(part) <= _LONGEST_WORD for part in parts
    )


def _secret_asked(folded: str) -> str | None:
    """How a folded sentence asks for a secret, whatever else in it is denied, new or to be changed."""
    for verb in _ASKS.finditer(folded):
        before = folded[max(0, verb.start() - _CLAUSE) : verb.start()]
        after = folded[verb.end() : verb.end() + _CLAUSE]
        if _is_forbidden(before, after):
            continue
        for secret in _SECRET.finditer(after[:_ASKING_REACH]):
            between, rest = after[: secret.start()], after[secret.end() :]
            typed_anew = _NEW.search(between) or (_OLD.search(between) and _THEN_NEW.search(rest))
            on_a_page = verb[0] in _TYPED and not _TO_US.search(after)
            if not _OF_THEIR_OWN.search(between) and not (typed_anew and on_a_page):
                return verb[0] + between + secret[0]
    return None


def _is_forbidden(before: str, after: str) -> bool:
    """Whether the verb between them is denied, and nothing is asked for instead ("but tell it here")."""
    denied = _FORBIDDEN_BEFORE.search(before) or _FORBIDDEN_AFTER.search(after)
    return denied is not None and _INSTEAD.search(after) is None


def _secret(sentence: str, sources: Sources) -> str | None:
    plain = sources.text
    if (key := _KEY.search(sentence)) and key[0] not in plain:
        return "a key or a password"
    for found in _CARD.findall(sentence):
        if _luhn(re.sub(r"\D", "", found)) and found not in plain:
            return "a card number"
    for found in _IBAN.findall(sentence):
        if _is_iban(found.replace(" ", "")) and found not in plain:
            return "a bank account"
    return None


def _luhn(digits: str) -> bool:
    """The check that every card number passes."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value  # noqa: PLR2004 - the sum of its digits
    return total % _LUHN == 0


def _is_iban(text: str) -> bool:
    moved = text[4:] + text[:4]
    return int("".join(str(int(mark, 36)) for mark in moved)) % _IBAN_MODULUS == 1
