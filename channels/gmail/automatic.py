# ruff: noqa: RUF001 - words of many languages
"""Who wrote: a person, a machine that answers, a mail server that gave up, or a list that writes to everybody.

Only a person's mail is answered. Two machines that thank each other for their mails would never stop, so each sign is
enough by itself (RFC 3834 and what programs did before it).
"""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import Enum

from channels.gmail.mail import Mail

OWN_MARK = "X-Csagent-Auto"
"""A header of every mail that an agent of this product wrote, anywhere."""

_ROBOTS = re.compile(
    r"(?:no|do[._-]?not|not)[._-]?(?:reply|respond|answer)(?:[._+-].*)?|(?:auto|bounces?)[._+-].+", re.IGNORECASE
)
_SERVERS = re.compile(
    r"(?:mailer[._-]?daemon|postmaster)(?:[._+-].*)?|mail[._-]?delivery[._-]?(?:sub)?system", re.IGNORECASE
)
_FAILED_SUBJECT = re.compile(
    r"\s*(?:undeliver(?:able|ed)|delivery (?:status notification|failure|has failed|incomplete)|"
    r"mail delivery (?:failed|system)|returned mail|failure notice|"
    r"unzustellbar|nicht zustellbar|non remis|no se puede entregar|onbestelbaar)",
    re.IGNORECASE,
)
_ABSENT_SUBJECT = re.compile(
    r"\s*(?:(?:re|aw|sv|vs|antw|r)\s?: ?)?(?:"
    r"automatic reply|auto[- ]?reply|autoreply|auto[- ]?response|automated (?:reply|response)|"
    r"out of (?:the )?office(?=\s*(?:$|[:\[(–-]|auto|re:|reply|until|from|notification|message))|"
    r"(?:on|away on) (?:vacation|holiday|annual leave)\s*(?:$|[:–-])|vacation (?:reply|response|responder)|"
    r"automatische antwort|abwesenheits(?:notiz|nachricht|meldung|assistent)|abwesend\s*:|"
    r"réponse automatique|absence du bureau|(?:message|avis) d['’]absence|"
    r"respuesta automática|fuera de la oficina|risposta automatica|fuori sede|resposta automática|ausência temporária|"
    r"automatisch antwoord|afwezigheidsbericht|autosvar|automatiskt? svar|fraværsbesked|frånvarande\s*:|"
    r"automaattinen vastaus|poissaoloviesti|"
    r"autoodpowiedź|odpowiedź automatyczna|automatická odpověď|automatikus válasz|"
    r"răspuns automat|автоматический ответ|автоответ|автоматична відповідь|otomatik (?:yanıt|cevap)|αυτόματη απάντηση|"
    r"自动回复|自動回覆|自動応答|自動返信|부재중|자동 회신|رد تلقائي|מענה אוטומטי)",
    re.IGNORECASE,
)
_SUPPRESSES_ANSWERS = frozenset(("all", "oof", "autoreply"))
_ANSWERING_HEADERS = ("x-autoreply", "x-autorespond", "x-auto-reply", "x-autoreply-from", "x-mail-autoreply", "x-ooo")
_LIST_HEADERS = ("list-id", "list-unsubscribe", "list-post", "list-help", "feedback-id")


class Kind(Enum):
    """What kind of writer a mail has."""

    PERSON = "person"
    AUTOMATIC = "automatic"
    """A machine: an out-of-office note, a confirmation, a receipt, another agent."""
    BOUNCE = "bounce"
    BULK = "bulk"


@dataclass(frozen=True, slots=True)
class Judgement:
    """The kind, and the sign that told it, for whoever asks why a mail was not answered."""

    kind: Kind
    reason: str


def judge(mail: Mail, *, own_lists: AbstractSet[str] = frozenset()) -> Judgement:
    """Say who wrote a mail.

    Args:
        mail: as it was read.
        own_lists: List-Ids through which the company's own customers write (a Google group as support address, say),
            without angle brackets, in lower case. Mail through them is a person's, unless another sign says otherwise.
    """
    return (
        _bounce(mail)
        or _marked(mail)
        or _bulk(mail, own_lists)
        or _robot(mail)
        or Judgement(Kind.PERSON, "nothing says otherwise")
    )


def _bounce(mail: Mail) -> Judgement | None:
    if mail.bounce is not None:
        return Judgement(Kind.BOUNCE, "a delivery report")
    if mail.report is not None:
        return Judgement(Kind.AUTOMATIC, f"a report: {mail.report}")
    if mail.sender is not None and _SERVERS.fullmatch(_local(mail.sender.address)):
        return Judgement(Kind.BOUNCE, f"sent by {_local(mail.sender.address)}")
    if mail.null_sender and _FAILED_SUBJECT.match(mail.subject):
        return Judgement(Kind.BOUNCE, "an empty return path and a subject that says so")
    return None


def _marked(mail: Mail) -> Judgement | None:
    submitted = mail.header("auto-submitted").partition(";")[0].strip().lower()[:50]
    answering = next((name for name in _ANSWERING_HEADERS if mail.header(name).strip().lower() not in {"", "no"}), "")
    suppressed = {word.strip().lower() for word in mail.header("x-auto-response-suppress").split(",")}
    precedence = _precedence(mail)
    signs = {
        "written by an agent of this product": bool(mail.header(OWN_MARK)),
        f"Auto-Submitted: {submitted}": submitted not in {"", "no"},
        f"{answering} is set": bool(answering),
        "X-Auto-Response-Suppress asks for no answer": bool(suppressed & _SUPPRESSES_ANSWERS),
        f"Precedence: {precedence}": precedence in {"auto_reply", "auto-reply"},
        "a subject of automatic replies": bool(_ABSENT_SUBJECT.match(mail.subject)),
    }
    return next((Judgement(Kind.AUTOMATIC, reason) for reason, holds in signs.items() if holds), None)


def _bulk(mail: Mail, own_lists: AbstractSet[str]) -> Judgement | None:
    name = mail.header("list-id").rpartition("<")[2].strip(" >").lower()
    if name and name in own_lists:
        return None
    precedence = _precedence(mail)
    if precedence in {"bulk", "junk", "list"}:
        return Judgement(Kind.BULK, f"Precedence: {precedence}")
    listed = next((name for name in _LIST_HEADERS if mail.header(name)), None)
    return Judgement(Kind.BULK, f"{listed} is set") if listed else None


def _robot(mail: Mail) -> Judgement | None:
    if mail.null_sender:
        return Judgement(Kind.AUTOMATIC, "an empty return path")
    if mail.sender is None or not is_robot(mail.sender.address):
        return None
    answerable = [other for other in mail.reply_to if not is_robot(other.address)]
    if answerable:
        return None  # a contact form that mails on behalf of a customer
    return Judgement(Kind.AUTOMATIC, f"sent by {_local(mail.sender.address)}")


def is_robot(address: str) -> bool:
    """Whether an address says of itself that nobody reads what is sent to it."""
    return _ROBOTS.fullmatch(_local(address)) is not None


def _precedence(mail: Mail) -> str:
    return mail.header("precedence").strip().lower()[:20]


def _local(address: str) -> str:
    return address.rpartition("@")[0]
