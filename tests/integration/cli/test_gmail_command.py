from __future__ import annotations

import json
import re
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from channels.gmail.consent import Consent, NoConsentError
from channels.gmail.credentials import SCOPES
from evals.emulators.gmail.emulator import GmailEmulator
from skills.errors import ConfigurationError
from tests.integration.cli.conftest import Csagent
from tests.mailroom import MAILBOX, Mailroom, mailroom


@pytest.fixture
def room(tmp_path: Path, surroundings: pytest.MonkeyPatch) -> Iterator[Mailroom]:
    with mailroom(tmp_path / "elsewhere") as opened:
        surroundings.setenv("CSAGENT_GMAIL__API_URL", opened.gmail.url)
        surroundings.setenv("CSAGENT_GMAIL__MAILBOX", MAILBOX)
        surroundings.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")  # the emulator's token endpoint has no TLS
        yield opened


def written(path: Path, found: Any) -> str:
    path.write_text(json.dumps(found))
    return str(path)


def agree(gmail: GmailEmulator, url: str, scopes: tuple[str, ...] = SCOPES) -> str:
    """What the owner's browser is sent to after agreeing."""
    asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert asked["login_hint"] == MAILBOX
    assert set(asked["scope"].split()) == set(SCOPES)
    code = gmail.tokens.consent(
        scopes, asked["redirect_uri"], challenge=asked["code_challenge"], method=asked["code_challenge_method"]
    )
    return str(httpx.URL(asked["redirect_uri"], params={"state": asked["state"], "code": code}))


def test_a_service_account_is_tried_then_kept_where_nobody_else_reads_it(
    room: Mailroom, csagent: Csagent, tmp_path: Path
) -> None:
    key = written(tmp_path / "key.json", room.gmail.tokens.service_account_info())
    result = csagent("gmail", "connect", "service-account", key)
    assert result.exit_code == 0, result.output
    assert f"signed in as {MAILBOX}" in result.stdout
    kept = tmp_path / "folder" / "gmail.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert [one.name for one in kept.parent.iterdir()] == ["gmail.json"]


def test_an_account_without_the_scopes_is_told_what_to_click_and_nothing_is_kept(
    room: Mailroom, csagent: Csagent, tmp_path: Path
) -> None:
    room.gmail.tokens.delegated = frozenset()
    key = written(tmp_path / "key.json", room.gmail.tokens.service_account_info())
    result = csagent("gmail", "connect", "service-account", key)
    assert "not signed in" in str(result.exception)
    assert "domain-wide delegation" in str(getattr(result.exception, "hint", ""))
    assert list((tmp_path / "folder").iterdir()) == []


def test_the_owner_agrees_in_this_machines_browser(
    room: Mailroom, csagent: Csagent, tmp_path: Path, surroundings: pytest.MonkeyPatch
) -> None:
    class Browser:
        def open(self, url: str, **_: Any) -> bool:
            threading.Thread(target=httpx.get, args=(agree(room.gmail, url),)).start()
            return True

    surroundings.setattr("webbrowser.get", lambda _=None: Browser())
    result = csagent("gmail", "connect", "oauth", written(tmp_path / "c.json", room.gmail.tokens.client_secrets()))
    assert result.exit_code == 0, result.output
    assert json.loads((tmp_path / "folder" / "gmail.json").read_text())["type"] == "authorized_user"


def test_on_a_machine_without_a_browser_the_answer_is_pasted(room: Mailroom, tmp_path: Path) -> None:
    consent = Consent(room.gmail.tokens.client_secrets(), MAILBOX)
    answer = agree(room.gmail, consent.address())
    assert answer.startswith("http://localhost:1/?")
    assert consent.pasted(answer)["refresh_token"]


def test_an_answer_to_another_question_or_half_an_answer_signs_nobody_in(room: Mailroom) -> None:
    consent = Consent(room.gmail.tokens.client_secrets(), MAILBOX)
    answer = agree(room.gmail, consent.address())
    with pytest.raises(NoConsentError, match="whole address"):
        consent.pasted("4/0Axyz")
    with pytest.raises(NoConsentError, match="mismatching_state"):
        consent.pasted(re.sub(r"state=[^&]*", "state=forged", answer))
    with pytest.raises(NoConsentError, match="access_denied"):
        consent.pasted(re.sub(r"code=[^&]*", "error=access_denied", answer))


def test_a_box_that_was_not_ticked_is_said(room: Mailroom) -> None:
    consent = Consent(room.gmail.tokens.client_secrets(), MAILBOX)
    with pytest.raises(NoConsentError, match="lacks a permission"):
        consent.pasted(agree(room.gmail, consent.address(), SCOPES[:1]))


def test_the_command_pastes_too(
    room: Mailroom, csagent: Csagent, tmp_path: Path, surroundings: pytest.MonkeyPatch
) -> None:
    surroundings.setattr("typer.prompt", lambda _: "http://localhost:1/?nothing=here")
    client = written(tmp_path / "c.json", room.gmail.tokens.client_secrets())
    result = csagent("gmail", "connect", "oauth", client, "--paste")
    assert "https://accounts.google.com/o/oauth2/auth?" in result.stdout
    assert isinstance(result.exception, NoConsentError)


@pytest.mark.parametrize(
    ("content", "said"),
    [("{}", "desktop app"), ("[]", "not Google's JSON"), ("{", "not Google's JSON"), ('{"installed": {}}', "lacks")],
)
def test_another_file_is_refused_with_what_to_download(
    room: Mailroom, csagent: Csagent, tmp_path: Path, content: str, said: str
) -> None:
    (tmp_path / "c.json").write_text(content)
    result = csagent("gmail", "connect", "oauth", str(tmp_path / "c.json"))
    assert isinstance(result.exception, ConfigurationError)
    assert said in str(result.exception)
    assert result.exception.hint


def test_somebody_elses_mailbox_is_refused(room: Mailroom, csagent: Csagent, tmp_path: Path) -> None:
    key = written(tmp_path / "key.json", room.gmail.tokens.service_account_info())
    assert "is no service account" in str(
        csagent("gmail", "connect", "service-account", written(tmp_path / "x.json", {"type": "other"})).exception
    )
    assert "can't be read" in str(csagent("gmail", "connect", "service-account", "nowhere.json").exception)
    result = csagent("gmail", "connect", "service-account", key, "--mailbox", "kim@shop.example")
    assert "not signed in" in str(result.exception)
    assert "no such mailbox" in str(getattr(result.exception, "hint", ""))


def test_status_and_sync_show_how_the_mailbox_is_followed(
    room: Mailroom, csagent: Csagent, tmp_path: Path, surroundings: pytest.MonkeyPatch
) -> None:
    surroundings.setenv("CSAGENT_GMAIL__CREDENTIALS", str(room.credentials))
    assert "not followed yet" in csagent("gmail", "status").stdout
    assert "0 new mails" in csagent("gmail", "sync").stdout
    room.comes()
    told = json.loads(csagent("gmail", "status", "--json").stdout)
    assert (told["backlog"], told["signed_in"], told["cursor"]) == (1, True, 1000)
    assert json.loads(csagent("gmail", "sync", "--json").stdout) == {"received": 1}
    shown = csagent("gmail", "status").stdout
    assert re.search(r"backlog +0 mails", shown)
    assert re.search(r"watch +none", shown)
    room.gmail.tokens.revoke()
    lost = csagent("gmail", "status")
    assert lost.exit_code == 1
    assert "not signed in" in lost.stdout


def test_without_a_mailbox_there_is_nothing_to_show(csagent: Csagent) -> None:
    for command in ("status", "sync"):
        result = csagent("gmail", command)
        assert "no mailbox is set up" in str(result.exception)
    assert "for which mailbox?" in str(csagent("gmail", "connect", "service-account", "key.json").exception)


def test_the_doctor_says_what_the_mailbox_lacks(
    room: Mailroom, without_servers: Csagent, tmp_path: Path, surroundings: pytest.MonkeyPatch
) -> None:
    assert "error   mailbox" in without_servers("doctor").stdout
    surroundings.setenv("CSAGENT_GMAIL__CREDENTIALS", str(room.credentials))
    assert f"ok      mailbox          {MAILBOX}, looked at every 30 s" in without_servers("doctor").stdout
    surroundings.setenv("CSAGENT_GMAIL__TOPIC", room.gmail.pubsub.topic)
    assert "nothing to know its pushes by" in without_servers("doctor").stdout
    room.credentials.chmod(0o644)
    assert "others on this machine can read" in without_servers("doctor").stdout
    surroundings.delenv("CSAGENT_GMAIL__MAILBOX")
    assert "ok      mailbox          not set up" in without_servers("doctor").stdout
