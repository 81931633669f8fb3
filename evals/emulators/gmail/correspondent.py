"""Customers' machines that answer by themselves, for tests of mail loops."""

from __future__ import annotations

from email.message import EmailMessage
from email.utils import make_msgid

from evals.emulators.gmail.mailbox import Sent


def out_of_office(sent: Sent, *, marked: bool = True) -> bytes:
    """What a machine at the other end answers to a mail.

    Args:
        sent: what it got.
        marked: whether it says that it is a machine (RFC 3834). Plenty don't.
    """
    answer = EmailMessage()
    answer["From"] = sent.identity.recipients[0]
    answer["To"] = sent.identity.sender
    answer["Subject"] = f"Re: {sent.identity.subject}"
    answer["Message-ID"] = make_msgid(domain="correspondent.example")
    if sent.identity.message_id:
        answer["In-Reply-To"] = answer["References"] = sent.identity.message_id
    if marked:
        answer["Auto-Submitted"] = "auto-replied"
    answer.set_content("I am away from my desk and will read your mail when I am back.\n")
    return answer.as_bytes()
