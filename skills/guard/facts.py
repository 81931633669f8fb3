"""Facts that a draft states and nothing backs: links, addresses, numbers, sums, dates and names.

They may stand in the cited passages, and figures, sums, dates and names in what the customer said. Links never come
from the customer: whoever writes to us may be the one who wants them spread. An e-mail address or a phone number is the
customer's own only where they speak of themselves ("my address is …").
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from skills.amounts import amounts_in
from skills.guard.sources import Sources
from skills.language import Phrases, fold, stem, words
from skills.phones import PHONE
from skills.turn import Finding, GuardName, Language

_TLD = (
    "com|net|org|info|biz|app|dev|xyz|top|site|online|shop|store|club|live|link|click|support|help|tk|ml|cc|tv|ws|zip|mov|example|test|invalid|onion|win|"
    "icu|vip|pro|tech|space|website|email|cloud|page|gle|mobi|xxx"
)
_COUNTRIES = (
    "ac|ad|ae|af|ag|ai|ao|aq|ar|aw|ax|az|ba|bb|bd|bf|bg|bh|bi|bj|bm|bn|bo|br|bs|bt|bw|bz|ca|cc|cd|cf|cg|ch|ci|ck|"
    "cl|cm|cn|co|cr|cu|cv|cw|cx|cy|cz|dj|dk|dm|dz|ec|ee|eg|eu|fi|fj|fk|fm|fo|fr|ga|gb|gd|ge|gf|gg|gh|gi|gl|gm|gn|gp|gq|"
    "gr|gs|gt|gu|gw|gy|hk|hm|hn|hr|ht|hu|id|ie|io|iq|ir|jm|jo|jp|ke|kg|kh|ki|km|kn|kp|kr|kw|ky|kz|lb|lc|lk|lr|ls|lt|"
    "lu|lv|ly|mc|md|mg|mh|mk|ml|mm|mn|mo|mp|mq|mt|mv|mw|mx|mz|nc|nf|ng|nl|np|nr|nz|om|pe|pf|pg|ph|pk|pl|pm|pn|"
    "pr|ps|pt|pw|py|qa|ro|rs|ru|rw|sb|sc|sd|sg|sh|sk|sl|sm|sn|sr|ss|st|sv|sx|sy|sz|tc|td|tf|tg|th|tj|tk|tl|tm|tn|tr|"
    "tt|tv|tw|tz|ua|ug|uk|uy|uz|vc|ve|vg|vi|vn|vu|wf|ws|ye|yt|za|zm|zw"
)
_WORDS_TOO = (
    "al|am|as|at|au|be|by|de|do|er|es|et|il|im|in|is|it|je|la|li|ma|me|mr|ms|mu|my|na|ne|ni|no|nu|pa|re|sa|se|si|so|su|to|"
    "us|va"
)
"""Country codes that are words of our languages: "lamp.It" is a blank forgotten, "lamp.it" an address."""
_BARE_TLD = rf"(?:{_TLD}|{_COUNTRIES}|xn--[a-z0-9-]{{2,59}}|(?-i:{_WORDS_TOO}|{_WORDS_TOO.upper()}))(?![\w-])"
_PATH = r"/[^\s<>()\[\]\"']{0,500}"
_LINK = re.compile(
    rf"(?:(?:https?|hxxps?|ftp)://|www\.)[^\s<>()\[\]\"'„“”«»]{{1,500}}|(?:javascript|data|vbscript):[^\s]{{1,500}}|"
    rf"(?<![\w@.-])(?!\d[\d.]{{0,4}}\.[ap]m\b|co\.kg\b)(?:[\w-]{{1,63}}\.){{1,9}}(?:{_BARE_TLD}(?:{_PATH})?|[a-z]{{2,24}}{_PATH})",
    re.IGNORECASE,
)
_SPELLED = re.compile(
    rf"\b[\w-]{{2,63}}\s?(?:(?:\[dot\]|\(dot\)|\[\.\]|\(\.\))\s?(?:{_BARE_TLD})|"
    rf"\sdot\s\s?(?:{_TLD}|{_COUNTRIES}|de|me|us|es|it|in|be|at)\b)",
    re.IGNORECASE,
)
_EMAIL = re.compile(r"[\w.+%-]{1,64}\s?(?:@|\(at\)|\[at\])\s?[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}", re.IGNORECASE)
_NUMERIC_DATE = re.compile(
    r"(?<![\d.,/€$£-])(\d{1,4})[./-](\d{1,2})[./-](\d{2,4})(?!\d)|"
    r"(?<![\d.,/€$£-])(3[01]|[12]\d|0?[1-9])\.(1[0-2]|0?[1-9])\.(?!\d)"
)
_FIGURE = re.compile(r"(?<![\w.,])(\d[\d.,'\u00a0\u202f]{0,20})(\s?[€$£%])?|(?<=[€$£])\d[\d.,]{0,20}")
_FREE = re.compile(
    r"\b(?:free of charge|for free|(?:is|are) free|free for ever|no charge|at no cost|kostenlos\w*|kostenfrei\w*|"
    r"gratis|umsonst|gratuit\w*|sin coste|sans frais)\b"
)
_LIST_NUMBER = re.compile(r"^[ \t]{0,8}\d{1,2}[.)]\s", re.MULTILINE)
_WRITTEN_OUT_UP_TO = 12
"""A small number may be spelled in the article ("two days") and a figure in the answer."""
_SHORTEST_PHONE = 7
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan januar enero janvier", "february feb februar febrero fevrier", "march mar marz marzo mars",
            "april apr abril avril", "may mai mayo", "june jun juni junio juin", "july jul juli julio juillet",
            "august aug agosto aout", "september sep sept septiembre septembre", "october oct oktober octubre octobre",
            "november nov noviembre novembre", "december dec dezember diciembre decembre",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_DAY_MONTH = re.compile(rf"\b(\d{{1,2}})(?:st|nd|rd|th|\.|er)?(?: of| de)? ({_MONTH})\b")
_MONTH_DAY = re.compile(rf"\b({_MONTH})\.? (?:the )?(\d{{1,2}})(?:st|nd|rd|th)?\b(?! ?(?:%|euro|eur|€))")
_MONTH_ALONE = re.compile(rf"\b(?:in|im|since|until|by|seit|bis|en|hasta|jusqu'en|depuis) ({_MONTH})\b")
_DAYS = Phrases.of(
    [
        "tomorrow",
        "tonight",
        "next week",
        "next month",
        "by monday",
        "by tuesday",
        "by wednesday",
        "by thursday",
        "by friday",
        "by saturday",
        "by sunday",
        "on monday",
        "on tuesday",
        "on wednesday",
        "on thursday",
        "on friday",
        "on saturday",
        "on sunday",
        "übermorgen",
        "bis morgen",
        "ab morgen",
        "nächste woche",
        "nächsten monat",
        "am montag",
        "am dienstag",
        "am mittwoch",
        "am donnerstag",
        "am freitag",
        "am samstag",
        "am sonntag",
        "bis montag",
        "bis dienstag",
        "bis mittwoch",
        "bis donnerstag",
        "bis freitag",
        "mañana",
        "la próxima semana",
        "el próximo mes",
        "el lunes",
        "el martes",
        "el miércoles",
        "el jueves",
        "el viernes",
        "el sábado",
        "el domingo",
        "demain",
        "la semaine prochaine",
        "le mois prochain",
        "lundi",
        "mardi",
        "mercredi",
        "jeudi",
        "vendredi",
        "samedi",
        "dimanche",
    ]
)
_CAPITALISED = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")
_NAMED_BY_TITLE = re.compile(r"\b(?:Herr|Herrn|Frau|Dr\.?|Prof\.?)\s([A-ZÄÖÜ][\w-]{1,30})")
_CAPITALS_ARE_NAMES = frozenset({"en", "es", "fr", "it", "pt", "nl"})
_NO_NAMES = frozenset(
    [
        "i",
        "im",
        "id",
        "ill",
        "ive",
        "ok",
        "okay",
        "please",
        "thanks",
        "yes",
        "no",
        "mr",
        "mrs",
        "ms",
        "dear",
        "hello",
        "hi",
        "hola",
        "bonjour",
        "usted",
        "ud",
        "vd",
    ]
)
_OPENS = frozenset(".:!?…\"'„“”«»(*-/|•\u2013\u2014\u2018\u2019")


def facts_against(sentence: str, sources: Sources, language: Language) -> Iterator[Finding]:
    """What one sentence of a draft states that nothing backs."""
    bare = _LINK.sub(" ", _EMAIL.sub(" ", _LIST_NUMBER.sub("", sentence)))
    yield from _unknown(
        "link", _links(sentence), _source_links(sources), "the link {} stands in no cited source", sentence
    )
    contacts = f"{sources.text}\n{sources.own}"
    yield from _unknown(
        "email", _emails(sentence), set(_emails(contacts)), "the address {} stands in no cited source", sentence
    )
    yield from _unknown(
        "phone", _phones(bare), set(_phones(contacts)), "the phone number {} stands in no cited source", sentence
    )
    figures = set(_figures(_without_numbers_of_their_own(sources.known), small=True))
    sums = {amount.value for amount in amounts_in(sources.known)}
    plain = _without_numbers_of_their_own(bare)
    sums_said = [
        one for one in amounts_in(plain) if one.value not in sums and not set(_figures(one.text, small=True)) <= figures
    ]
    for amount in sums_said:
        yield Finding("amount", f"the amount {amount.text} stands in no cited source", sentence)
    if not sums_said and (free := _FREE.search(fold(bare))) and not _FREE.search(fold(sources.text)):
        yield Finding("amount", f"no cited source says that anything is “{free[0]}”", sentence)
    dates = set(_dates(sources.known))
    for written, key in _dates_written(bare):
        if key not in dates:
            yield Finding("date", f"the date “{written}” stands in no cited source", sentence)
    if not sums_said and (odd := next((f for f in _figures(plain) if f not in figures), None)):
        yield Finding("figure", f"the figure {odd} stands in no cited source", sentence)
    name = next(_unknown_names(bare, sources, language), None)
    if name is not None:
        yield Finding("name", f"the name “{name}” stands in no cited source", sentence)


def contacts_in(text: str) -> Iterator[tuple[GuardName, str]]:
    """The e-mail addresses of a text, and the phone numbers of the rest of it, as they are written."""
    yield from (("email", found[0]) for found in _EMAIL.finditer(text))
    bare = _NUMERIC_DATE.sub(" ", _LINK.sub(" ", _EMAIL.sub(" ", text)))
    yield from (("phone", found[0].strip()) for found in PHONE.finditer(bare) if not _is_number(found[0]))


def _unknown(guard: GuardName, said: Iterable[str], known: set[str], reason: str, sentence: str) -> Iterator[Finding]:
    for found in dict.fromkeys(said):
        if found not in known and not (guard == "link" and any(one.startswith(f"{found}/") for one in known)):
            yield Finding(guard, reason.format(found), sentence)


def _source_links(sources: Sources) -> set[str]:
    return set(_links(sources.text))


def _links(text: str) -> Iterator[str]:
    """The links of a text without scheme, ``www.`` and a slash at the end; bare host names too."""
    without = _EMAIL.sub(" ", text)
    for found in (*_LINK.findall(without), *_SPELLED.findall(without)):
        link = found.casefold().rstrip(".,;:!?*_)/").removeprefix("https://").removeprefix("http://")
        yield link.removeprefix("www.").rstrip("/")


def _emails(text: str) -> Iterator[str]:
    for found in _EMAIL.findall(text):
        yield re.sub(r"\s?(?:\(at\)|\[at\]|@)\s?", "@", found.casefold()).rstrip(".")


def _phones(text: str) -> Iterator[str]:
    """The last nine digits, so that the ways to write a country don't matter."""
    for found in PHONE.findall(text):
        digits = re.sub(r"\D", "", found)
        if len(digits) >= _SHORTEST_PHONE and not _NUMERIC_DATE.fullmatch(found):
            yield digits[-9:]


def _figures(text: str, *, small: bool = False) -> Iterator[str]:
    """The numbers of a text without their thousands' marks; small plain ones only when asked for."""
    for found in _FIGURE.finditer(_LIST_NUMBER.sub("", text)):
        digits = re.sub(r"\D", "", found[0])
        with_unit = bool(found[2]) or found[1] is None
        if small or with_unit or int(digits) > _WRITTEN_OUT_UP_TO:
            yield digits.lstrip("0") or "0"


def _dates(text: str) -> Iterator[str]:
    return (key for _, key in _dates_written(text))


def _dates_written(text: str) -> Iterator[tuple[str, str]]:
    """Dates as they are written, and as they are compared: day and month, in either order, whatever the year."""
    folded = fold(text)
    for found in _NUMERIC_DATE.finditer(text):
        numbers = sorted(int(part) for part in found.groups() if part and len(part) <= 2)[:2]  # noqa: PLR2004 - no year
        yield found[0], "-".join(map(str, numbers))
    for found in _DAY_MONTH.finditer(folded):
        yield found[0], "-".join(map(str, sorted((int(found[1]), _MONTHS[found[2]]))))
    for found in _MONTH_DAY.finditer(folded):
        yield found[0], "-".join(map(str, sorted((int(found[2]), _MONTHS[found[1]]))))
    for found in _MONTH_ALONE.finditer(folded):
        yield found[0], f"month {_MONTHS[found[1]]}"
    for match in _DAYS.find(words(text)):
        yield match.text, match.phrase.split()[-1]


def _without_numbers_of_their_own(text: str) -> str:
    """Without dates, phone numbers and addresses: their digits are no figures."""
    text = _LINK.sub(" ", _EMAIL.sub(" ", text))
    text = PHONE.sub(lambda found: found[0] if _is_number(found[0]) else " ", _NUMERIC_DATE.sub(" ", text))
    return _MONTH_DAY.sub(" ", _DAY_MONTH.sub(" ", fold(text)))


def _is_number(written: str) -> bool:
    """Whether it reads as one number, such as ``4821300`` or ``1 200 000``, and not as a phone number."""
    return written.isdigit() and not written.startswith("0")


def _unknown_names(sentence: str, sources: Sources, language: Language) -> Iterator[str]:
    """Capitalised words inside a sentence that nobody has said. In German every noun is, so only after a title."""
    if language == "de":
        yield from (found for found in _NAMED_BY_TITLE.findall(sentence) if fold(found) not in sources.folded)
    if language not in _CAPITALS_ARE_NAMES:
        return
    stems = {stem(word) for word in sources.folded}
    for found in _CAPITALISED.finditer(sentence):
        before = sentence[: found.start()].rstrip()
        word = found[0]
        parts = [part.folded for part in words(word)]
        if not before or before[-1] in _OPENS or not word[0].isupper() or not word[1:].islower() or len(word) < 3:  # noqa: PLR2004
            continue
        if not any(part in sources.folded or stem(part) in stems or part in _NO_NAMES for part in parts):
            yield word
