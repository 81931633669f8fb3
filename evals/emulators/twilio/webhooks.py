"""Signed requests to us, as Twilio makes them: a customer's message, and what became of ours."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from urllib.parse import urlencode

import httpx

from evals.emulators.twilio.ledger import PREFIX
from evals.emulators.twilio.resources import VERSION, Message

CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 15.0
"""Seconds, Twilio's own."""


@dataclass(frozen=True, slots=True)
class Posted:
    """A webhook that went out."""

    url: str
    parameters: dict[str, str]
    status: int | None
    """The answer's; ``None`` when there was none."""


def signature(token: str, url: str, parameters: dict[str, str]) -> str:
    """Twilio's signature, made here without the SDK that checks it."""
    signed = url + "".join(f"{name}{parameters[name]}" for name in sorted(parameters))
    return base64.b64encode(hmac.new(token.encode(), signed.encode(), hashlib.sha1).digest()).decode()


def inbound_parameters(message: Message, base_url: str, *, profile: str, extra: dict[str, str]) -> dict[str, str]:
    """What the webhook for messages carries."""
    address = message.from_.removeprefix(PREFIX)
    kind = message.media[0].content_type.partition("/")[0] if message.media else "text"
    parameters = {
        "AccountSid": message.account_sid,
        "ApiVersion": VERSION,
        "Body": message.body,
        "From": message.from_,
        "MessageSid": message.sid,
        "MessageType": kind,
        "NumMedia": str(len(message.media)),
        "NumSegments": "1",
        "ProfileName": profile,
        "ReferralNumMedia": "0",
        "SmsMessageSid": message.sid,
        "SmsSid": message.sid,
        "SmsStatus": "received",
        "To": message.to,
    }
    if address.startswith("+"):
        parameters["WaId"] = address[1:]
    else:
        parameters["ExternalUserId"] = address
    for index, media in enumerate(message.media):
        parameters[f"MediaUrl{index}"] = f"{base_url}{message.uri}/Media/{media.sid}"
        parameters[f"MediaContentType{index}"] = media.content_type
    return {**parameters, **extra}


def status_parameters(message: Message, status: str, error_code: int | None) -> dict[str, str]:
    """What the webhook for statuses carries."""
    parameters = {
        "AccountSid": message.account_sid,
        "ApiVersion": VERSION,
        "ChannelPrefix": PREFIX.rstrip(":"),
        "ChannelToAddress": message.to.removeprefix(PREFIX),
        "From": message.from_,
        "MessageSid": message.sid,
        "MessageStatus": status,
        "SmsSid": message.sid,
        "SmsStatus": status,
        "To": message.to,
    }
    if message.messaging_service_sid is not None:
        parameters["MessagingServiceSid"] = message.messaging_service_sid
    if status in {"delivered", "read"}:
        parameters["EventType"] = status.upper()
    if error_code is not None:
        parameters |= {"ErrorCode": str(error_code), "ChannelStatusMessage": f"Error {error_code}"}
    return parameters


class Poster:
    """Sends webhooks.

    Args:
        token: the account's auth token, which signs.
        proxy: a public URL's beginning and where it leads on this machine. The public one is signed.
    """

    def __init__(self, token: str, proxy: tuple[str, str] | None) -> None:
        self._token = token
        self._proxy = proxy
        self._http = httpx.Client(timeout=httpx.Timeout(READ_TIMEOUT, connect=CONNECT_TIMEOUT), trust_env=False)

    def post(
        self, url: str, parameters: dict[str, str], *, signed: str | None = None, truncated: bool = False
    ) -> Posted:
        """Send one; ``signed`` takes the place of the true signature."""
        body = urlencode(parameters)
        headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
            "I-Twilio-Idempotency-Token": hashlib.sha256(body.encode()).hexdigest(),
            "User-Agent": "TwilioProxy/1.1",
            "X-Twilio-Signature": signature(self._token, url, parameters) if signed is None else signed,
        }
        try:
            answer = self._http.post(
                self._placed(url), content=body[: len(body) // 2] if truncated else body, headers=headers
            )
        except (httpx.HTTPError, httpx.InvalidURL):
            return Posted(url, parameters, None)
        return Posted(url, parameters, answer.status_code)

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def _placed(self, url: str) -> str:
        if self._proxy is None or not url.startswith(self._proxy[0]):
            return url
        return self._proxy[1] + url.removeprefix(self._proxy[0])
