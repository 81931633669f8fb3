"""What Twilio's error codes mean for a message: why it was refused, and whether it may be taken later.

The codes come in two ways: in the answer to a request, and in a status long after a 201. Both are read here. Codes that
speak of our own set-up (a wrong token, a sender that is not ours) are worth another attempt: nothing was sent, and the
set-up can be put right meanwhile. Every code is explained at https://www.twilio.com/docs/api/errors.
"""

from __future__ import annotations

from channels.envelope import Refused

WINDOW_CLOSED = "window_closed"
INVITED = "window_closed_invited"
"""The window is closed and a template asked the customer to write; the text itself was not sent."""

OPTED_OUT = "opted_out"
NO_FILES = "files_cannot_be_sent"
"""Twilio fetches a file from a public address, and there is none."""
FILE_TOO_LARGE = "file_too_large"
NO_CODE_TEMPLATE = "no_code_template"
PASSING = frozenset({63018})
"""Failures long after a 201 that pass by themselves, so that the text may go out again."""

_REASONS: dict[int, tuple[str, bool]] = {
    20003: ("not_authorised", True),
    20004: ("not_authorised", True),
    20005: ("account_suspended", True),
    20404: ("account_not_found", True),
    20429: ("rate_limited", True),
    21211: ("invalid_address", False),
    21212: ("invalid_sender", True),
    21408: ("country_not_enabled", False),
    21601: ("invalid_sender", True),
    21602: ("empty_text", False),
    21603: ("invalid_sender", True),
    21604: ("invalid_address", False),
    21606: ("invalid_sender", True),
    21609: ("invalid_status_callback", True),
    21610: ("opted_out", False),
    21611: ("queue_full", True),
    21614: ("invalid_address", False),
    21617: ("text_too_long", False),
    21619: ("empty_text", False),
    21654: ("invalid_template", False),
    21655: ("invalid_template", False),
    21656: ("invalid_template", False),
    21658: ("text_too_long", False),
    21701: ("invalid_sender", True),
    21703: ("invalid_sender", True),
    63003: ("invalid_address", False),
    63007: ("invalid_sender", True),
    63010: ("channel_failed", False),
    63013: ("policy_violation", False),
    63015: ("not_in_sandbox", False),
    63016: (WINDOW_CLOSED, False),
    63018: ("rate_limited", True),
    63019: ("media_failed", False),
    63024: ("not_on_whatsapp", False),
    63032: ("limited_by_whatsapp", False),
    63033: ("blocked_by_customer", False),
    63038: ("daily_limit", True),
    63049: ("limited_by_whatsapp", False),
}


def refusal(code: object, status: int = 400) -> Refused:
    """What a code says; one that we don't know is final, except with HTTP status 401, 403 or 429."""
    if isinstance(code, int) and code in _REASONS:
        reason, retry = _REASONS[code]
        return Refused(f"{reason} ({code})", retry)
    if status == 429:  # noqa: PLR2004 - too many requests
        return Refused("rate_limited (429)", retry=True)
    if status in {401, 403}:
        return Refused(f"not_authorised ({code or status})", retry=True)
    return Refused(f"refused ({code or status})", retry=False)
