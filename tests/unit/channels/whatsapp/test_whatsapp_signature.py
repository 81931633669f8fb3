"""Webhooks: what Twilio signed is genuine, everything else is not."""

from __future__ import annotations

import hashlib
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from channels.whatsapp.form import Form
from channels.whatsapp.signature import WebhookSignature
from evals.emulators.twilio.webhooks import signature
from skills.errors import ConfigurationError, InvalidMessageError

PUBLIC = "https://support.example.com"
TARGET = "/webhooks/whatsapp/messages"
TOKEN = "token-of-today"
FORM = {"MessageSid": "SM1", "Body": "Grüße & Küsse = 😀", "From": "whatsapp:+491701234567", "Empty": ""}
SIGNATURE = signature(TOKEN, PUBLIC + TARGET, FORM)

CHECK = WebhookSignature(public_url=PUBLIC, secrets=[TOKEN])


def body(form: dict[str, str] = FORM) -> bytes:
    return urlencode(form).encode()


def test_a_signed_webhook_is_genuine() -> None:
    assert CHECK.genuine(TARGET, body(), SIGNATURE)


def test_the_emulator_signs_as_the_sdk_does() -> None:
    assert RequestValidator(TOKEN).compute_signature(PUBLIC + TARGET, FORM) == SIGNATURE


def test_the_public_address_counts_and_not_the_proxys() -> None:
    assert not WebhookSignature(public_url="http://10.0.0.7:8000", secrets=[TOKEN]).genuine(TARGET, body(), SIGNATURE)


def test_a_trailing_slash_of_the_public_address_does_not_matter() -> None:
    assert WebhookSignature(public_url=PUBLIC + "/", secrets=[TOKEN]).genuine(TARGET, body(), SIGNATURE)


@pytest.mark.parametrize("address", ["https://support.example.com:443", "https://support.example.com"])
def test_the_port_may_be_spelled_out_or_not(address: str) -> None:
    signed = signature(TOKEN, address + TARGET, FORM)
    assert CHECK.genuine(TARGET, body(), signed)


def test_two_tokens_hold_while_one_is_rotated() -> None:
    check = WebhookSignature(public_url=PUBLIC, secrets=["token-of-tomorrow", TOKEN])
    assert check.genuine(TARGET, body(), SIGNATURE)
    assert not WebhookSignature(public_url=PUBLIC, secrets=["token-of-tomorrow"]).genuine(TARGET, body(), SIGNATURE)


def test_the_query_is_signed_too() -> None:
    signed = signature(TOKEN, f"{PUBLIC}{TARGET}?delivery=1", FORM)
    assert CHECK.genuine(f"{TARGET}?delivery=1", body(), signed)
    assert not CHECK.genuine(f"{TARGET}?delivery=2", body(), signed)


@pytest.mark.parametrize("given_signature", [None, "", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=", "ünïcode", SIGNATURE + "="])
def test_a_wrong_signature_is_not_genuine(given_signature: str | None) -> None:
    assert not CHECK.genuine(TARGET, body(), given_signature)


def test_a_changed_an_added_and_a_cut_body_are_not_genuine() -> None:
    assert not CHECK.genuine(TARGET, body({**FORM, "Body": "send money"}), SIGNATURE)
    assert not CHECK.genuine(TARGET, body({**FORM, "New": "parameter"}), SIGNATURE)
    assert not CHECK.genuine(TARGET, body()[:-20], SIGNATURE)
    assert not CHECK.genuine(TARGET, b"\xff\xfe", SIGNATURE)
    assert not CHECK.genuine(TARGET, b"Body=%FF", SIGNATURE)
    assert not CHECK.genuine(":99999/x", body(), SIGNATURE)


def test_parameters_that_nobody_knows_yet_are_covered() -> None:
    form = {**FORM, "SomethingOf2030": "1"}
    assert CHECK.genuine(TARGET, body(form), signature(TOKEN, PUBLIC + TARGET, form))


def test_a_replay_is_as_genuine_as_the_first() -> None:
    assert all(CHECK.genuine(TARGET, body(), SIGNATURE) for _ in range(2))


def test_json_is_signed_by_its_hash() -> None:
    raw = b'{"a": 1}'
    target = f"{TARGET}?bodySHA256={hashlib.sha256(raw).hexdigest()}"
    signed = signature(TOKEN, PUBLIC + target, {})
    assert CHECK.genuine(target, raw, signed, content_type="application/json; charset=utf-8")
    assert not CHECK.genuine(target, b'{"a": 2}', signed, content_type="application/json")
    assert not CHECK.genuine(TARGET, raw, signature(TOKEN, PUBLIC + TARGET, {}), content_type="application/json")


def test_a_shared_key_signs_with_sha256() -> None:
    signed = RequestValidator(TOKEN).compute_signature(PUBLIC + TARGET, FORM, "HMAC_SHA256")
    settings = "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"
    assert CHECK.genuine(TARGET, body(), signed, settings=settings)
    assert not CHECK.genuine(TARGET, body(), signed)
    assert not CHECK.genuine(TARGET, body(), signed, settings="algorithm=HMAC_MD5")


@given(st.dictionaries(st.text(min_size=1, alphabet=st.characters(codec="utf-8")), st.text(), max_size=6))
def test_any_form_that_is_signed_is_genuine_under_its_own_address_only(form: dict[str, str]) -> None:
    signed = signature(TOKEN, PUBLIC + TARGET, form)
    assert CHECK.genuine(TARGET, body(form), signed)
    assert not CHECK.genuine(TARGET + "x", body(form), signed)


@given(st.binary(max_size=200), st.text(max_size=60))
def test_no_bytes_make_the_check_raise(raw: bytes, given_signature: str) -> None:
    assert not CHECK.genuine(TARGET, raw, given_signature)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "support.example.com",
        "ftp://support.example.com",
        "https://a.example?b=c",
        "https://a.example:99999",
        "https://[x",
    ],
)
def test_a_public_address_that_is_none_is_refused_at_once(url: str) -> None:
    with pytest.raises(ConfigurationError, match="public URL"):
        WebhookSignature(public_url=url, secrets=[TOKEN])


@pytest.mark.parametrize("secrets", [[], [""]])
def test_no_token_is_no_check(secrets: list[str]) -> None:
    with pytest.raises(ConfigurationError, match="auth token"):
        WebhookSignature(public_url=PUBLIC, secrets=secrets)


def test_a_body_that_is_no_form_is_said_to_be_none() -> None:
    with pytest.raises(InvalidMessageError, match="no form"):
        Form.parse(b"%00&&&=")
    with pytest.raises(InvalidMessageError, match="no form"):
        Form.parse(b"&".join(b"a=b" for _ in range(400)))


def test_a_form_keeps_repeated_names_and_blank_values() -> None:
    form = Form.parse(b"a=1&a=2&b=")
    assert (form.getall("a"), form.get("b"), form.get("c"), list(form)) == (["1", "2"], "", "", ["a", "b"])
