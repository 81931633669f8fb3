"""Signing in through an OpenID provider, a sound one and others."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from pydantic import SecretStr

from infra.staff_settings import OidcSettings
from tests.emulators.oidc_provider import CLIENT, SECRET, OidcProvider
from tests.integration.http.console import PASSWORD, Browser, browser
from tests.integration.serving import Served, serving, settings_on

QUEUE = "/v1/review/escalations"


@pytest.fixture
def provider() -> Iterator[OidcProvider]:
    with OidcProvider() as running:
        yield running


@pytest.fixture
async def served(database_url: str, provider: OidcProvider) -> AsyncIterator[Served]:
    settings = settings_on(database_url)
    settings.staff.oidc = OidcSettings(
        issuer=provider.issuer,
        client_id=CLIENT,
        client_secret=SecretStr(SECRET),
        label="Thimblewick",
        roles={"support": "reviewer", "support-leads": "lead", "audit": "auditor"},
    )
    async with serving(settings, parts=()) as running:
        yield running


@pytest.fixture
async def mira(served: Served) -> AsyncIterator[Browser]:
    async with browser(served.url) as opened:
        yield opened


async def go(who: Browser, then: str = "") -> httpx.Response:
    """To the provider and back, as a browser does it; the last answer, before it is followed."""
    away = await who.client.get(f"/sign-in/provider?next={then}")
    assert away.status_code == 303, away.text
    async with httpx.AsyncClient(trust_env=False) as elsewhere:
        back = urlsplit((await elsewhere.get(away.headers["location"])).headers["location"])
    return await who.client.get(f"{back.path}?{back.query}")


async def test_somebody_of_the_provider_comes_in_under_their_name_with_the_role_of_their_group(
    mira: Browser, served: Served, provider: OidcProvider
) -> None:
    assert "Sign in with Thimblewick" in (await mira.client.get("/sign-in")).text
    answer = await go(mira, "/review%23e/1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/review#e/1")
    assert (await mira.client.get(QUEUE)).status_code == 200
    (account,) = await served.services.staff.accounts.listed()
    assert (account.name, account.role, account.issuer) == ("mira", "lead", provider.issuer)
    page = await mira.client.get("/account")
    assert "Change the password" not in page.text

    provider.claims = {"groups": ["audit"], "preferred_username": "another name"}
    await go(mira)
    (account,) = await served.services.staff.accounts.listed()
    assert (account.name, account.role) == ("mira", "auditor")
    assert provider.asked.count("/.well-known/openid-configuration") == 1


NOW = int(time.time())
UNSOUND: dict[str, dict[str, Any]] = {
    "another nonce": {"nonce": "another"},
    "no nonce": {"nonce": None},
    "expired": {"exp": NOW - 3600},
    "not yet": {"nbf": NOW + 3600},
    "never expires": {"exp": None},
    "another audience": {"aud": "another-client"},
    "another issuer": {"iss": "https://evil.example"},
    "several audiences and no party": {"aud": [CLIENT, "another-client"]},
    "another party": {"azp": "another-client"},
    "no subject": {"sub": None},
    "an empty subject": {"sub": ""},
    "a subject that can't be stored": {"sub": "x\x00"},
    "a nonce that is no text": {"nonce": "\ud800"},
    "no name": {"preferred_username": None},
    "no group of ours": {"groups": ["everybody"]},
    "groups that are none": {"groups": {"support": True}},
    "a name that is none": {"preferred_username": "<script>"},
    "a staff key's name": {"preferred_username": "kim"},
}


async def test_a_word_of_the_providers_that_does_not_fit_lets_nobody_in(
    mira: Browser, served: Served, provider: OidcProvider
) -> None:
    for why, claims in UNSOUND.items():
        provider.claims = claims
        assert (await go(mira)).status_code == 401, why
    provider.claims, provider.wrong_key = {}, True
    assert (await go(mira)).status_code == 401
    for algorithm in ("none", "HS256", "ES256"):
        provider.wrong_key, provider.algorithm = False, algorithm
        assert (await go(mira)).status_code == 401
    assert (await mira.client.get(QUEUE)).status_code == 401
    assert await served.services.staff.accounts.listed() == []
    provider.algorithm = "RS256"
    assert (await go(mira)).status_code == 303


async def test_a_code_counts_only_in_the_browser_that_was_sent_away_and_once(mira: Browser, served: Served) -> None:
    away = await mira.client.get("/sign-in/provider")
    state = parse_qs(urlsplit(away.headers["location"]).query)["state"][0]
    async with httpx.AsyncClient(trust_env=False) as elsewhere:
        back = urlsplit((await elsewhere.get(away.headers["location"])).headers["location"])
    async with browser(served.url) as thief:
        assert (await thief.client.get(f"{back.path}?{back.query}")).status_code == 401
    assert (await mira.client.get(f"{back.path}?code=guessed&state=another")).status_code == 401  # and the flow is over
    assert (await mira.client.get(f"{back.path}?{back.query}")).status_code == 401
    await mira.client.get("/sign-in/provider")
    assert (await mira.client.get(f"{back.path}?error=access_denied&state={state}")).status_code == 401
    assert (await go(mira)).status_code == 303


async def test_a_name_never_joins_two_accounts_and_whoever_was_disabled_stays_out(
    mira: Browser, served: Served, provider: OidcProvider
) -> None:
    accounts = served.services.staff.accounts
    await accounts.add_first("mira", PASSWORD)
    refused = await go(mira)
    assert (refused.status_code, "mira is somebody else here" in refused.text.lower()) == (401, True)
    assert "csagent staff rename" in refused.text
    await accounts.add("ada", "admin", by="test")
    await accounts.disable("mira", by="ada")
    await accounts.rename("mira", "mira-before", by="ada")
    assert (await go(mira)).status_code == 303
    provider.claims = {"preferred_username": "mira.stone", "sub": "subject-2"}
    assert (await go(mira)).status_code == 303
    await accounts.disable("mira.stone", by="test")
    assert (await mira.client.get(QUEUE)).status_code == 401
    assert (await go(mira)).status_code == 401
    assert (await mira.sign_in("mira.stone", "")).status_code == 401


async def test_a_provider_with_new_keys_is_asked_for_them_once_and_one_that_is_away_says_so(
    mira: Browser, served: Served, provider: OidcProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    await served.services.staff.accounts.add_first("admin", PASSWORD)
    provider.broken = "/.well-known/openid-configuration"
    away = await mira.client.get("/sign-in/provider")
    assert (away.status_code, "The OpenID provider can&#39;t be reached" in away.text) == (503, True)
    provider.broken, provider.issuer_told = None, "https://somebody.else"
    assert (await mira.client.get("/sign-in/provider")).status_code == 503
    provider.issuer_told = None
    assert (await go(mira)).status_code == 303
    monkeypatch.setattr("infra.staff.oidc._AGAIN", 0.0)
    provider.rotate()
    assert (await go(mira)).status_code == 303
    assert provider.asked.count("/keys") == 2
    provider.broken = "/token"
    assert (await go(mira)).status_code == 503
    assert (await mira.sign_in("admin", PASSWORD)).status_code == 303
