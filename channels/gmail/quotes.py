# ruff: noqa: RUF001 - words of many languages
"""What a customer newly wrote, without the mail that is answered and without a signature.

mail-parser-reply knows how mail programs introduce a quoted mail in thirteen languages, and what phones write under a
mail. We ask it over short windows only: its expressions take quadratic time on long lines, and its notion of a
signature swallows lists, thanks and whatever follows them. Leaving out too little costs a model some words; leaving
out too much loses an order number. So in doubt a line stays.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from mailparser_reply.constants import MAIL_LANGUAGES

MAX_CANDIDATES = 200
MAX_LINE = 300
"""Longer lines introduce nothing."""
_LONGEST_SIGNATURE = 12

_FLAGS = re.IGNORECASE | re.MULTILINE
_INTRODUCTIONS = tuple(
    re.compile(known["wrote_header"], _FLAGS) for known in MAIL_LANGUAGES.values() if known.get("wrote_header")
)
_SENT_FROM = re.compile(
    "(?:"
    + "|".join(known["sent_from"] for known in MAIL_LANGUAGES.values() if known.get("sent_from"))
    + r"|Von meinem|Sent via|"
    r"Sent with|Sent on|Enviado do meu|Lähetetty|Sendt fra|Trimis de pe|Elküldve|Отправлено с|Надіслано з|"
    r"Αποστολή από|Gönderen)\b.{0,80}|.{1,30}(?:から送信|에서 보냄|gönderildi)",
    re.IGNORECASE,
)
_WITH_ADDRESS = re.compile(r"[^\n]*[<\[(](?:mailto:)?[^\s<>@]{1,200}@[^\s<>@]{1,255}[>\])]")
_TIME = re.compile(r"\d{1,2}[:.h]\d{2}|\d{4}")
_SEPARATOR = re.compile(
    r"[-_]{2,} ?(?:original message|original appointment|ursprüngliche nachricht|ursprungliche nachricht|"
    r"message d['’]origine|message original|mensaje original|mensagem original|messaggio originale|"
    r"oorspronkelijk bericht|"
    r"oprindelig meddelelse|ursprungligt meddelande|opprinnelig melding|alkuperäinen viesti|"
    r"wiadomość oryginalna|původní zpráva|исходное сообщение|"
    r"orijinal mesaj|原始邮件|原始郵件|元のメッセージ|원본 메시지)"
    r" ?[-_]{2,}",
    re.IGNORECASE,
)
_FORWARDED = re.compile(
    r"(?:-{2,} ?(?:forwarded message|weitergeleitete nachricht|weitergeleitete e-?mail|message transféré|"
    r"mensaje reenviado|mensagem encaminhada|"
    r"messaggio inoltrato|doorgestuurd bericht|videresendt (?:besked|meddelelse)|"
    r"vidarebefordrat (?:brev|meddelande)|videresendt melding|välitetty viesti|przekazana wiadomość|přeposlaná zpráva|"
    r"пересылаемое сообщение|転送されたメッセージ|转发的?邮件|전달된 메시지) ?-{2,}|"
    r"begin forwarded message:|"
    r"anfang der weitergeleiteten nachricht:|début du message réexpédié ?:|inicio del mensaje reenviado:)",
    re.IGNORECASE,
)
_REPLY_ABOVE = re.compile(r"\W*(?:please )?(?:type|write|add) your reply above this line\W*", re.IGNORECASE)


def _labels(words: str) -> re.Pattern[str]:
    return re.compile(rf"[*> ]*(?:{words})\s?[*]*\s?[:：][* ]*.*", re.IGNORECASE)


_FROM = _labels(
    "from|von|de|da|van|fra|från|lähettäjä|od|от|від|kimden|από|发件人|發件人|寄件者|差出人|보낸 사람|feladó|de la"
)
_SENT = _labels(
    "sent|date|gesendet|datum|envoyé|enviado|fecha|data|enviada|inviato|verzonden|sendt|dato|skickat|lähetetty|"
    "päivämäärä|wysłano|odesláno|отправлено|дата|надіслано|gönderildi|tarih|εστάλη|发送时间|日期|送信日時|日付|"
    "보낸 날짜|날짜|elküldve|dátum|trimis"
)
_SUBJECT = _labels(
    "subject|betreff|objet|asunto|assunto|oggetto|onderwerp|emne|ämne|aihe|temat|předmět|predmet|тема|konu|θέμα|主题|主旨|"
    "件名|제목|tárgy|subiect"
)
_CLOSING = re.compile(
    r"(?:(?:kind|kindest|best|warm|many|with kind|with best) (?:regards|wishes)|regards|best|cheers|sincerely|"
    r"yours (?:sincerely|faithfully|truly)|thanks(?: (?:a lot|again|so much|and regards))?|thank you|many thanks|"
    r"mit (?:freundlichen|besten|vielen) gr(?:ü|ue)(?:ß|ss)en|"
    r"(?:viele|liebe|beste|schöne|freundliche) gr(?:ü|ue)(?:ß|ss)e|mfg|lg|vg|"
    r"(?:bien )?cordialement|bonne journée|merci|salutations|un saludo|saludos|atentamente|gracias|"
    r"cordiali saluti|saluti|distinti saluti|grazie|atenciosamente|obrigad[oa]|cumprimentos|"
    r"met vriendelijke groet(?:en)?|groet(?:en)?|mvg|(?:med )?vänliga? hälsning(?:ar)?|hälsningar|"
    r"(?:med )?ven(?:l|nl)ig hilsen|mvh|hilsen|pozdrawiam|z poważaniem|s pozdravem|с уважением|saygılarımla)[ ,.!–-]*",
    re.IGNORECASE,
)
_NAME_LINE = re.compile(r"[^\d?!:;#@]{1,50}")
_CONTACT_LINE = re.compile(
    r"(?=.{1,100}\Z)(?:.*(?:@[\w-]+\.|www\.|https?://|\|).*|"
    r"(?:tel|phone|mobile?|fax|fon|telefon|m|t|p|e|w)[.:]* ?:? ?[+(\d].*|\+\d[\d ()/.-]{5,})",
    re.IGNORECASE,
)
_MOST_NAME_WORDS = 6


def newly_written(text: str, *, forwarded: bool = False) -> str:
    """The customer's own words of a mail's plain text; all of it when nothing would be left.

    Args:
        text: plain text, lines ending with a line feed.
        forwarded: the mail passes another one on (by its subject): then what is quoted is what the customer has to say.
    """
    whole = text.strip()
    if forwarded:
        return whole
    lines = whole.split("\n")
    own = _without_quotes(lines)
    return "\n".join(_without_signature(own)).strip() or "\n".join(own).strip() or whole


def _without_quotes(lines: Sequence[str]) -> list[str]:
    """The lines before a quoted mail, those between and after ``>`` lines, and all of a mail passed on."""
    kept: list[tuple[bool, str]] = []
    candidates = index = 0
    while index < len(lines):
        line = lines[index].strip()
        if _FORWARDED.fullmatch(line[:MAX_LINE]):
            kept.extend((False, rest) for rest in lines[index:])
            break
        if _quotes_the_rest(lines, index, line):
            break
        introduction = 0
        if candidates < MAX_CANDIDATES and _may_introduce(lines, index):
            candidates += 1
            introduction = _introduction(lines, index)
        if introduction:
            following = next((text for text in lines[index + introduction :] if text.strip()), "")
            if not following.lstrip().startswith(">"):
                if _TIME.search(" ".join(lines[index : index + introduction])):
                    break
                introduction = 0
        if introduction:
            kept.extend((True, quoted) for quoted in lines[index : index + introduction])
            index += introduction
            continue
        kept.append((line.startswith(">"), lines[index]))
        index += 1
    if _answers_in_between(kept):
        return [text for _, text in kept]
    return [text for quoted, text in kept if not quoted]


def _quotes_the_rest(lines: Sequence[str], index: int, line: str) -> bool:
    if len(line) > MAX_LINE:
        return False
    if _SEPARATOR.fullmatch(line) or _REPLY_ABOVE.fullmatch(line):
        return True
    return bool(_FROM.fullmatch(line)) and _is_header_block(lines[index : index + 9])


def _is_header_block(lines: Sequence[str]) -> bool:
    """Whether these are the lines that Outlook and others put before a mail: from, sent, to, subject."""
    block = [line.strip()[:MAX_LINE] for line in lines if line.strip()]
    return any(_SENT.fullmatch(line) for line in block[1:]) and any(_SUBJECT.fullmatch(line) for line in block[1:])


def _may_introduce(lines: Sequence[str], index: int) -> bool:
    """A cheap question before the dear ones: does a line end here or soon with a colon, with a number before?"""
    window = lines[index : index + 3]
    if any(len(line) > MAX_LINE for line in window) or not lines[index].strip():
        return False
    for end, line in enumerate(window, 1):
        if not line.strip():
            return False
        if line.rstrip().endswith((":", "：")):
            return any(letter.isdigit() for text in window[:end] for letter in text) or end == 1
    return False


def _introduction(lines: Sequence[str], index: int) -> int:
    """How many lines, from this one, say who wrote what follows; 0 for none."""
    window = [line.strip() for line in lines[index : index + 3]]
    for count in range(1, len(window) + 1):
        if not window[count - 1].endswith((":", "：")):
            continue
        joined = " ".join(window[:count])
        if _WITH_ADDRESS.match(joined) and _TIME.search(joined):
            return count
        if any(pattern.match(joined) for pattern in _INTRODUCTIONS):
            return count
        return 0
    return 0


def _answers_in_between(kept: Sequence[tuple[bool, str]]) -> bool:
    """Whether own words stand after more than one stretch of quoted ones: then they answer what stands before them."""
    answered, in_quote = 0, False
    for quoted, line in kept:
        if quoted:
            in_quote = True
        elif line.strip() and in_quote:
            answered += 1
            in_quote = False
    return answered > 1


def _without_signature(lines: Sequence[str]) -> list[str]:
    own = list(lines[: _mark(lines)])
    while own and not own[-1].strip():
        own.pop()
    if own and len(own[-1]) <= MAX_LINE and _SENT_FROM.fullmatch(own[-1].strip(" *_<>[]")):
        own.pop()
    return _without_closing(own)


def _mark(lines: Sequence[str]) -> int:
    """Where the line stands that parts a signature from the text; the number of lines without one."""
    if "-- " in lines[1:]:
        return lines.index("-- ", 1)
    after = 0
    for index in range(len(lines) - 1, 0, -1):
        line = lines[index].strip()
        if line in {"--", "__"}:
            return index
        after += bool(line)
        if after > _LONGEST_SIGNATURE:
            break
    return len(lines)


def _without_closing(lines: Sequence[str]) -> list[str]:
    """Leave out "Kind regards" and what follows, if that is a name and how to reach it, and nothing else."""
    start = max(1, len(lines) - _LONGEST_SIGNATURE)
    for index in range(start, len(lines)):
        if not _CLOSING.fullmatch(lines[index].strip()[:MAX_LINE]):
            continue
        after = [line.strip() for line in lines[index + 1 :] if line.strip()]
        named = not after or (_NAME_LINE.fullmatch(after[0]) and len(after[0].split()) <= _MOST_NAME_WORDS)
        if named and all(_NAME_LINE.fullmatch(line) or _CONTACT_LINE.fullmatch(line) for line in after[1:]):
            return list(lines[:index])
    return list(lines)
