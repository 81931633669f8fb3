"""Settings: from the environment and ``.env``, prefix ``CSAGENT_``, plus the usual names of servers and keys.

Only ``api.wiring`` and the commands read them. Groups are nested with two underscores: ``CSAGENT_WORKER__SLOTS=40``.
"""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AliasChoices, BaseModel, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict, SettingsError

from infra.alert_settings import AlertSettings
from infra.channel_settings import ChatSettings, GmailSettings, WhatsAppSettings
from infra.staff_settings import ReviewSettings, StaffSettings
from infra.status_settings import StatusSettings
from skills.errors import ConfigurationError

_Seconds = Annotated[float, Field(ge=0)]
_Hours = Annotated[float, Field(ge=0, le=24 * 365)]

LARGEST_TOTAL = 32 * 1_048_576
"""Bytes of one message's files at most: what a request may bring is fixed when the service starts."""
SHORTEST_CASE_DAYS = 30
"""A resolved case stays in the database so long at least, so that no late repetition of its messages opens another."""
_Money = Annotated[Decimal, Field(ge=0, allow_inf_nan=False)]


class WorkerSettings(BaseModel):
    """How a worker process works."""

    slots: int = Field(20, ge=1, le=500)
    """Cases handled at once in a process."""
    lease_seconds: float = Field(10.0, ge=0.5, le=10.0)
    """How long a claim holds without renewal; the longest wait after a worker was killed."""
    sweep_seconds: float = Field(1.0, gt=0)
    """How often a worker looks into Postgres for what no hint told it."""
    drain_seconds: _Seconds = 20.0
    """How long SIGTERM lets running turns finish."""


class SettleSettings(BaseModel):
    """Seconds that a turn waits for more messages of the same burst, by channel."""

    chat: _Seconds = 0.4
    form: _Seconds = 0.0
    whatsapp: _Seconds = 1.5
    email: _Seconds = 0.0

    def of(self, channel: str) -> timedelta:
        """A channel's settle time; a channel without one has none."""
        return timedelta(seconds=getattr(self, channel, 0.0))


class CompanySettings(BaseModel):
    """For whom the agent writes."""

    name: Annotated[str, Field(max_length=80, pattern=r"^[^\r\n]*$")] = ""
    """In the sign-off of letters."""
    signature: Annotated[str, Field(max_length=1_000)] = ""
    """Below letters, in lines; \\n is a line break too."""

    @field_validator("signature")
    @classmethod
    def _lines(cls, text: str) -> str:
        """An environment variable on one line can say where its lines end."""
        return text.replace("\\n", "\n").strip()


class PaceSettings(BaseModel):
    """How quickly turns may follow each other; what comes faster waits and is answered together."""

    seconds: _Seconds = 6.0
    """Between the turns of one case, once it has had its burst; 0 is no pace."""
    burst: int = Field(10, ge=1)
    """Turns of a case that may follow each other at once."""
    cases_an_hour: int = Field(20, ge=1)
    """New cases of one sender that are worked on at once; each further one waits a little longer."""


class FileSettings(BaseModel):
    """How much is taken with one message, from customers on the web and from staff."""

    file_bytes: int = Field(10 * 1_048_576, ge=1)
    total_bytes: int = Field(25 * 1_048_576, ge=1, le=LARGEST_TOTAL)
    count: int = Field(10, ge=0, le=50)
    """0: no files."""
    link_hours: int = Field(24, ge=1, le=24 * 30)
    """How long a link to a file works at least; whoever reads the conversation again gets a new one."""


class FollowUpHours(BaseModel):
    """Hours after an answer in which a text asks whether it helped, by channel; 0 is never. Pages ask by themselves."""

    chat: _Hours = 0.0
    form: _Hours = 0.0
    whatsapp: _Hours = 2.0
    email: _Hours = 0.0


class SilenceHours(BaseModel):
    """Hours of silence after which a case of the agent's counts as settled, by channel; 0 is never."""

    chat: _Hours = 24.0
    form: _Hours = 72.0
    whatsapp: _Hours = 24.0
    email: _Hours = 96.0


class LifeSettings(BaseModel):
    """When a case ends by itself, and for how long it can begin again."""

    follow_up_hours: FollowUpHours = Field(default_factory=FollowUpHours)
    silence_hours: SilenceHours = Field(default_factory=SilenceHours)
    owner_silence_hours: _Hours = 168.0
    """The same for a case that a person owns and has answered; 0 is never."""
    reopen_days: float = Field(14.0, ge=0, le=28)
    """So long after its end a case goes on when the customer writes again; 0: every message then begins a new one."""


class SurveySettings(BaseModel):
    """Asking customers how it was, once for every end of a case."""

    enabled: bool = True
    channels: list[str] = Field(default_factory=lambda: ["chat", "form", "email", "whatsapp"])
    delay_minutes: float = Field(5.0, ge=0)
    """How long after the end a text asks; pages ask at once."""
    apart_days: float = Field(30.0, ge=0)
    """A customer is not asked again so soon."""


class FormSettings(BaseModel):
    """When the public form asks its sender to send once more."""

    fastest_seconds: _Seconds = 2.0
    """Between opening the form and sending it; quicker is a program, or nearly."""
    oldest_hours: float = Field(24.0, gt=0)
    """How long an open form can be sent."""


class ModelSettings(BaseModel):
    """Which model forms the skills use. ``auto``: OpenAI's when there is a key, else the embedded ones."""

    chat: Literal["auto", "embedded", "openai"] = "auto"
    chat_name: str = "gpt-5-mini"
    embeddings: Literal["minilm", "openai"] = "minilm"
    embeddings_name: str = "text-embedding-3-small"
    deadline_seconds: float = Field(20.0, gt=0)
    """All the time that one question to a model may take, retries included."""
    replies_file: Path | None = None
    """For evaluations only: keeps the chat model's answers by prompt, unsealed, and asks nothing twice."""
    price_in: _Money = Decimal(0)
    price_out: _Money = Decimal(0)
    """What a million tokens cost, in and out, in whichever currency the ceilings in ``spend`` are; 0 is unknown."""
    judge: bool = False
    """Whether the chat model also reads every draft beside its sources, after the guards: one more question a draft."""


class SpendSettings(BaseModel):
    """The most that may be spent on a model, by case and by UTC day; 0 is no ceiling. Then people answer."""

    case_tokens: int = Field(200_000, ge=0)
    day_tokens: int = Field(20_000_000, ge=0)
    """Tokens in and out together. A turn takes about 3,000."""
    case_money: _Money = Decimal(0)
    day_money: _Money = Decimal(0)
    """At the prices of ``model``, which have to be set then."""


class CollectionSettings(BaseModel):
    """A table of passages that PGVectorStore made, and its columns. Empty: it has no such column."""

    url: SecretStr | None = None
    """Its server; the product's own database otherwise."""
    table: str = "passages"
    audience: str = "audience"
    language: str = ""
    title: str = ""
    heading: str = ""
    url_column: str = ""


class KnowledgeSettings(BaseModel):
    """Where passages come from."""

    store: Literal["postgres", "pgvectorstore"] = "postgres"
    collection: CollectionSettings = Field(default_factory=CollectionSettings)
    """The company's own PGVectorStore collection, with ``store=pgvectorstore``."""
    answer_threshold: float = Field(0.4, ge=0, le=1)
    """Below this confidence the agent says that it does not know."""
    cache_seconds: _Seconds = 300.0
    """How long the answer to a search may be remembered; an article that changes is seen within a second. 0: never."""
    private_networks: list[str] = Field(default_factory=list)
    """Networks that are not public and may be asked for articles all the same, such as 10.1.0.0/16."""


class IntentsSettings(BaseModel):
    """What customers want, by the company's own examples."""

    model_file: Path | None = None
    """What `csagent intents train` wrote; ``intents.npz`` in the data folder otherwise, if it is there."""


class RetentionSettings(BaseModel):
    """How long working data is kept; 0 is for ever. Only what is in an archive, or needed by nobody, is deleted."""

    idle_thread_days: int = Field(1, ge=0)
    """LangGraph's own rows of a case in which nothing has happened for so long; no later turn reads them."""
    case_days: int = Field(365, ge=0)
    """Cases resolved so long ago go to the archive, with their messages, turns and reviews."""
    event_months: int = Field(13, ge=0)
    """Events go to the archive by the month, so many months after theirs is over."""
    archive_folder: Path | None = None
    """Where archives are written. Without one neither cases nor events are ever deleted by themselves."""
    archive_hour: int = Field(2, ge=0, le=23)
    """The hour of the night, UTC, at which archives are written."""

    @field_validator("case_days")
    @classmethod
    def _long_enough(cls, days: int) -> int:
        """A provider may deliver a message a second time, days later; it is known by the first one's row."""
        if 0 < days < SHORTEST_CASE_DAYS:
            raise ValueError(f"at least {SHORTEST_CASE_DAYS} days, or 0 for ever")
        return days


class IdentitySettings(BaseModel):
    """How visitors prove who they are, and how long what was joined can be parted again."""

    site: str = Field("", max_length=100)
    """Who asks, in the text of a one-time code, as customers know the company; the host of ``public_url`` otherwise."""
    code_minutes: int = Field(10, ge=1, le=60)
    """How long a code counts."""
    code_tries: int = Field(5, ge=1, le=10)
    codes_an_hour_to_address: int = Field(5, ge=1)
    codes_a_day_to_address: int = Field(10, ge=1)
    codes_an_hour_from_talk: int = Field(5, ge=1)
    codes_an_hour: int = Field(500, ge=1)
    """To everybody together: what a flood can make us send."""
    proof_days: int = Field(30, ge=1, le=365)
    """How long a conversation's token counts as its owner's after a proof."""
    unmerge_days: int = Field(30, ge=1)
    """How long a merge of two customers can be undone."""


class Settings(BaseSettings):
    """Everything that an operator can set."""

    model_config = SettingsConfigDict(
        env_prefix="CSAGENT_", env_nested_delimiter="__", env_file=".env", extra="ignore", env_ignore_empty=True
    )

    database_url: SecretStr | None = Field(None, validation_alias=AliasChoices("DATABASE_URL", "CSAGENT_DATABASE_URL"))
    redis_url: SecretStr | None = Field(None, validation_alias=AliasChoices("REDIS_URL", "CSAGENT_REDIS_URL"))
    replica_url: SecretStr | None = None
    """A PostgreSQL server that follows the first: figures are read there, so that they take nothing from customers."""
    openai_api_key: SecretStr | None = Field(
        None, validation_alias=AliasChoices("OPENAI_API_KEY", "CSAGENT_OPENAI_API_KEY")
    )
    openai_base_url: str | None = Field(
        None, validation_alias=AliasChoices("OPENAI_BASE_URL", "CSAGENT_OPENAI_BASE_URL")
    )
    langsmith_api_key: SecretStr | None = Field(
        None, validation_alias=AliasChoices("LANGSMITH_API_KEY", "CSAGENT_LANGSMITH_API_KEY")
    )
    """Only with it are turns traced to LangSmith."""
    redis_prefix: str = "csagent"
    database_pool: int = Field(12, ge=2, le=200)
    """Connections that a process may hold."""
    database_processes: int = Field(4, ge=1)
    """Processes of csagent on the database, on all machines: what `csagent doctor` reckons with."""
    database_wait_seconds: float = Field(5.0, gt=0, le=60)
    """How long anybody waits for a connection."""
    database_max_waiting: int = Field(100, ge=1)
    """Requests that may wait for a connection in an API process; more are turned away at once."""

    master_keys: Annotated[dict[str, SecretStr], NoDecode] = Field(default_factory=dict)
    """``name:base64,older:base64``: the first wraps new customer keys, all of them unwrap."""
    index_key: SecretStr | None = None
    """Base64 of 32 bytes for the blind indexes and conversation tokens. It must never change."""
    staff_keys: Annotated[dict[str, SecretStr], NoDecode] = Field(default_factory=dict)
    """``name:secret,other:secret``: who may use the review API, and under which name."""

    folder: Path = Path(".csagent")
    """Where the embedded servers and generated keys live on one machine."""
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65535)
    metrics_host: str = "127.0.0.1"
    metrics_port: int = Field(0, ge=0, le=65535)
    """Where worker, sender and scheduler answer ``/health/*`` and ``/metrics``; 0: nowhere. The API does on its own."""
    public_url: str | None = None
    """The address that customers' browsers use, when it is not ``http://host:port``."""
    policy_file: Path | None = None
    """An escalation policy of your own; the shipped one otherwise."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    worker: WorkerSettings = Field(default_factory=WorkerSettings)
    company: CompanySettings = Field(default_factory=CompanySettings)
    chat: ChatSettings = Field(default_factory=ChatSettings)
    settle: SettleSettings = Field(default_factory=SettleSettings)
    pace: PaceSettings = Field(default_factory=PaceSettings)
    files: FileSettings = Field(default_factory=FileSettings)
    life: LifeSettings = Field(default_factory=LifeSettings)
    survey: SurveySettings = Field(default_factory=SurveySettings)
    form: FormSettings = Field(default_factory=FormSettings)
    model: ModelSettings = Field(default_factory=ModelSettings)
    spend: SpendSettings = Field(default_factory=SpendSettings)
    knowledge: KnowledgeSettings = Field(default_factory=KnowledgeSettings)
    intents: IntentsSettings = Field(default_factory=IntentsSettings)
    retention: RetentionSettings = Field(default_factory=RetentionSettings)
    whatsapp: WhatsAppSettings = Field(default_factory=WhatsAppSettings)
    gmail: GmailSettings = Field(default_factory=GmailSettings)
    identity: IdentitySettings = Field(default_factory=IdentitySettings)
    staff: StaffSettings = Field(default_factory=StaffSettings)
    alerts: AlertSettings = Field(default_factory=AlertSettings)
    review: ReviewSettings = Field(default_factory=ReviewSettings)
    status: StatusSettings = Field(default_factory=StatusSettings)

    @field_validator("master_keys", "staff_keys", mode="before")
    @classmethod
    def _named_secrets(cls, value: object) -> object:
        """``name:secret`` pairs behind commas."""
        if not isinstance(value, str):
            return value
        pairs = [pair.strip().partition(":") for pair in value.split(",") if pair.strip()]
        if any(not name or not secret for name, _, secret in pairs):
            raise ValueError("write name:secret, several behind commas")
        return {name: secret for name, _, secret in pairs}


def read_settings(**overrides: object) -> Settings:
    """The settings of this process.

    Raises:
        ConfigurationError: one of them can't be; the message names it and says why.
    """
    try:
        return Settings(**overrides)  # type: ignore[arg-type] # pydantic checks them
    except SettingsError as error:  # a group as one variable has to be JSON
        field = re.search(r'field "(\w+)"', str(error))
        raise ConfigurationError(
            f"CSAGENT_{field[1].upper() if field else '…'} can't be used: it is not JSON",
            hint="set its parts one by one: CSAGENT_WORKER__SLOTS=40",
        ) from None
    except ValidationError as error:
        first = error.errors()[0]
        name = "__".join(str(part) for part in first["loc"]).upper()
        known = name if name in {"DATABASE_URL", "REDIS_URL"} or name.startswith("OPENAI") else f"CSAGENT_{name}"
        raise ConfigurationError(
            f"{known} can't be used: {first['msg']}", hint="correct it in the environment or in .env"
        ) from None
