"""Which messages there are, who wrote when, who opted out, and whether a message may be created."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from evals.emulators.twilio.faults import Life, failing
from evals.emulators.twilio.resources import Media, Message

PREFIX = "whatsapp:"
WINDOW = timedelta(hours=24)
LONGEST_BODY = 1_600

_PARAMETERS = frozenset(
    {"To", "From", "MessagingServiceSid", "FallbackFrom", "Body", "MediaUrl", "ContentSid", "ContentVariables"}
    | {"StatusCallback", "ApplicationSid", "MaxPrice", "ProvideFeedback", "Attempt", "ValidityPeriod", "ForceDelivery"}
    | {"ContentRetention", "AddressRetention", "SmartEncoded", "PersistentAction", "TrafficType", "ShortenUrls"}
    | {"ScheduleType", "SendAt", "SendAsMms", "MessageIntent", "RiskCheck"}
)
_ADDRESS = re.compile(r"whatsapp:(?:\+[1-9]\d{5,17}|[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128})", re.ASCII)
_URL = re.compile(r"https?://\S+")


class RefusedError(Exception):
    """A request that Twilio would not carry out."""

    def __init__(self, code: int, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


@dataclass
class Ledger:
    """Everything that an account at Twilio knows. Methods may be called from any thread."""

    account_sid: str
    number: str
    clock: Callable[[], datetime]
    templates: dict[str, str] = field(default_factory=dict)
    """Approved content templates by SID; ``{{1}}`` in a body is a variable."""
    messages: list[Message] = field(default_factory=list)
    heard: dict[str, datetime] = field(default_factory=dict)
    """When each customer last wrote."""
    opted_out: set[str] = field(default_factory=set)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def create(self, form: Mapping[str, Sequence[str]], life: Life) -> tuple[Message, Life]:
        """Take a message, and say what becomes of it: ``life``, unless WhatsApp would not have it.

        Raises:
            RefusedError: Twilio refuses it at once.
        """
        one = {name: values[0] for name, values in form.items()}
        self._check(form, one)
        content_sid = one.get("ContentSid")
        body = one.get("Body", "") if content_sid is None else self._rendered(content_sid, one.get("ContentVariables"))
        with self.lock:
            message = Message(
                account_sid=self.account_sid,
                direction="outbound-api",
                from_=one.get("From", PREFIX + self.number),
                to=one["To"],
                body=body,
                created=self.clock().replace(microsecond=0),
                status="accepted" if "MessagingServiceSid" in one else "queued",
                messaging_service_sid=one.get("MessagingServiceSid"),
                content_sid=content_sid,
                status_callback=one.get("StatusCallback"),
                media_urls=tuple(form.get("MediaUrl", ())),
            )
            self.messages.append(message)
            return message, life if content_sid or self._window_open(one["To"]) else failing(63016)

    def receive(self, sender: str, text: str, media: tuple[Media, ...]) -> Message:
        """Take a customer's message, which opens the window."""
        with self.lock:
            now = self.clock()
            message = Message(
                account_sid=self.account_sid,
                direction="inbound",
                from_=sender,
                to=PREFIX + self.number,
                body=text,
                created=now.replace(microsecond=0),
                status="received",
                media=media,
                sent=now.replace(microsecond=0),
            )
            self.messages.append(message)
            self.heard[sender] = now
            return message

    def report(self, message: Message, status: str, error_code: int | None) -> None:
        """Set a message's status."""
        with self.lock:
            message.status, message.error_code = status, error_code
            message.updated = self.clock().replace(microsecond=0)
            message.sent = message.sent or message.updated

    def find(self, sid: str) -> Message | None:
        """The message of that SID."""
        with self.lock:
            return next((message for message in self.messages if message.sid == sid), None)

    def listed(self, asked: Mapping[str, str]) -> list[Message]:
        """Messages that fit the filters, newest first.

        Raises:
            RefusedError: a date can't be read.
        """
        with self.lock:
            return [
                message
                for message in reversed(self.messages)
                if asked.get("To", message.to) == message.to
                and asked.get("From", message.from_) == message.from_
                and all(_sent_fits(message, bound, asked[f"DateSent{bound}"]) for bound in _bounds(asked))
            ]

    def _window_open(self, to: str) -> bool:
        heard = self.heard.get(to)
        return heard is not None and self.clock() - heard < WINDOW

    def _check(self, form: Mapping[str, Sequence[str]], one: Mapping[str, str]) -> None:  # noqa: C901 - a list of rules
        unknown = set(form) - _PARAMETERS
        if unknown:
            raise RefusedError(20001, f"Unknown parameters: {', '.join(sorted(unknown))}")
        if not one.get("To"):
            raise RefusedError(21604, "A 'To' phone number is required.")
        if not one.get("From") and not one.get("MessagingServiceSid"):
            raise RefusedError(21603, "A 'From' phone number is required.")
        if not _ADDRESS.fullmatch(one["To"]):
            raise RefusedError(21211, f"The 'To' number {one['To']} is not a valid phone number.")
        sender = one.get("From", PREFIX + self.number)
        if not sender.startswith(PREFIX):
            raise RefusedError(21910, "Invalid From and To pair. From and To should be of the same channel")
        if sender != PREFIX + self.number:
            raise RefusedError(63007, "Twilio could not find a Channel with the specified From address")
        if "ContentSid" not in one and not one.get("Body") and not one.get("MediaUrl"):
            raise RefusedError(21619, "A text message body or media urls must be specified.")
        if len(one.get("Body", "")) > LONGEST_BODY:
            raise RefusedError(21617, "The concatenated message body exceeds the 1600 character limit")
        if any(not _URL.fullmatch(url) for url in (*form.get("MediaUrl", ()), *form.get("StatusCallback", ()))):
            raise RefusedError(21609, "The 'StatusCallback' URL is not a valid URL.")
        with self.lock:
            if one["To"] in self.opted_out:
                raise RefusedError(21610, "Attempt to send to unsubscribed recipient")

    def _rendered(self, sid: str, variables: str | None) -> str:
        body = self.templates.get(sid)
        if body is None:
            raise RefusedError(21655, "The ContentSid is invalid.")
        try:
            values = json.loads(variables or "{}")
        except ValueError:
            values = None
        if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
            raise RefusedError(21656, "The ContentVariables parameter is invalid.")
        if any(re.search(r"[\n\t]| {5}", value) for value in values.values()):
            raise RefusedError(21656, "The ContentVariables parameter is invalid.")
        return re.sub(r"\{\{(\w+)\}\}", lambda found: values.get(found[1], found[0]), body)


def _bounds(asked: Mapping[str, str]) -> list[str]:
    return [bound for bound in ("", "<", ">") if f"DateSent{bound}" in asked]


def _sent_fits(message: Message, bound: str, text: str) -> bool:
    """Whether a message was sent then; a bound takes in the moment, or the whole day if it names a day."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise RefusedError(20001, f"DateSent{bound} is no date: {text}") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    if message.sent is None:
        return False
    match bound:
        case "<":
            return (
                message.sent < moment + timedelta(days=1) if len(text) == len("2026-01-31") else message.sent <= moment
            )
        case ">":
            return message.sent >= moment
        case _:
            return message.sent.date() == moment.date()
