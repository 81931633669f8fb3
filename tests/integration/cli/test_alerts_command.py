from __future__ import annotations

import json

import pytest

from skills.errors import BadRequestError, ConflictError, NotFoundError
from tests.integration.cli.conftest import Csagent


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CSAGENT_STAFF__PASSWORD_MEMORY_KIB", "32")


def test_a_webhook_is_added_tried_out_and_its_secret_changed(csagent: Csagent) -> None:
    assert "no webhooks" in csagent("alerts", "webhook", "list").stdout
    secret = csagent("alerts", "webhook", "add", "pager", "https://hooks.example/x").stdout.strip()
    assert csagent("alerts", "webhook", "secret", "pager").stdout.strip() == secret
    assert csagent("alerts", "webhook", "rotate", "pager").stdout.strip() != secret
    assert csagent("alerts", "test").stdout.startswith("1 receiver is told")
    (alert,) = json.loads(csagent("alerts", "list", "--json").stdout)
    (send,) = alert["sends"]
    assert (alert["kind"], send["to"], send["state"]) == ("test", "pager", "pending")
    assert csagent("alerts", "retry", send["id"]).stdout == "it is tried again now\n"
    csagent("alerts", "webhook", "disable", "pager")
    assert "disabled" in csagent("alerts", "webhook", "list").stdout
    csagent("alerts", "webhook", "remove", "pager")
    assert "told of everything" in csagent("alerts", "list", "--failed").stdout


def test_what_can_not_be_is_one_line_and_a_hint(csagent: Csagent) -> None:
    csagent("alerts", "webhook", "add", "pager", "https://hooks.example/x")
    for arguments, error in {
        ("webhook", "add", "pager", "https://hooks.example/x"): ConflictError,
        ("webhook", "add", "Pager!", "https://hooks.example/x"): BadRequestError,
        ("webhook", "add", "other", "http://hooks.example/x"): BadRequestError,
        ("webhook", "rotate", "other"): NotFoundError,
        ("retry", "00000000"): NotFoundError,
    }.items():
        assert isinstance(csagent("alerts", *arguments).exception, error), arguments


def test_somebody_gets_an_address_for_alerts_and_loses_it(csagent: Csagent) -> None:
    csagent("staff", "add", "rita")
    assert csagent("staff", "address", "rita", "rita@shop.example").stdout.startswith("alerts for rita go to rita@")
    assert json.loads(csagent("staff", "list", "--json").stdout)[0]["address"] == "rita@shop.example"
    assert "no alerts by mail" in csagent("staff", "address", "rita").stdout
    assert isinstance(csagent("staff", "address", "rita", "nothing").exception, BadRequestError)
