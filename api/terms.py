"""The terms that the parts of the product work under, made of the settings: keys, limits, times, addresses.

Beside ``api.wiring``, which puts the parts together.
"""

from __future__ import annotations

from datetime import timedelta

from pydantic import BaseModel

from api.jobs import Retention
from api.staff_door import OIDC_BACK
from channels.attachments import Limits
from channels.web.origins import Origins
from channels.whatsapp.signature import WebhookSignature
from infra.crypto.keyring import Keyring, decode_key
from infra.postgres.alerts import AlertTerms
from infra.postgres.connections import Demand
from infra.postgres.life import Life, SurveyTerms
from infra.postgres.pace import Pace
from infra.postgres.verification import CodeLimits
from infra.settings import Settings
from infra.staff.oidc import Client
from skills.errors import ConfigurationError
from skills.respond import SmallTalk, small_talk_in


def build_file_limits(settings: Settings) -> Limits:
    """How much is taken with one message."""
    files = settings.files
    return Limits(file_bytes=files.file_bytes, total_bytes=files.total_bytes, count=files.count)


def connection_demand(settings: Settings) -> Demand:
    """The connections that all processes may want together."""
    return Demand(settings.database_processes, settings.database_pool, listening=settings.redis_url is None)


def build_pace(settings: Settings) -> Pace:
    """How quickly turns may follow each other."""
    pace = settings.pace
    return Pace(every=timedelta(seconds=pace.seconds), burst=pace.burst, cases_an_hour=pace.cases_an_hour)


def build_origins(settings: Settings) -> Origins:
    """Where the chat may be embedded.

    Raises:
        ConfigurationError: the public address is none.
    """
    try:
        return Origins(settings.chat.origins, settings.public_url)
    except ValueError:
        raise ConfigurationError(
            "CSAGENT_PUBLIC_URL can't be used", hint="write it like https://support.example"
        ) from None


def build_inbox_origins(settings: Settings) -> Origins:
    """Where an Agent Inbox of the staff's is opened, besides our own address."""
    return Origins(settings.staff.inbox_origins)


def build_code_limits(settings: Settings) -> CodeLimits:
    """How often one-time codes may be asked for and tried, and how long one counts."""
    rules = settings.identity
    return CodeLimits(
        life=timedelta(minutes=rules.code_minutes),
        tries=rules.code_tries,
        an_hour_to_address=rules.codes_an_hour_to_address,
        a_day_to_address=rules.codes_a_day_to_address,
        an_hour_from_talk=rules.codes_an_hour_from_talk,
        an_hour=rules.codes_an_hour,
    )


def build_retention(settings: Settings) -> Retention:
    """How long what is kept."""
    kept = settings.retention
    return Retention(
        idle_thread=timedelta(days=kept.idle_thread_days),
        case=timedelta(days=kept.case_days),
        event_months=kept.event_months,
        folder=kept.archive_folder,
        hour=kept.archive_hour,
    )


def build_life(settings: Settings) -> Life:
    """When cases end by themselves, and what is asked then."""
    life, survey, minutes = settings.life, settings.survey, settings.alerts.minutes
    return Life(
        follow_up=_hours(life.follow_up_hours),
        silence=_hours(life.silence_hours),
        owner_silence=timedelta(hours=life.owner_silence_hours),
        reopen=timedelta(days=life.reopen_days),
        surveys=SurveyTerms(
            channels=frozenset(survey.channels if survey.enabled else ()),
            delay=timedelta(minutes=survey.delay_minutes),
            apart=timedelta(days=survey.apart_days),
        ),
        deadlines={name.upper(): timedelta(minutes=length) for name, length in minutes.model_dump().items()},
    )


def build_alert_terms(settings: Settings) -> AlertTerms:
    """When the staff are told."""
    rules = settings.alerts
    return AlertTerms(
        mail=rules.smtp_url is not None,
        warn_share=rules.warn_share,
        at_once=rules.at_once,
        idle_claim=timedelta(minutes=rules.idle_claim_minutes),
        owned=timedelta(minutes=rules.owned_minutes),
        give_up=timedelta(hours=rules.give_up_hours),
        keep=timedelta(days=rules.keep_days),
    )


def _hours(by_channel: BaseModel) -> dict[str, timedelta]:
    return {channel: timedelta(hours=hours) for channel, hours in by_channel.model_dump().items()}


_NO_COURTESY = frozenset("?\u00bf\uff1f\u061f👎😡😠🤬😤😢😭😞🤮🖕")
"""Who asks or is angry says more than thanks."""


def is_courtesy(text: str) -> bool:
    """Whether a message is nothing but thanks or a goodbye, which reopen nothing."""
    return not _NO_COURTESY.intersection(text) and small_talk_in(text) in {SmallTalk.THANKS, SmallTalk.GOODBYE}


def build_keyring(settings: Settings) -> Keyring:
    """The keys that the settings hold.

    Raises:
        ConfigurationError: one is missing or malformed.
    """
    if settings.index_key is None or not settings.master_keys:
        raise ConfigurationError(
            "CSAGENT_MASTER_KEYS and CSAGENT_INDEX_KEY are not set",
            hint="`csagent up` makes them for one machine; elsewhere take them from your vault",
        )
    masters = {name: decode_key(name, key.get_secret_value()) for name, key in settings.master_keys.items()}
    return Keyring(masters, decode_key("CSAGENT_INDEX_KEY", settings.index_key.get_secret_value()))


def build_whatsapp_signature(settings: Settings) -> WebhookSignature | None:
    """What checks Twilio's webhooks; ``None`` while WhatsApp is not set up.

    Raises:
        ConfigurationError: nobody knows the address that Twilio signs.
    """
    if settings.whatsapp.account_sid is None:
        return None
    public_url = settings.whatsapp.public_url or settings.public_url
    if public_url is None:
        raise ConfigurationError(
            "WhatsApp is set up, but not the address under which Twilio reaches us",
            hint="set CSAGENT_PUBLIC_URL, or CSAGENT_WHATSAPP__PUBLIC_URL",
        )
    return WebhookSignature(public_url=public_url, secrets=settings.whatsapp.tokens)


def build_oidc_client(settings: Settings) -> Client | None:
    """Who we are at the staff's OpenID provider; ``None`` while there is none."""
    told = settings.staff.oidc
    if told.issuer is None or told.client_id is None or told.client_secret is None:
        return None
    base = (settings.public_url or f"http://{settings.host}:{settings.port}").rstrip("/")
    return Client(
        issuer=told.issuer,
        client_id=told.client_id,
        secret=told.client_secret.get_secret_value(),
        redirect_uri=f"{base}{OIDC_BACK}",
        scopes=told.scopes,
        name_claim=told.name_claim,
        roles_claim=told.roles_claim,
        roles=told.roles,
    )
