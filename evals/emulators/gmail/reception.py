"""What Gmail writes on top of a mail that comes in: where it came from, and what it found about the sender.

Shapes as Google's servers write them; the results are the test's to choose.
"""

from __future__ import annotations

from dataclasses import dataclass
from email import message_from_bytes
from email.utils import formatdate
from typing import Literal

from evals.emulators.gmail.identity import identity

Result = Literal["pass", "fail", "none"]


@dataclass(frozen=True, slots=True)
class Found:
    """What Gmail found. ``None`` is a result that it does not write: no policy, no signature.

    Attributes:
        dmarc: whether the From domain's policy was met.
        spf: whether the sending server may send for the envelope's domain.
        dkim: whether a signature held.
        domain: of envelope and signature; the From address's unless given.
        null_sender: whether the envelope had the empty sender, as reports have.
    """

    dmarc: Result | None = "pass"
    spf: Result = "pass"
    dkim: Result | None = "pass"
    domain: str = ""
    null_sender: bool = False


def received(raw: bytes, found: Found | None = None) -> bytes:
    """The mail as it lies in the mailbox."""
    said, checked = identity(message_from_bytes(raw)), found or Found()
    writer = said.sender.rpartition("@")[2] or "sender.example"
    domain = checked.domain or writer
    envelope = "" if checked.null_sender else f"bounces@{domain}"
    recipient = next(iter(said.recipients), "support@shop.example")
    results = [f"spf={checked.spf} (google.com: domain of {envelope or domain}) smtp.mailfrom={envelope or domain}"]
    if checked.dkim is not None:
        results.insert(0, f"dkim={checked.dkim} header.i=@{domain} header.s=s1 header.b=Ab1")
    if checked.dmarc is not None:
        results.append(f"dmarc={checked.dmarc} (p=REJECT sp=REJECT dis=NONE) header.from={writer}")
    lines = [
        f"Delivered-To: {recipient}",
        f"Received: by 2002:a05:6000:1 with SMTP id a1csp1; {formatdate()}",
        f"Return-Path: <{envelope}>",
        f"Received: from mail.{domain} (mail.{domain}. [203.0.113.7])",
        f"        by mx.google.com with ESMTPS id b2si1 for <{recipient}>; {formatdate()}",
        f"Received-SPF: {checked.spf} (google.com: domain of {envelope or domain}) client-ip=203.0.113.7;",
        "Authentication-Results: mx.google.com;",
        *(f"       {result}{';' if result is not results[-1] else ''}" for result in results),
    ]
    return "".join(f"{line}\r\n" for line in lines).encode() + raw
