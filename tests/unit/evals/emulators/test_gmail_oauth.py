from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Iterator
from typing import Any

import httpx
import jwt
import pytest

from evals.emulators.gmail.emulator import MODIFY, GmailEmulator
from evals.emulators.gmail.oauth import GOOGLES_TOKEN_ENDPOINT, JWT_GRANT
from evals.emulators.gmail.signing import SigningKey
from tests.unit.evals.emulators.gmail_clients import google_client

READ = "https://www.googleapis.com/auth/gmail.readonly"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
HOME = "http://localhost:1234/"


@pytest.fixture
def gmail() -> Iterator[GmailEmulator]:
    with GmailEmulator() as running:
        yield running


def ask(gmail: GmailEmulator, **form: str) -> tuple[int, dict[str, Any]]:
    client = {"client_id": gmail.tokens.client.id, "client_secret": gmail.tokens.client.secret}
    answer = httpx.post(gmail.token_url, data=client | form)
    return answer.status_code, answer.json()


def profile(gmail: GmailEmulator, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.get(f"{gmail.url}/gmail/v1/users/me/profile", headers=headers).status_code


def assertion(gmail: GmailEmulator, key: SigningKey | None = None, **changes: Any) -> str:
    now = int(time.time())
    claims = {
        "iss": gmail.tokens.account,
        "sub": gmail.mailbox.address,
        "scope": MODIFY,
        "aud": gmail.token_url,
        "iat": now,
        "exp": now + 3_600,
    } | changes
    return (key or gmail.tokens.account_key).sign({name: value for name, value in claims.items() if value is not None})


def test_a_code_is_exchanged_once_by_who_knows_the_verifier(gmail: GmailEmulator) -> None:
    code = gmail.tokens.consent([MODIFY], HOME, challenge=CHALLENGE)
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": HOME, "code_verifier": VERIFIER}
    status, given = ask(gmail, **form)
    assert (status, given["token_type"], given["scope"]) == (200, "Bearer", MODIFY)
    assert profile(gmail, given["access_token"]) == 200
    assert ask(gmail, grant_type="refresh_token", refresh_token=given["refresh_token"])[0] == 200
    assert ask(gmail, **form)[1]["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"code_verifier": "w" * 43}, "invalid_grant"),
        ({"code_verifier": ""}, "invalid_grant"),
        ({"redirect_uri": "http://elsewhere.example/"}, "redirect_uri_mismatch"),
        ({"code": "4/unknown"}, "invalid_grant"),
        ({"client_id": "somebody"}, "invalid_client"),
        ({"client_secret": ""}, "invalid_client"),
    ],
)
def test_a_code_is_not_exchanged_otherwise(gmail: GmailEmulator, changed: dict[str, str], error: str) -> None:
    code = gmail.tokens.consent([MODIFY], HOME, challenge=CHALLENGE)
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": HOME, "code_verifier": VERIFIER}
    status, answer = ask(gmail, **form | changed)
    assert (status, answer["error"]) == (401 if error == "invalid_client" else 400, error)


def test_a_plain_challenge_is_its_verifier(gmail: GmailEmulator) -> None:
    code = gmail.tokens.consent([MODIFY], HOME, challenge=VERIFIER, method="plain")
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": HOME, "code_verifier": VERIFIER}
    assert ask(gmail, **form)[0] == 200


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token", "refresh_token": "1//unknown"}, "invalid_grant"),
    ],
)
def test_other_grants_are_refused(gmail: GmailEmulator, form: dict[str, str], error: str) -> None:
    status, answer = ask(gmail, **form)
    assert (status, answer["error"]) == (400, error)


def test_a_refresh_may_narrow_the_scopes_but_not_widen_them(gmail: GmailEmulator) -> None:
    token = gmail.tokens.refresh_token([MODIFY, READ])
    narrow = ask(gmail, grant_type="refresh_token", refresh_token=token, scope=READ)
    assert narrow[1]["scope"] == READ
    wide = ask(gmail, grant_type="refresh_token", refresh_token=token, scope="https://mail.google.com/")
    assert wide[1]["error"] == "invalid_scope"


def test_a_token_is_worth_nothing_after_its_time(gmail: GmailEmulator) -> None:
    gmail.tokens.lifetime = 0
    _, given = ask(gmail, grant_type="refresh_token", refresh_token=gmail.tokens.refresh_token([MODIFY]))
    assert given["expires_in"] == 0
    assert profile(gmail, given["access_token"]) == 401
    assert profile(gmail, "ya29.unknown") == 401
    assert httpx.get(f"{gmail.url}/gmail/v1/users/me/profile").status_code == 401


@pytest.mark.parametrize("audience", ["", GOOGLES_TOKEN_ENDPOINT])
def test_a_service_account_gets_a_token_for_a_person_of_its_domain(gmail: GmailEmulator, audience: str) -> None:
    signed = assertion(gmail, aud=audience or gmail.token_url)
    status, given = ask(gmail, grant_type=JWT_GRANT, assertion=signed)
    assert status == 200
    assert profile(gmail, given["access_token"]) == 200


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"iss": "other@emulated.iam.gserviceaccount.com"}, "invalid_grant"),
        ({"aud": "https://elsewhere.example/token"}, "invalid_grant"),
        ({"sub": "somebody@shop.example"}, "invalid_grant"),
        ({"scope": "https://mail.google.com/"}, "unauthorized_client"),
        ({"scope": ""}, "invalid_scope"),
        ({"iat": 1, "exp": 3_601}, "invalid_grant"),
        ({"iat": int(time.time()), "exp": int(time.time()) + 7_200}, "invalid_grant"),
        ({"exp": "soon"}, "invalid_grant"),
        ({"exp": None}, "invalid_grant"),
    ],
)
def test_a_service_account_gets_no_token_otherwise(gmail: GmailEmulator, changes: dict[str, Any], error: str) -> None:
    status, answer = ask(gmail, grant_type=JWT_GRANT, assertion=assertion(gmail, **changes))
    assert (status, answer["error"]) == (401 if error == "unauthorized_client" else 400, error)


def test_an_assertion_that_the_account_did_not_sign_is_refused(gmail: GmailEmulator) -> None:
    forged = assertion(gmail, SigningKey())
    assert ask(gmail, grant_type=JWT_GRANT, assertion=forged)[1]["error_description"] == "Invalid JWT Signature."
    assert ask(gmail, grant_type=JWT_GRANT, assertion="no.token")[1]["error"] == "invalid_grant"
    unsigned = jwt.encode({"iss": gmail.tokens.account}, "", algorithm="none")
    assert ask(gmail, grant_type=JWT_GRANT, assertion=unsigned)[1]["error"] == "invalid_grant"


def test_delegation_that_was_taken_back_is_told_as_such(gmail: GmailEmulator) -> None:
    gmail.tokens.revoke()
    status, answer = ask(gmail, grant_type=JWT_GRANT, assertion=assertion(gmail))
    assert (status, answer["error"]) == (401, "unauthorized_client")


def test_the_files_of_googles_console_name_this_endpoint(gmail: GmailEmulator) -> None:
    assert gmail.tokens.client_secrets()["installed"]["token_uri"] == gmail.token_url
    assert gmail.tokens.service_account_info()["token_uri"] == gmail.token_url


def test_another_mailbox_is_not_shown(gmail: GmailEmulator) -> None:
    _, given = ask(gmail, grant_type="refresh_token", refresh_token=gmail.tokens.refresh_token([MODIFY]))
    headers = {"Authorization": f"Bearer {given['access_token']}"}
    other = httpx.get(f"{gmail.url}/gmail/v1/users/boss@shop.example/profile", headers=headers)
    own = httpx.get(f"{gmail.url}/gmail/v1/users/{gmail.mailbox.address}/profile", headers=headers)
    assert (other.status_code, own.status_code) == (403, 200)
    with google_client(gmail) as users:
        assert users.getProfile(userId=gmail.mailbox.address).execute()["emailAddress"] == gmail.mailbox.address
