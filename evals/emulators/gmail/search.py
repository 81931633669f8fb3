"""The part of Gmail's query language that is understood. Anything else is refused, rather than answered wrongly.

    in:inbox|sent|drafts|spam|trash|anywhere   is:unread|read|starred   from:ADDRESS   to:ADDRESS
    after:DAY|SECONDS   before:DAY|SECONDS   newer_than:7d   older_than:1m   rfc822msgid:ID

Each may be negated by ``-``; all of them have to hold. A day is ``2026/11/23`` (UTC).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

from evals.emulators.gmail.message import Mail
from evals.emulators.gmail.refusals import invalid_argument

Test = Callable[[Mail], bool]

_PLACES = {"inbox": "INBOX", "sent": "SENT", "drafts": "DRAFT", "draft": "DRAFT", "spam": "SPAM", "trash": "TRASH"}
_SECONDS = {"d": 86_400, "m": 30 * 86_400, "y": 365 * 86_400}
_HIDDEN = frozenset({"SPAM", "TRASH"})


def query(q: str, now: float, *, hidden: bool) -> Test:
    """What a mail has to be like.

    Args:
        q: the words, parted by blanks.
        now: in seconds since the epoch.
        hidden: whether spam and trash are looked at too.

    Raises:
        Refusal: there is a word in it that this can't look for.
    """
    words = q.split()
    tests = [_term(word.removeprefix("-"), now, wanted=not word.startswith("-")) for word in words]
    if not hidden and not {"in:anywhere", "in:spam", "in:trash"} & set(words):
        tests.append(lambda mail: not _HIDDEN & mail.labels)
    return lambda mail: all(test(mail) for test in tests)


def _term(word: str, now: float, *, wanted: bool) -> Test:
    name, _, value = word.partition(":")
    test = _test(name.lower(), value, now) if value else None
    if test is None:
        raise invalid_argument(f"The emulator can't search for '{word}': see evals/emulators/gmail/search.py")
    return lambda mail: test(mail) is wanted


def _test(name: str, value: str, now: float) -> Test | None:
    match name:
        case "in" | "is":
            return _place(name, value.lower())
        case "from":
            return lambda mail: value.lower() in mail.identity.sender
        case "to":
            return lambda mail: any(value.lower() in address for address in mail.identity.recipients)
        case "rfc822msgid":
            return lambda mail: (mail.identity.message_id or "").strip("<>") == value.strip("<>")
        case "after" | "before" | "newer_than" | "older_than":
            return _time(name, value, now)
        case _:
            return None


def _place(name: str, value: str) -> Test | None:
    if (name, value) == ("in", "anywhere"):
        return lambda mail: True  # noqa: ARG005 - every mail
    if (name, value) == ("is", "read"):
        return lambda mail: "UNREAD" not in mail.labels
    label = _PLACES.get(value) if name == "in" else {"unread": "UNREAD", "starred": "STARRED"}.get(value)
    return (lambda mail: label in mail.labels) if label else None


def _time(name: str, value: str, now: float) -> Test | None:
    moment = _ago(value, now) if name.endswith("_than") else _moment(value)
    if moment is None:
        return None
    if name in {"after", "newer_than"}:
        return lambda mail: mail.at_ms >= moment * 1_000
    return lambda mail: mail.at_ms < moment * 1_000


def _ago(value: str, now: float) -> float | None:
    found = re.fullmatch(r"(\d{1,5})([dmy])", value)
    return now - int(found[1]) * _SECONDS[found[2]] if found else None


def _moment(value: str) -> float | None:
    if re.fullmatch(r"\d{9,11}", value):
        return float(value)
    try:
        return datetime.strptime(value.replace("-", "/"), "%Y/%m/%d").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
