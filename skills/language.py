"""What the skills know about written language: words, phrases, sentences, inline Markdown, and which language it is.

Pure functions over plain text; no sibling skill, no file, no model. Every expression here takes time linear in the
length of the text, because customers choose the text.

    words, fold, stem, content_words    from a text to comparable words
    Phrases                             finds listed words and phrases at word boundaries
    sentences                           where one sentence ends
    unmarked                            Markdown inside a line, as plain text
    guess_language, customer_language   which language somebody writes
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from skills.turn import Language, Turn

ENGLISH = Language("en")
FALLBACK_LANGUAGE = ENGLISH
"""The language of everything that we have to say when we don't speak the customer's."""

_GAP = "..."
_LONGEST_GAP = 3


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


_WORD = re.compile(r"[^\W_]+")
_SENTENCE_END = re.compile(r"(?<![.!?…])[.!?…]+[\"'”\u2019»)\]*_]{0,3}(?=\s)|[。\uff01\uff1f]")
_NOT_AN_END = _listed(
    "mr mrs ms dr st no nr vs approx ca bzw ggf inkl exkl zzgl evtl usw etc max min tel art abs num núm sr sra av env "
    "p z e i g b d h u a"
)
_LINK = re.compile(r"!?\[([^\[\]]{0,300})\]\(\s{0,3}<?([^()\s<>]{1,2000})>?[^()\n]{0,200}\)")
_AUTOLINK = re.compile(r"<((?:https?://|mailto:)[^<>\s]{1,2000})>")
_CODE = re.compile(r"(?<!`)`{1,3}([^`\n]{1,500})`{1,3}(?!`)")
_ADDRESS = r"(https?://[^\s*<>]{1,2000})|"
"""What looks like emphasis in an address is a part of it."""
_EMPHASIS = (
    re.compile(_ADDRESS + r"(?<![\w*])\*(?=[^\s*])([^*\n]{1,500})(?<=\S)\*(?![\w*])"),
    re.compile(_ADDRESS + r"(?<![\w_])_(?=[^\s_])([^_\n]{1,500})(?<=\S)_(?![\w_])"),
    re.compile(_ADDRESS + r"~~(?=\S)([^~\n]{1,500})(?<=\S)~~"),
)
_STRONG = (
    re.compile(_ADDRESS + r"\*\*(?=\S)([^*\n]{1,500})(?<=\S)\*\*"),
    re.compile(_ADDRESS + r"(?<!\w)__(?=\S)([^_\n]{1,500})(?<=\S)__(?!\w)"),
)

_FUNCTION_WORDS: dict[str, frozenset[str]] = {
    "en": _listed(
        "the and is are was were am be been i you he she it we they my your his her our their this that these "
        "those to of in on for with at from by not no do does did don have has had can could will would "
        "should what when where how why which who there here if or but so as an a me us them please thanks "
        "thank hello hi hey just any some about want need get got refund refunds order orders delivery "
        "shipping help return returns account"
    ),
    "de": _listed(
        "der die das und ist sind war waren ich du er sie es wir ihr mein meine meinen meiner dein ihre unser "
        "dies diese zu von in auf für mit bei aus nicht kein keine haben habe hat hatte kann können werden "
        "wird würde soll was wann wo wie warum welche wer da hier wenn oder aber so als ein eine einen einem "
        "einer mir mich uns bitte danke dank vielen hallo guten tag noch schon auch nur man im am zum zur den dem des "
        "über bestellung lieferung rechnung rückgabe konto geht gibt möchte dauert moin servus"
    ),
    "es": _listed(
        "el la los las y es son era yo tú usted nosotros ellos mi mis su sus este esta esto ese eso a de en "
        "por para con desde no hacer tengo tiene he ha puedo puede podría será qué cuándo dónde cómo cuál "
        "quién hay aquí si o pero un una unos me nos lo le se gracias hola buenos buenas días favor quiero "
        "necesito ya muy más del al cuánto cuanto como cuando donde pedido envío envio devolución reembolso "
        "cuenta tarda está están"
    ),
    "fr": _listed(
        "le la les et est sont était je tu il elle nous vous ils mon ma mes votre vos notre ce cette ces à de "
        "du des en sur pour avec chez par ne pas ai as a avons avez ont peux peut pouvez sera quoi quand où "
        "comment pourquoi quel quelle qui ici si ou mais un une me se on y au aux bonjour salut merci plaît "
        "voudrais veux besoin très plus déjà que commande livraison remboursement compte combien temps j l d "
        "n c s qu"
    ),
    "it": _listed(
        "il lo la gli le e è sono era io tu lui lei noi voi loro mio mia questo questa di da in con su per "
        "non ho ha abbiamo posso può che quando dove come perché quale chi qui se o ma un una mi ci ciao "
        "buongiorno grazie prego vorrei ordine spedizione rimborso del della nel anche"
    ),
    "pt": _listed(
        "o a os as e é são eu você ele ela nós meu minha seu sua este esta isso de do da em no na por para "
        "com não tenho tem posso pode quando onde como porque qual quem aqui se ou mas um uma me olá obrigado "
        "obrigada quero preciso pedido entrega reembolso está muito"
    ),
    "nl": _listed(
        "de het een en is zijn was ik jij je u hij zij wij we mijn uw deze dit dat van in op voor met bij "
        "niet geen heb heeft kan kunnen wordt wat wanneer waar hoe waarom welke wie hier als of maar mij ons "
        "bedankt graag wil bestelling levering nog ook naar"
    ),
}  # fmt: skip
_TYPICAL_LETTERS = {"de": "äöüß", "es": "ñ¿¡áíóú", "fr": "çœèêëàùîô", "pt": "ãõ", "it": "ìò"}
_VOTES: dict[str, tuple[tuple[str, float], ...]] = {
    word: tuple((code, 1 / len(codes)) for code in codes)
    for word in frozenset().union(*_FUNCTION_WORDS.values())
    if (codes := [code for code, listed in _FUNCTION_WORDS.items() if word in listed])
}
_SCRIPTS = {
    "CYRILLIC": "ru", "GREEK": "el", "ARABIC": "ar", "HEBREW": "he", "HIRAGANA": "ja", "KATAKANA": "ja", "CJK": "zh",
    "HANGUL": "ko", "THAI": "th", "DEVANAGARI": "hi",
}  # fmt: skip
_SMALLEST_LEAD = 1.25
_TYPICAL_LETTER_VOTE = 0.6

_SUFFIXES = (
    "ations", "ation", "ments", "ment", "ings", "ing", "ungen", "ung", "iones", "ion", "ies", "ied", "ers", "er", "ed",
    "es", "en", "em", "s", "e", "y", "n",
)  # fmt: skip
_SHORTEST_STEM = 3
_LONGEST_STEM = 6
_SAID_WITHOUT_MEANING = _listed(
    "hi hello hey dear please thanks thank just also really actually know tell let want need would could "
    "like question ask help many much one hallo bitte danke frage wissen hola gracias pregunta bonjour "
    "merci aide ok okay take takes make makes something anything someone somebody thing back "
    "im ive id youre dont doesnt t s re ve ll d m company"
)


class Word(NamedTuple):
    """A word as it was written, and as it is compared."""

    text: str
    folded: str


def fold(text: str) -> str:
    """The text as it is compared: ``Straße`` is ``strasse``, whatever its width, with no invisible characters."""
    if text.isascii():  # nothing else is to be done to it, at a tenth of the price
        return text.casefold()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(mark for mark in decomposed if unicodedata.category(mark) not in {"Mn", "Cf"})


def words(text: str) -> list[Word]:
    """The words of a text in order. An apostrophe or a hyphen separates: ``l'avocat`` gives ``l`` and ``avocat``."""
    visible = text
    if not text.isascii():
        visible = "".join(mark for mark in unicodedata.normalize("NFKC", text) if unicodedata.category(mark) != "Cf")
    return [Word(found, fold(found)) for found in _WORD.findall(visible)]


def as_written(said: str, text: str) -> str:
    """Words of a text with what stands between them there: ``wasn t`` was written ``wasn't``."""
    found = re.search(r"\W{1,3}".join(map(re.escape, said.split())), text)
    return " ".join(found.group().split()) if found else said


def stem(word: str) -> str:
    """The part that forms of one folded word share, roughly: ``deliveries``, ``delivered`` and ``delivery`` meet.

    The same crude rule for every language that we answer in: strip one ending, undouble the last letter, keep six.
    """
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= _SHORTEST_STEM:
            word = word.removesuffix(suffix)
            break
    if len(word) > _SHORTEST_STEM and word[-1] == word[-2]:
        word = word[:-1]
    return word[:_LONGEST_STEM].removesuffix("i") if len(word) > _SHORTEST_STEM else word


def content_words(text: str) -> frozenset[str]:
    """The stems of the words that carry the meaning: no articles, pronouns, greetings or courtesies."""
    return frozenset(stem(word.folded) for word in words(text) if word.folded not in EMPTY_WORDS)


_NAMED_THINGS = _listed(
    "refund refunds order orders delivery shipping return returns account bestellung lieferung rechnung "
    "rückgabe konto dauert pedido envío envio devolución reembolso cuenta tarda commande livraison "
    "remboursement compte temps ordine spedizione rimborso entrega bestelling levering"
)
"""Words that tell a language and still carry a question's meaning."""
EMPTY_WORDS = (
    frozenset(fold(word) for listed in _FUNCTION_WORDS.values() for word in listed - _NAMED_THINGS)
    | _SAID_WITHOUT_MEANING
)


QUESTION_OPENERS = _listed(
    "how what when where which who why can could do does did will would "
    "wie was wann wo welche welcher welches wer warum kann darf como que cuando donde cual cuanto cuantos quien puedo "
    "comment quand quel quelle quels qui pourquoi combien"
)
"""Folded words with which a question begins, in the languages that we answer in."""


class Match(NamedTuple):
    """A phrase that was found: as it is listed, as it was written, and the words from ``start`` up to ``end``."""

    phrase: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Phrases:
    """Finds listed words and phrases at word boundaries, whatever their case and accents.

    ``anwalt*`` stands for every word that begins so, and ``...`` for up to three words in between
    (``speak ... human`` finds "speak to a real human"). ``don't`` is found as ``dont`` too.
    """

    by_start: dict[str, tuple[tuple[str, tuple[str, ...]], ...]]

    @classmethod
    def of(cls, listed: Iterable[str]) -> Phrases:
        """Compile a list; a phrase without any word in it finds nothing."""
        by_start: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
        for phrase in dict.fromkeys(listed):
            ways = (phrase, phrase.replace("'", "")) if "n't" in phrase else (phrase,)
            for parts in filter(None, (tuple(_phrase_parts(way)) for way in ways)):
                by_start.setdefault(parts[0][:2].rstrip("*"), []).append((phrase, parts))
        return cls({start: tuple(phrases) for start, phrases in by_start.items()})

    def find(self, text: Sequence[Word]) -> list[Match]:
        """Every phrase that is said, from left to right; of two at one word the longer one, and no word twice."""
        found: list[Match] = []
        at = 0
        while at < len(text):
            best = self._longest_at(text, at)
            if best is None:
                at += 1
            else:
                found.append(best)
                at = best.end
        return found

    def _longest_at(self, text: Sequence[Word], at: int) -> Match | None:
        first = text[at].folded
        best: Match | None = None
        for key in {first[:1], first[:2]}:
            for phrase, parts in self.by_start.get(key, ()):
                end = _end_of(parts, text, at)
                if end is not None and (best is None or end > best.end):
                    best = Match(phrase, " ".join(word.text for word in text[at:end]), at, end)
        return best


def _phrase_parts(phrase: str) -> Iterable[str]:
    for piece in phrase.split():
        if piece == _GAP:
            yield _GAP
            continue
        found = [word.folded for word in words(piece)]
        if piece.endswith("*") and found:
            found[-1] += "*"
        yield from found


def _end_of(parts: Sequence[str], text: Sequence[Word], at: int) -> int | None:
    """Where the phrase ends that starts at this word; ``None`` when it isn't said here."""
    for index, part in enumerate(parts):
        if part == _GAP:
            ends = (_end_of(parts[index + 1 :], text, start) for start in range(at, at + _LONGEST_GAP + 1))
            return next((end for end in ends if end is not None), None)
        if at >= len(text):
            return None
        word = text[at].folded
        if not (word.startswith(part[:-1]) if part.endswith("*") else word == part):
            return None
        at += 1
    return at


def sentences(text: str) -> list[str]:
    """The sentences of a text in order, trimmed. A line break ends one, unless it only wraps a long line."""
    found: list[str] = []
    for line in _unwrapped_lines(text):
        start = 0
        for end in _SENTENCE_END.finditer(line):
            if line[end.start()] == "." and _is_abbreviation(line, end.start()):
                continue
            found.append(line[start : end.end()].strip())
            start = end.end()
        found.append(line[start:].strip())
    return [sentence for sentence in found if sentence]


_WRAPPED_FROM = 55


def _unwrapped_lines(text: str) -> list[str]:
    lines: list[str] = []
    previous = ""
    for raw in text.splitlines():
        line = raw.strip()
        if line and line[0].islower() and len(previous) >= _WRAPPED_FROM:
            lines[-1] += " " + line
        else:
            lines.append(line)
        previous = line
    return lines


_LONGEST_ABBREVIATION = 8
_MONTHS_AFTER_A_DOT = _listed("januar februar märz april mai juni juli august september oktober november dezember")


def _is_abbreviation(line: str, dot: int) -> bool:
    before = line[max(0, dot - _LONGEST_ABBREVIATION) : dot]
    last = _WORD.findall(before)[-1:]
    if not last or not before.endswith(last[0]):
        return False
    following = line[dot + 1 :].lstrip()[:1]
    if last[0].isdigit():
        # "am 3. des Monats" goes on, and so does "am 3. März".
        return following.islower() or _next_word(line, dot + 1) in _MONTHS_AFTER_A_DOT
    return last[0].casefold() in _NOT_AN_END and not last[0].isupper()


def _next_word(line: str, at: int) -> str:
    found = _WORD.search(line, at, at + 20)
    return found[0].casefold() if found else ""


def unmarked(text: str, *, strong: str = "", link: str = "{label} ({address})") -> str:
    """Inline Markdown as plain text: a link is written as ``link`` says, emphasis and code marks go.

    ``strong`` is what the channel writes around bold text (``*`` in WhatsApp); empty drops the marks.
    """
    text = _LINK.sub(lambda found: _plain_link(found, link), text)
    text = _AUTOLINK.sub(lambda found: found[1].removeprefix("mailto:"), text)
    text = _CODE.sub(r"\1", text)
    for emphasis in _EMPHASIS:
        text = emphasis.sub(lambda found: found[1] or found[2], text)
    for mark in _STRONG:
        text = mark.sub(lambda found: found[1] or f"{strong}{found[2]}{strong}", text)
    return text


def _plain_link(found: re.Match[str], link: str) -> str:
    label, target = found[1].strip(), found[2]
    address = target.removeprefix("mailto:")
    if found[0].startswith("!") or not target.startswith(("http://", "https://", "mailto:")):
        return label
    return address if label in {"", address, target} else link.format(label=label, address=address)


def guess_language(text: str) -> Language | None:
    """The language of a text, ``None`` when it is too short or too mixed to tell.

    Latin script is told by its small words and typical letters, other scripts by their letters alone.
    """
    letters = [letter for letter in text if letter.isalpha()]
    foreign: dict[str, int] = {}
    for letter in letters:
        if letter > "\u0370":
            code = _SCRIPTS.get(unicodedata.name(letter, "").partition(" ")[0])
            if code:
                foreign[code] = foreign.get(code, 0) + 1
    if foreign and 2 * sum(foreign.values()) > len(letters):
        return Language("ja" if "ja" in foreign else max(foreign, key=lambda code: foreign[code]))
    votes = dict.fromkeys(_FUNCTION_WORDS, 0.0)
    for found in _WORD.findall(unicodedata.normalize("NFC", text).casefold()):
        for code, vote in _VOTES.get(found, ()):
            votes[code] += vote
    lowered = text.casefold()
    for code, typical in _TYPICAL_LETTERS.items():
        votes[code] += _TYPICAL_LETTER_VOTE * sum(letter in lowered for letter in typical)
    first, second = sorted(votes, key=lambda code: -votes[code])[:2]
    if votes[first] < 0.5 or votes[first] < _SMALLEST_LEAD * votes[second]:  # noqa: PLR2004 - half a vote is one shared word
        return None
    return Language(first)


def customer_language(turn: Turn) -> Language:
    """The language to answer in: of the waiting messages, else the customer's own, else of the talk so far."""
    earlier = " ".join(message.text for message in turn.history if message.author == "customer")
    return guess_language(turn.text) or turn.customer.language or guess_language(earlier) or FALLBACK_LANGUAGE
