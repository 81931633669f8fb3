"""The checks of ``csagent doctor`` of the channels that need a provider: what is set, and whether it can work."""

from __future__ import annotations

from urllib.parse import urlsplit

from api.commands.finding import Finding, failed, ok, warning
from api.terms import build_whatsapp_signature
from infra.settings import Settings
from skills.errors import ConfigurationError


def check_whatsapp(settings: Settings) -> Finding:
    """Whether WhatsApp is set up, and whether Twilio could reach it. Twilio itself is not asked."""
    whatsapp = settings.whatsapp
    if whatsapp.account_sid is None:
        return ok("whatsapp", "not set up: there is no such channel; docs/channels/whatsapp.md says how")
    try:
        build_whatsapp_signature(settings)
    except ConfigurationError as problem:
        return failed("whatsapp", problem)
    public_url = whatsapp.public_url or settings.public_url or ""
    found = f"{whatsapp.number}, webhooks at {public_url.rstrip('/')}/v1/whatsapp/…"
    if urlsplit(public_url).scheme != "https":
        return warning("whatsapp", found, "Twilio asks for https where it is not told otherwise")
    if whatsapp.template_sid is None:
        return warning(
            "whatsapp",
            f"{found}; no template",
            "answers later than 24 hours fail without one: CSAGENT_WHATSAPP__TEMPLATE_SID",
        )
    return ok("whatsapp", found)
