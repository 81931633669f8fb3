"""Settings: every name that an operator may set, and one clear line for what can't be."""

from __future__ import annotations

import base64
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import BaseModel, SecretStr

from infra.settings import Settings, SettleSettings, read_settings
from skills.errors import ConfigurationError

KEY = base64.b64encode(b"k" * 32).decode()

NAMES: dict[str, tuple[str, str, object]] = {
    "DATABASE_URL": ("database_url", "postgresql://x", SecretStr("postgresql://x")),
    "CSAGENT_DATABASE_URL": ("database_url", "postgresql://y", SecretStr("postgresql://y")),
    "REDIS_URL": ("redis_url", "redis://x", SecretStr("redis://x")),
    "CSAGENT_REDIS_URL": ("redis_url", "redis://y", SecretStr("redis://y")),
    "OPENAI_API_KEY": ("openai_api_key", "k", SecretStr("k")),
    "CSAGENT_OPENAI_API_KEY": ("openai_api_key", "l", SecretStr("l")),
    "OPENAI_BASE_URL": ("openai_base_url", "http://x", "http://x"),
    "LANGSMITH_API_KEY": ("langsmith_api_key", "k", SecretStr("k")),
    "CSAGENT_REDIS_PREFIX": ("redis_prefix", "mine", "mine"),
    "CSAGENT_DATABASE_POOL": ("database_pool", "30", 30),
    "CSAGENT_DATABASE_PROCESSES": ("database_processes", "9", 9),
    "CSAGENT_DATABASE_WAIT_SECONDS": ("database_wait_seconds", "1.5", 1.5),
    "CSAGENT_DATABASE_MAX_WAITING": ("database_max_waiting", "7", 7),
    "CSAGENT_INDEX_KEY": ("index_key", KEY, SecretStr(KEY)),
    "CSAGENT_FOLDER": ("folder", "/data", Path("/data")),
    "CSAGENT_HOST": ("host", "0.0.0.0", "0.0.0.0"),
    "CSAGENT_PORT": ("port", "0", 0),
    "CSAGENT_METRICS_PORT": ("metrics_port", "9100", 9100),
    "CSAGENT_METRICS_HOST": ("metrics_host", "0.0.0.0", "0.0.0.0"),
    "CSAGENT_PUBLIC_URL": ("public_url", "https://x", "https://x"),
    "CSAGENT_POLICY_FILE": ("policy_file", "policy.toml", Path("policy.toml")),
    "CSAGENT_LOG_LEVEL": ("log_level", "debug", "debug"),
    "CSAGENT_ALERTS__MAIL_FROM": ("alerts.mail_from", "a@shop.example", "a@shop.example"),
    "CSAGENT_ALERTS__MINUTES__P1": ("alerts.minutes.p1", "5", 5.0),
    "CSAGENT_ALERTS__MINUTES__P2": ("alerts.minutes.p2", "30", 30.0),
    "CSAGENT_ALERTS__MINUTES__P3": ("alerts.minutes.p3", "480", 480.0),
    "CSAGENT_ALERTS__WARN_SHARE": ("alerts.warn_share", "0.5", 0.5),
    "CSAGENT_ALERTS__AT_ONCE": ("alerts.at_once", "P1, P3", ("P1", "P3")),
    "CSAGENT_ALERTS__IDLE_CLAIM_MINUTES": ("alerts.idle_claim_minutes", "3", 3.0),
    "CSAGENT_ALERTS__OWNED_MINUTES": ("alerts.owned_minutes", "30", 30.0),
    "CSAGENT_ALERTS__GIVE_UP_HOURS": ("alerts.give_up_hours", "6", 6.0),
    "CSAGENT_ALERTS__KEEP_DAYS": ("alerts.keep_days", "30", 30),
    "CSAGENT_ALERTS__PRIVATE_NETWORKS": ("alerts.private_networks", '["10.1.0.0/16"]', ["10.1.0.0/16"]),
    "CSAGENT_WORKER__SLOTS": ("worker.slots", "7", 7),
    "CSAGENT_WORKER__LEASE_SECONDS": ("worker.lease_seconds", "2.5", 2.5),
    "CSAGENT_WORKER__SWEEP_SECONDS": ("worker.sweep_seconds", "0.5", 0.5),
    "CSAGENT_WORKER__DRAIN_SECONDS": ("worker.drain_seconds", "0", 0.0),
    "CSAGENT_CHAT__ORIGINS": ("chat.origins", "https://A.example/, http://b:81", ("https://a.example", "http://b:81")),
    "CSAGENT_SETTLE__CHAT": ("settle.chat", "1", 1.0),
    "CSAGENT_SETTLE__EMAIL": ("settle.email", "2", 2.0),
    "CSAGENT_SETTLE__WHATSAPP": ("settle.whatsapp", "3", 3.0),
    "CSAGENT_COMPANY__NAME": ("company.name", "Example", "Example"),
    "CSAGENT_COMPANY__SIGNATURE": (
        "company.signature",
        r"Example Ltd\n1 Sample Street",
        "Example Ltd\n1 Sample Street",
    ),
    "CSAGENT_PACE__SECONDS": ("pace.seconds", "2.5", 2.5),
    "CSAGENT_PACE__BURST": ("pace.burst", "3", 3),
    "CSAGENT_PACE__CASES_AN_HOUR": ("pace.cases_an_hour", "4", 4),
    "CSAGENT_MODEL__CHAT": ("model.chat", "openai", "openai"),
    "CSAGENT_MODEL__CHAT_NAME": ("model.chat_name", "m", "m"),
    "CSAGENT_MODEL__EMBEDDINGS": ("model.embeddings", "openai", "openai"),
    "CSAGENT_MODEL__EMBEDDINGS_NAME": ("model.embeddings_name", "e", "e"),
    "CSAGENT_MODEL__DEADLINE_SECONDS": ("model.deadline_seconds", "9", 9.0),
    "CSAGENT_MODEL__PRICE_IN": ("model.price_in", "0.25", Decimal("0.25")),
    "CSAGENT_MODEL__PRICE_OUT": ("model.price_out", "2", Decimal(2)),
    "CSAGENT_MODEL__JUDGE": ("model.judge", "true", True),
    "CSAGENT_SPEND__CASE_TOKENS": ("spend.case_tokens", "5", 5),
    "CSAGENT_SPEND__CASE_MONEY": ("spend.case_money", "0.5", Decimal("0.5")),
    "CSAGENT_SPEND__DAY_TOKENS": ("spend.day_tokens", "6", 6),
    "CSAGENT_SPEND__DAY_MONEY": ("spend.day_money", "20", Decimal(20)),
    "CSAGENT_FILES__FILE_BYTES": ("files.file_bytes", "7", 7),
    "CSAGENT_FILES__TOTAL_BYTES": ("files.total_bytes", "8", 8),
    "CSAGENT_FILES__COUNT": ("files.count", "0", 0),
    "CSAGENT_FILES__LINK_HOURS": ("files.link_hours", "2", 2),
    "CSAGENT_FORM__FASTEST_SECONDS": ("form.fastest_seconds", "0", 0.0),
    "CSAGENT_FORM__OLDEST_HOURS": ("form.oldest_hours", "1", 1.0),
    "CSAGENT_RETENTION__IDLE_THREAD_DAYS": ("retention.idle_thread_days", "0", 0),
    "CSAGENT_RETENTION__CASE_DAYS": ("retention.case_days", "30", 30),
    "CSAGENT_RETENTION__EVENT_MONTHS": ("retention.event_months", "24", 24),
    "CSAGENT_RETENTION__ARCHIVE_FOLDER": ("retention.archive_folder", "/archive", Path("/archive")),
    "CSAGENT_RETENTION__ARCHIVE_HOUR": ("retention.archive_hour", "4", 4),
    "CSAGENT_GMAIL__MAILBOX": ("gmail.mailbox", "help@z.example", "help@z.example"),
    "CSAGENT_GMAIL__CREDENTIALS": ("gmail.credentials", "/z.json", Path("/z.json")),
    "CSAGENT_GMAIL__SUBJECT": ("gmail.subject", "kim@z.example", "kim@z.example"),
    "CSAGENT_GMAIL__API_URL": ("gmail.api_url", "http://z", "http://z"),
    "CSAGENT_GMAIL__TOPIC": ("gmail.topic", "projects/z/topics/z", "projects/z/topics/z"),
    "CSAGENT_GMAIL__PUSH_AUDIENCE": ("gmail.push_audience", "z", "z"),
    "CSAGENT_GMAIL__PUSH_ACCOUNT": ("gmail.push_account", "push@z.example", "push@z.example"),
    "CSAGENT_GMAIL__CERTS_URL": ("gmail.certs_url", "http://z/certs", "http://z/certs"),
    "CSAGENT_GMAIL__LISTS": ("gmail.lists", "help.z.example", frozenset({"help.z.example"})),
    "CSAGENT_GMAIL__POLL_SECONDS": ("gmail.poll_seconds", "9", 9.0),
    "CSAGENT_WHATSAPP__PUBLIC_URL": ("whatsapp.public_url", "https://z.example", "https://z.example"),
    "CSAGENT_WHATSAPP__MESSAGES_PER_SECOND": ("whatsapp.messages_per_second", "5", 5.0),
    "CSAGENT_LIFE__FOLLOW_UP_HOURS__EMAIL": ("life.follow_up_hours.email", "1", 1.0),
    "CSAGENT_LIFE__SILENCE_HOURS__CHAT": ("life.silence_hours.chat", "0", 0.0),
    "CSAGENT_LIFE__OWNER_SILENCE_HOURS": ("life.owner_silence_hours", "24", 24.0),
    "CSAGENT_LIFE__REOPEN_DAYS": ("life.reopen_days", "7", 7.0),
    "CSAGENT_SURVEY__ENABLED": ("survey.enabled", "false", False),
    "CSAGENT_SURVEY__CHANNELS": ("survey.channels", '["chat"]', ["chat"]),
    "CSAGENT_SURVEY__DELAY_MINUTES": ("survey.delay_minutes", "0", 0.0),
    "CSAGENT_SURVEY__APART_DAYS": ("survey.apart_days", "0", 0.0),
    "CSAGENT_IDENTITY__SITE": ("identity.site", "Z", "Z"),
    "CSAGENT_IDENTITY__CODE_MINUTES": ("identity.code_minutes", "5", 5),
    "CSAGENT_IDENTITY__PROOF_DAYS": ("identity.proof_days", "1", 1),
    "CSAGENT_IDENTITY__UNMERGE_DAYS": ("identity.unmerge_days", "3", 3),
    "CSAGENT_INTENTS__MODEL_FILE": ("intents.model_file", "z.npz", Path("z.npz")),
    "CSAGENT_REVIEW__UNDO_SECONDS": ("review.undo_seconds", "0", 0.0),
    "CSAGENT_STATUS__FILE": ("status.file", "/s.json", Path("/s.json")),
    "CSAGENT_STATUS__ORIGIN": ("status.origin", "http://api:8000/", "http://api:8000"),
    "CSAGENT_STATUS__CHECK_SECONDS": ("status.check_seconds", "60", 60.0),
    "CSAGENT_STATUS__DRAFT_MINUTES": ("status.draft_minutes", "2", 2.0),
    "CSAGENT_STATUS__NOTICE_MINUTES": ("status.notice_minutes", "20", 20.0),
    "CSAGENT_STATUS__REPORT_HOURS": ("status.report_hours", "48", 48.0),
    "CSAGENT_STAFF__IDLE_MINUTES": ("staff.idle_minutes", "5", 5),
    "CSAGENT_STAFF__SESSION_HOURS": ("staff.session_hours", "8", 8),
    "CSAGENT_STAFF__PASSWORDS": ("staff.passwords", "false", False),
    "CSAGENT_STAFF__PASSWORD_MEMORY_KIB": ("staff.password_memory_kib", "32768", 32768),
    "CSAGENT_STAFF__TRIES": ("staff.tries", "3", 3),
    "CSAGENT_STAFF__TRIES_FROM_ADDRESS": ("staff.tries_from_address", "4", 4),
    "CSAGENT_STAFF__KEY_ROLES": ("staff.key_roles", "kim:auditor, lee:lead", {"kim": "auditor", "lee": "lead"}),
    "CSAGENT_STAFF__OIDC__LABEL": ("staff.oidc.label", "Z", "Z"),
    "CSAGENT_STAFF__OIDC__NAME_CLAIM": ("staff.oidc.name_claim", "email", "email"),
    "CSAGENT_STAFF__OIDC__ROLES": ("staff.oidc.roles", "a:b:lead,c:admin", {"a:b": "lead", "c": "admin"}),
    "CSAGENT_KNOWLEDGE__STORE": ("knowledge.store", "pgvectorstore", "pgvectorstore"),
    "CSAGENT_KNOWLEDGE__ANSWER_THRESHOLD": ("knowledge.answer_threshold", "0.7", 0.7),
    "CSAGENT_KNOWLEDGE__CACHE_SECONDS": ("knowledge.cache_seconds", "0", 0.0),
    "CSAGENT_KNOWLEDGE__COLLECTION__TABLE": ("knowledge.collection.table", "mine", "mine"),
    "CSAGENT_KNOWLEDGE__COLLECTION__URL": ("knowledge.collection.url", "postgresql://z", SecretStr("postgresql://z")),
}


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing set, and no ``.env``."""
    import os

    for name in list(os.environ):
        if name.startswith(("CSAGENT_", "OPENAI_", "LANGSMITH_")) or name in {"DATABASE_URL", "REDIS_URL"}:
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_has_its_name_in_the_environment(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    path, text, value = NAMES[name]
    monkeypatch.setenv(name, text)
    found: object = read_settings()
    for part in path.split("."):
        found = getattr(found, part)
    assert found == value


def test_every_group_is_in_the_list_above() -> None:
    groups = {name for name, field in Settings.model_fields.items() if isinstance(field.default_factory, type)}
    assert groups - {"master_keys", "staff_keys"} == {
        *(
            "worker",
            "company",
            "settle",
            "pace",
            "files",
            "form",
            "model",
            "spend",
            "knowledge",
            "intents",
            "retention",
        ),
        *("alerts", "chat", "gmail", "identity", "life", "review", "staff", "status", "survey", "whatsapp"),
    }
    assert {path.partition(".")[0] for path, _, _ in NAMES.values() if "." in path} == groups - {
        "master_keys",
        "staff_keys",
    }
    assert all(issubclass(type(getattr(Settings(_env_file=None), group)), BaseModel) for group in ("worker", "settle"))


def test_a_dotenv_file_is_read_and_the_environment_is_stronger(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("CSAGENT_PORT=9001\nCSAGENT_HOST=host\nOTHER=1\n", encoding="utf-8")
    monkeypatch.setenv("CSAGENT_HOST", "stronger")
    monkeypatch.setenv("CSAGENT_LOG_LEVEL", "")
    settings = read_settings()
    assert (settings.port, settings.host, settings.log_level) == (9001, "stronger", "info")


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("kim:key", {"kim": "key"}),
        ("kim:key,lee:other:with:colons", {"kim": "key", "lee": "other:with:colons"}),
        (" kim:key , ,lee:x,", {"kim": "key", "lee": "x"}),
    ],
)
def test_named_secrets_are_pairs_behind_commas(
    monkeypatch: pytest.MonkeyPatch, text: str, pairs: dict[str, str]
) -> None:
    monkeypatch.setenv("CSAGENT_STAFF_KEYS", text)
    monkeypatch.setenv("CSAGENT_MASTER_KEYS", text)
    settings = read_settings()
    for found in (settings.staff_keys, settings.master_keys):
        assert {name: secret.get_secret_value() for name, secret in found.items()} == pairs
        assert list(found) == list(pairs)
    assert "key" not in repr(settings.staff_keys)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("CSAGENT_STAFF_KEYS", "secret-without-name", "write name:secret"),
        ("CSAGENT_STAFF__KEY_ROLES", "kim:king", "a role is one of reviewer"),
        ("CSAGENT_STAFF__OIDC__ISSUER", "http://login.example", "begins with https://"),
        ("CSAGENT_STAFF__OIDC", '{"issuer": "https://login.example"}', "client_id and a client_secret"),
        ("CSAGENT_ALERTS__MINUTES__P2", "61", "CSAGENT_ALERTS__MINUTES__P2"),
        ("CSAGENT_ALERTS__AT_ONCE", "P4", "CSAGENT_ALERTS__AT_ONCE"),
        ("CSAGENT_ALERTS", '{"smtp_url": "smtp://kim:secret-without@mail.example"}', "goes mail_from"),
        ("CSAGENT_ALERTS", '{"smtp_url": "smtp+plain://kim:secret-without@mail.example"}', "a password goes over"),
        ("CSAGENT_MASTER_KEYS", "name:", "write name:secret"),
        ("CSAGENT_STAFF_KEYS", ":secret", "write name:secret"),
        ("CSAGENT_WORKER__SLOTS", "0", "CSAGENT_WORKER__SLOTS"),
        ("CSAGENT_WORKER__SLOTS", "many", "CSAGENT_WORKER__SLOTS"),
        ("CSAGENT_WORKER__LEASE_SECONDS", "11", "CSAGENT_WORKER__LEASE_SECONDS"),
        ("CSAGENT_WORKER__LEASE_SECONDS", "0.4", "CSAGENT_WORKER__LEASE_SECONDS"),
        ("CSAGENT_WORKER__SWEEP_SECONDS", "0", "CSAGENT_WORKER__SWEEP_SECONDS"),
        ("CSAGENT_SETTLE__CHAT", "-1", "CSAGENT_SETTLE__CHAT"),
        ("CSAGENT_MODEL__CHAT", "other", "CSAGENT_MODEL__CHAT"),
        ("CSAGENT_KNOWLEDGE__ANSWER_THRESHOLD", "1.1", "CSAGENT_KNOWLEDGE__ANSWER_THRESHOLD"),
        ("CSAGENT_PORT", "65536", "CSAGENT_PORT"),
        ("CSAGENT_DATABASE_POOL", "1", "CSAGENT_DATABASE_POOL"),
        ("CSAGENT_LOG_LEVEL", "loud", "CSAGENT_LOG_LEVEL"),
        ("CSAGENT_WORKER", "not json", "CSAGENT_WORKER"),
    ],
)
def test_a_setting_that_cannot_be_is_one_line_that_names_it_and_shows_no_secret(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str, says: str
) -> None:
    monkeypatch.setenv(name, text)
    with pytest.raises(ConfigurationError) as refusal:
        read_settings()
    line = str(refusal.value)
    assert says in line
    assert name in line
    assert "\n" not in line
    assert "secret-without" not in line
    assert refusal.value.hint


def test_overrides_are_checked_as_well() -> None:
    assert read_settings(port=1).port == 1
    with pytest.raises(ConfigurationError, match="CSAGENT_PORT"):
        read_settings(port=-1)


def test_a_channel_without_a_settle_time_has_none() -> None:
    settle = SettleSettings(web=0.4)
    assert settle.of("chat") == timedelta(seconds=0.4)
    assert settle.of("pigeon") == timedelta(0)


@pytest.mark.parametrize(
    ("days", "why"), [("29", "at least 30 days, or 0 for ever"), ("-1", "greater than or equal to 0")]
)
def test_resolved_cases_stay_long_enough_for_late_repetitions(
    monkeypatch: pytest.MonkeyPatch, days: str, why: str
) -> None:
    monkeypatch.setenv("CSAGENT_RETENTION__CASE_DAYS", days)
    with pytest.raises(ConfigurationError, match=f"CSAGENT_RETENTION__CASE_DAYS can't be used: .*{why}"):
        read_settings()


def test_a_mailbox_is_one_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CSAGENT_GMAIL__MAILBOX", "Support@Shop.example")
    monkeypatch.setenv("CSAGENT_GMAIL__LISTS", "<Help.shop.example>, , sales.shop.example")
    gmail = read_settings(_env_file=None).gmail
    assert gmail.mailbox == "support@shop.example"
    assert gmail.lists == {"help.shop.example", "sales.shop.example"}
    assert not gmail.pushes
    monkeypatch.setenv("CSAGENT_GMAIL__MAILBOX", "Support <support@shop.example>")
    with pytest.raises(ConfigurationError, match="GMAIL__MAILBOX"):
        read_settings(_env_file=None)
