"""Signing in with a name and a password, and what a session is worth."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from pydantic import SecretStr

from infra.staff.passwords import Passwords
from skills.errors import ConflictError
from tests.integration.http.conftest import caller
from tests.integration.http.console import PASSWORD, Browser, add, browser
from tests.integration.serving import Served, serving, settings_on

QUEUE = "/v1/review/escalations"
NO_CASE = f"/v1/review/cases/{UUID(int=0)}"


@pytest.fixture
async def served(database_url: str) -> AsyncIterator[Served]:
    """The API by itself."""
    async with serving(settings_on(database_url), parts=()) as running:
        yield running


@pytest.fixture
async def mira(served: Served) -> AsyncIterator[Browser]:
    """Mira, a reviewer, who has an account and has not signed in."""
    await add(served, "mira")
    async with browser(served.url) as opened:
        yield opened


async def rows(served: Served, statement: str) -> list[dict[str, Any]]:
    async with served.services.database.connection() as connection:
        return list(await (await connection.execute(statement)).fetchall())


async def test_who_is_not_signed_in_is_led_to_the_door_and_back(mira: Browser) -> None:
    away = await mira.client.get("/review")
    assert (away.status_code, away.headers["location"]) == (303, "/sign-in?next=/review")
    page = await mira.client.get(away.headers["location"])
    assert '<input type="hidden" name="next" value="/review">' in page.text
    assert "script-src 'self'" in page.headers["content-security-policy"]
    answer = await mira.sign_in(" Mira ", PASSWORD, then="/review")
    assert (answer.status_code, answer.headers["location"]) == (303, "/review")
    assert (await mira.client.get("/review")).status_code == 200
    queue = await mira.client.get(QUEUE)
    assert (queue.status_code, queue.headers["cache-control"]) == (200, "no-store")
    proxied = {"Authorization": "Basic bWlyYTp4"}  # a proxy's own, in front of us
    assert (await mira.client.get("/review", headers=proxied)).status_code == 200
    assert (await mira.client.get("/sign-in", headers=proxied)).headers["location"] == "/review"


async def test_a_cookie_is_for_this_host_alone_and_its_token_is_stored_nowhere(mira: Browser, served: Served) -> None:
    before = (await mira.client.get("/sign-in")).headers["set-cookie"].partition(";")[0]
    cookie = (await mira.sign_in("mira", PASSWORD)).headers["set-cookie"]
    value, _, options = cookie.partition("; ")
    assert {option.lower() for option in options.split("; ")} >= {"httponly", "path=/", "samesite=lax"}
    assert "domain" not in options.lower()
    assert value != before  # what was known of the browser before is worth nothing now
    token = value.removeprefix("csagent_staff=")
    (session,) = await rows(served, "select * from staff_sessions order by created_at desc limit 1")
    assert bytes(session["token_hash"]) == hashlib.sha256(token.encode()).digest()


async def test_under_https_the_cookie_is_bound_to_the_host(database_url: str) -> None:
    settings = settings_on(database_url)
    settings.public_url = "https://help.example"
    async with serving(settings, parts=()) as served:
        await served.services.staff.accounts.add_first("admin", PASSWORD)
        async with browser(served.url) as page:
            cookie = (await page.sign_in("admin", PASSWORD)).headers["set-cookie"]
    assert cookie.startswith("__Host-csagent=")
    assert "; Secure" in cookie


async def test_an_unknown_name_and_a_wrong_password_are_answered_alike(mira: Browser) -> None:
    answers = [await mira.sign_in(name, "not the password") for name in ("mira", "nobody", "'; drop table", "\x00é")]
    assert {answer.status_code for answer in answers} == {401}
    assert all("The name or the password is not right." in answer.text for answer in answers)


async def test_after_ten_wrong_passwords_a_name_has_to_wait_known_or_not(mira: Browser, served: Served) -> None:
    await add(served, "jonas")
    for name in ("mira", "nobody"):
        assert [(await mira.sign_in(name, f"wrong {n}")).status_code for n in range(11)] == [401] * 10 + [429]
    late = await mira.sign_in("mira", PASSWORD)
    assert (late.status_code, "Too many wrong passwords." in late.text) == (429, True)
    assert (await mira.sign_in("jonas", PASSWORD)).status_code == 303
    assert "mira" not in str(await rows(served, "select name_index, address_index from staff_tries"))
    held = await rows(served, "select data ->> 'account' as account from events where kind = 'staff.sign_in_held'")
    assert sorted(held, key=str) == [{"account": "mira"}, {"account": None}]  # once, however long one goes on
    refused = await rows(served, "select distinct data from events where kind = 'staff.sign_in_refused'")
    assert sorted((row["data"] for row in refused), key=str) == [{"account": "mira"}, {}]
    anew = await served.services.staff.accounts.reset("mira", by="test")
    assert (await mira.sign_in("mira", anew)).status_code == 303


async def test_the_right_password_forgives_the_wrong_ones_before(mira: Browser) -> None:
    for _ in range(2):
        for n in range(8):
            await mira.sign_in("mira", f"wrong {n}")
        assert (await mira.sign_in("mira", PASSWORD)).status_code == 303
        await mira.send("/sign-out")


@pytest.mark.parametrize("change", ["seen_at = now() - interval '61 minutes'", "expires_at = now()"])
async def test_a_session_ends_when_it_is_idle_or_old(mira: Browser, served: Served, change: str) -> None:
    await mira.sign_in("mira", PASSWORD)
    assert (await mira.client.get(QUEUE)).status_code == 200
    await rows(served, f"update staff_sessions set {change} returning id")
    assert (await mira.client.get(QUEUE)).status_code == 401
    assert (await mira.client.get("/account")).headers["location"] == "/sign-in?next=/account"


async def test_a_page_that_refreshes_itself_keeps_nobody_signed_in(mira: Browser, served: Served) -> None:
    await mira.sign_in("mira", PASSWORD)
    quiet = "update staff_sessions set seen_at = now() - interval '30 minutes' returning id"
    seen = "select max(seen_at) > now() - interval '1 minute' as now from staff_sessions"
    await rows(served, quiet)
    await mira.client.get(QUEUE, headers={"X-Background": "1"})
    assert await rows(served, seen) == [{"now": False}]
    await mira.client.get(QUEUE)
    assert await rows(served, seen) == [{"now": True}]


async def test_disabling_and_another_role_count_at_once(mira: Browser, served: Served) -> None:
    await mira.sign_in("mira", PASSWORD)
    await served.services.staff.accounts.set_role("mira", "analyst", by="test")
    refused = await mira.client.get(QUEUE)
    assert (refused.status_code, "analyst" in refused.json()["detail"]) == (403, True)
    assert (await mira.client.get("/review")).status_code == 403
    await served.services.staff.accounts.disable("mira", by="test")
    assert (await mira.client.get("/account")).status_code == 303
    assert (await mira.sign_in("mira", PASSWORD)).status_code == 401


async def test_signing_out_ends_the_session_and_not_only_the_cookie(mira: Browser, served: Served) -> None:
    await mira.sign_in("mira", PASSWORD)
    stolen = {"Cookie": f"csagent_staff={mira.client.cookies['csagent_staff']}"}
    away = await mira.send("/sign-out")
    assert away.headers["location"] == "/sign-in?out=1"
    assert "You are signed out." in (await mira.client.get("/sign-in?out=1")).text
    async with caller(served.url) as thief:
        assert (await thief.get(QUEUE, headers=stolen)).status_code == 401


async def test_only_a_page_of_ours_changes_anything_with_a_cookie(mira: Browser, served: Served) -> None:
    await mira.sign_in("mira", PASSWORD)
    token = {"X-Form-Token": await mira.form_token("/account")}
    for ours in ({"Sec-Fetch-Site": "same-origin"}, {"Origin": served.url}, token):
        assert (await mira.client.post(f"{NO_CASE}/take-over", headers=ours)).status_code == 404
    for site in ("cross-site", "same-site", "none"):
        sent = {"Sec-Fetch-Site": site, "Origin": served.url, **token}
        assert (await mira.client.post(f"{NO_CASE}/take-over", headers=sent)).status_code == 403
    foreign: list[dict[str, str]] = [{"Origin": "https://evil.example", **token}, {"Origin": "null"}, {}]
    for sent in [*foreign, {"X-Form-Token": "0" * 64}]:
        assert (await mira.client.post(f"{NO_CASE}/take-over", headers=sent)).status_code == 403
        assert (await mira.client.post(f"{NO_CASE}/take-over", headers=sent, data={"token": "x"})).status_code == 403


async def test_a_form_without_word_of_where_it_was_made_needs_its_token(mira: Browser) -> None:
    token = await mira.form_token()
    fields = {"name": "mira", "password": PASSWORD}
    for wrong in ({}, {"token": "0" * 64}, {"token": "é"}):
        assert (await mira.client.post("/sign-in", data=fields | wrong)).status_code == 403
    assert (await mira.client.post("/sign-in", data=fields | {"token": token})).status_code == 303
    assert (await mira.client.post("/sign-out", data={"token": token})).status_code == 403  # another cookie's by now
    assert (await mira.client.post("/sign-out", data={"token": await mira.form_token("/account")})).status_code == 303


async def test_nobody_is_led_away_by_a_link(mira: Browser) -> None:
    for then in ("https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/\nx", "x"):
        assert (await mira.sign_in("mira", PASSWORD, then=then)).headers["location"] == "/review"


async def test_what_is_far_too_long_gets_a_plain_answer(mira: Browser) -> None:
    path = f"/{'x' * 600}"
    assert (await mira.client.get(f"/sign-in?next={path}")).status_code == 200
    assert (await mira.sign_in("m" * 600, PASSWORD)).status_code == 401
    long = await mira.sign_in("mira", "x" * 600)
    assert (long.status_code, "A password has 200 characters at most." in long.text) == (401, True)
    assert (await mira.sign_in("mira", PASSWORD, then=path)).headers["location"] == "/review"
    for fields in ({"old": "x" * 600, "new": "other words now"}, {"old": PASSWORD, "new": "x" * 600}):
        assert "<h1>My account</h1>" in (await mira.send("/account/password", **fields)).text


async def test_a_password_that_is_changed_while_it_is_compared_begins_no_session(mira: Browser, served: Served) -> None:
    staff = served.services.staff
    account = await staff.accounts.sign_in("mira", PASSWORD, address="")
    assert "argon2" not in repr(account)
    for change in (staff.accounts.disable, staff.accounts.enable, staff.accounts.reset):
        await change("mira", by="test")
        begun = await staff.sessions.begin(account.id, "", proven=account.password_hash)
        assert (begun is None) == (change != staff.accounts.enable)
    assert [one.sessions for one in await staff.accounts.listed()] == [0]


async def test_a_change_of_ones_own_never_undoes_an_admins(
    mira: Browser, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed = Passwords.hashed

    async def slow(self: Passwords, password: str) -> str:
        monkeypatch.setattr(Passwords, "hashed", hashed)
        await served.services.staff.accounts.reset("mira", by="test")
        return await hashed(self, password)

    await mira.sign_in("mira", PASSWORD)
    monkeypatch.setattr(Passwords, "hashed", slow)
    assert (await mira.send("/account/password", old=PASSWORD, new="other words now")).status_code == 409
    assert (await mira.sign_in("mira", "other words now")).status_code == 401


async def test_of_two_admins_who_make_each_other_something_else_one_stays(served: Served) -> None:
    accounts = served.services.staff.accounts
    await accounts.add("ada", "admin", by="test")
    await accounts.add("eve", "admin", by="test")
    done = await asyncio.gather(
        accounts.set_role("eve", "lead", by="ada"), accounts.disable("ada", by="eve"), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in done) == ["ConflictError", "NoneType"]
    (last,) = [one.name for one in await accounts.listed() if one.role == "admin" and one.disabled_at is None]
    await accounts.sign_in_by_provider("https://login.example", "1", name="pia", role="admin")
    with pytest.raises(ConflictError, match="the last admin"):  # pia's role is the provider's to give and to take
        await accounts.disable(last, by="pia")


async def test_a_token_is_of_no_use_after_another_sign_in_or_another_password(mira: Browser, served: Served) -> None:
    async with caller(served.url) as thief:
        for act in ("sign in", "sign in again", "change"):
            before = {"Cookie": f"csagent_staff={mira.client.cookies.get('csagent_staff')}"}
            if act == "change":
                await mira.send("/account/password", old=PASSWORD, new="other words now")
            else:
                await mira.sign_in("mira", PASSWORD)
            assert (await mira.client.get(QUEUE)).status_code == 200
            assert (await thief.get(QUEUE, headers=before)).status_code == 401, act


async def test_a_password_made_by_somebody_else_opens_nothing_until_it_is_changed(served: Served) -> None:
    first = await served.services.staff.accounts.add("lena", "lead", by="test")
    async with browser(served.url) as lena:
        await lena.sign_in("lena", first)
        assert (await lena.client.get(QUEUE)).status_code == 403
        assert (await lena.client.get("/review")).headers["location"] == "/account"
        assert "Choose a password of your own" in (await lena.client.get("/account")).text
        for weak in ("short", "lenalenalena", "aaaaaaaaaaaa", first):
            assert (await lena.send("/account/password", old=first, new=weak)).status_code == 422
        assert (await lena.send("/account/password", old="wrong", new=PASSWORD)).status_code == 422
        assert (await lena.send("/account/password", old=first, new=PASSWORD)).status_code == 303
        assert (await lena.client.get(QUEUE)).status_code == 200


async def test_another_password_and_signing_out_everywhere_end_the_other_sessions(
    mira: Browser, served: Served
) -> None:
    async with browser(served.url) as phone:
        await phone.client.get("/sign-in", headers={"User-Agent": "Mozilla/5.0 (iPhone) Safari/605.1"})
        phone.client.headers["User-Agent"] = "Mozilla/5.0 (iPhone) Safari/605.1"
        await phone.sign_in("mira", PASSWORD)
        await mira.sign_in("mira", PASSWORD)
        assert "Safari on iOS" in (await mira.client.get("/account")).text
        await mira.send("/account/password", old=PASSWORD, new="other words now")
        assert (await phone.client.get(QUEUE)).status_code == 401
        assert (await mira.client.get(QUEUE)).status_code == 200
        await phone.sign_in("mira", "other words now")
        await phone.send("/account/sessions/end")
        assert (await mira.client.get(QUEUE)).status_code == 401


async def test_one_session_is_ended_by_its_owner_and_by_nobody_else(mira: Browser, served: Served) -> None:
    await add(served, "jonas")
    await rows(served, "delete from staff_sessions returning id")
    await mira.sign_in("mira", PASSWORD)
    async with browser(served.url) as jonas, browser(served.url) as phone:
        await jonas.sign_in("jonas", PASSWORD)
        await phone.sign_in("mira", PASSWORD)
        newest = "select s.id from staff_sessions s order by s.created_at desc limit 1"
        (session,) = await rows(served, newest)
        assert (await jonas.send(f"/account/sessions/{session['id']}/end")).status_code == 404
        assert (await phone.client.get(QUEUE)).status_code == 200
        assert (await mira.send(f"/account/sessions/{session['id']}/end")).status_code == 303
        assert (await phone.client.get(QUEUE)).status_code == 401


async def test_an_admin_adds_changes_disables_and_resets_and_all_of_it_is_written_down(served: Served) -> None:
    await add(served, "ada", "admin")
    async with browser(served.url) as ada, browser(served.url) as lena:
        await ada.sign_in("ada", PASSWORD)
        page = await ada.send("/staff", name="Lena", role="reviewer")
        password = page.text.partition('<code class="secret">')[2].partition("<")[0]
        assert (await lena.sign_in("lena", password)).headers["location"] == "/review"
        assert (await ada.send("/staff", name="lena", role="reviewer")).status_code == 422
        assert (await ada.send("/staff", name="<b>", role="reviewer")).status_code == 422
        assert (await ada.send("/staff", name="kim", role="reviewer")).status_code == 422  # a staff key's name
        assert (await ada.send("/staff", name="x", role="king")).status_code == 422
        assert (await ada.send("/staff/lena/role", role="lead")).headers["location"] == "/staff?done=role"
        assert (await ada.send("/staff/lena/reset")).status_code == 200
        assert (await lena.client.get("/account")).status_code == 303
        assert (await ada.send("/staff/lena/disable")).headers["location"] == "/staff?done=disabled"
        assert (await ada.send("/staff/lena/enable")).headers["location"] == "/staff?done=enabled"
        nobody = await ada.send("/staff/%00x/reset")
        assert (nobody.status_code, "There is nobody called x" in nobody.text) == (422, True)
        with pytest.raises(ConflictError, match="a staff key's name"):
            await served.services.staff.accounts.add_first("kim", PASSWORD)
        for last in ("/staff/ada/disable", "/staff/ada/role"):
            assert "the last admin" in (await ada.send(last, role="lead")).text
        shown = (await ada.client.get("/staff")).text
    assert "lena" in shown
    kinds = await rows(served, "select kind from events where actor = 'ada' and kind like 'staff.%' order by at, id")
    told = [row["kind"].removeprefix("staff.") for row in kinds]
    assert told[-5:] == ["added", "role_set", "password_reset", "disabled", "enabled"]


async def test_a_staff_key_works_as_it_did_and_its_role_can_be_set(database_url: str) -> None:
    settings = settings_on(database_url)
    settings.staff_keys = {"kim": SecretStr("kim-key"), "lee": SecretStr("lee-key")}
    settings.staff.key_roles = {"lee": "auditor"}
    async with serving(settings, parts=()) as served:
        url = served.url
        async with caller(url) as nobody, caller(url, key="kim-key") as kim, caller(url, key="lee-key") as lee:
            assert (await kim.post(f"{NO_CASE}/take-over")).status_code == 404
            assert (await lee.post(f"{NO_CASE}/take-over")).status_code == 403
            assert (await lee.get(QUEUE)).status_code == 200
            assert (await nobody.get(QUEUE)).headers["www-authenticate"] == "Bearer"


async def test_an_error_on_a_page_is_a_page(mira: Browser, served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    await mira.sign_in("mira", PASSWORD)
    answer = await mira.client.get("/staff")
    assert (answer.status_code, answer.headers["content-type"]) == (403, "text/html; charset=utf-8")
    assert "The role reviewer may not do this" in answer.text
    assert '<a href="/review">' in answer.text  # and one can go on
    assert answer.headers["cache-control"] == "no-store"
    monkeypatch.delattr(type(served.services.staff.sessions), "of_account")
    answer = await mira.client.get("/account")
    assert (answer.status_code, "<h1>Something went wrong</h1>" in answer.text) == (500, True)
