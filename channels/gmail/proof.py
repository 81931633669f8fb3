"""Whether Gmail found that a mail comes from the domain in its From line.

A From line proves nothing. What does is the receiving server's own word (RFC 8601): the mail's first
``Authentication-Results``, for servers add theirs on top, and under Gmail's name. DMARC decides where the domain has a
policy; else SPF or DKIM of the very domain, or of one above it, has to have passed. What is odd proves nothing.
"""

from __future__ import annotations

import re

from channels.gmail.headers import normalised
from channels.gmail.mail import Mail

GMAIL = "mx.google.com"

_RESULT = re.compile(r"\s*([a-z0-9.-]+)\s*=\s*([a-z]+)\b(.*)", re.IGNORECASE | re.DOTALL)
_PROPERTY = re.compile(r"([a-z]+\.[a-z-]+)\s*=\s*(\S+)", re.IGNORECASE)


def proven(mail: Mail) -> bool:
    """Whether the From address's domain sent the mail."""
    if mail.sender is None:
        return False
    domain = mail.sender.address.rpartition("@")[2]
    parts = _plain(mail.header("authentication-results"))
    if parts is None or parts[0].split()[:1] != [GMAIL]:
        return False
    results = [found for part in parts[1:] if (found := _RESULT.fullmatch(part))]
    policies = [one for one in results if one[1].lower() == "dmarc"]
    if policies:
        return all(one[2].lower() == "pass" and _names(one[3], "header.from", domain) for one in policies)
    return any(
        one[2].lower() == "pass"
        and (
            (one[1].lower() == "dkim" and _covers(one[3], ("header.d", "header.i"), domain))
            or (one[1].lower() == "spf" and _covers(one[3], ("smtp.mailfrom",), domain))
        )
        for one in results
    )


def _plain(value: str) -> list[str] | None:
    """The parts between semicolons, without comments and quoted texts, where a sender may write what they like.

    ``None`` for a value in which they don't end.
    """
    kept: list[str] = []
    depth, quoted, escaped = 0, False, False
    for letter in value:
        if escaped:
            escaped = False
        elif letter == "\\" and (depth or quoted):
            escaped = True
        elif quoted:
            quoted = letter != '"'
        elif letter == "(":
            depth += 1
        elif letter == ")":
            if not depth:
                return None
            depth -= 1
        elif not depth and letter == '"':
            quoted = True
            kept.append('"')  # a quoted text is no domain and no address of ours to compare
        elif not depth:
            kept.append(letter)
    return None if depth or quoted or escaped else "".join(kept).split(";")


def _properties(rest: str) -> dict[str, str]:
    return {name.lower(): normalised(value) for name, value in _PROPERTY.findall(rest)}


def _names(rest: str, name: str, domain: str) -> bool:
    return _properties(rest).get(name) == domain


def _covers(rest: str, names: tuple[str, ...], domain: str) -> bool:
    found = _properties(rest)
    signers = [found[name].rpartition("@")[2] for name in names if name in found]
    return any("." in signer and (domain == signer or domain.endswith(f".{signer}")) for signer in signers)
