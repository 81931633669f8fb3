"""What browsers bring back to the staff's door: cookies of ours, and where to go on."""

from __future__ import annotations

from typing import cast
from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import SecretStr

from api.routes.pages import local
from api.staff_door import FLOW_SECONDS, StaffDoor, network_of
from infra.postgres.staff import StaffAccounts
from infra.postgres.staff_sessions import StaffSessions
from infra.staff.oidc import Flow
from infra.staff_settings import refuse_unknown_keys, roles_behind_commas
from skills.errors import ConfigurationError

NOBODY = cast("StaffAccounts", None), cast("StaffSessions", None)
FLOW = Flow("state", "nonce", "verifier")


def door(secret: bytes = b"s" * 32) -> StaffDoor:
    keys = {"kim": SecretStr("kim-key"), "lee": SecretStr("lee-key")}
    return StaffDoor(*NOBODY, keys=keys, key_roles={"lee": "auditor"}, secret=secret)


@given(st.text())
@example("//evil.example")
@example("/\\evil.example")
@example("/\t/evil.example")
@example("\x00/x")
@example("/" + "x" * 600)
def test_whatever_a_link_says_one_goes_on_here(then: str) -> None:
    path = local(then)
    assert path in {"", then}
    assert urlsplit(urljoin("https://help.example/sign-in", path)).netloc == "help.example"


def test_a_flow_comes_back_as_it_went_for_ten_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = door().kept_flow(FLOW, "/review#e/ü")
    assert door().flow_of(kept) == (FLOW, "/review#e/ü")
    assert door(b"x" * 32).flow_of(kept) is None
    monkeypatch.setattr("time.time", lambda: 4e9)
    assert door().flow_of(kept) is None
    assert FLOW_SECONDS == 600


@given(st.text())
def test_no_made_up_cookie_is_a_flow(text: str) -> None:
    assert door().flow_of(text) is None
    assert door().flow_of(f"{door().kept_flow(FLOW, '/')}{text or 'x'}") is None


@given(st.text().filter(lambda text: text not in {"kim-key", "lee-key"}))
def test_only_a_key_that_is_set_is_somebodys(text: str) -> None:
    assert door().key_holder(text) is None
    assert door().key_holder("kim-key") == ("kim", "lead")
    assert door().key_holder("lee-key") == ("lee", "auditor")


@given(
    st.dictionaries(
        st.text(st.characters(exclude_characters=",", exclude_categories=["Cs"])).map(str.strip).filter(bool),
        st.sampled_from(["lead", "auditor"]),
    )
)
def test_groups_of_any_name_are_read_as_they_were_written(pairs: dict[str, str]) -> None:
    assert roles_behind_commas(" , ".join(f"{group} : {role}" for group, role in pairs.items())) == pairs


@pytest.mark.parametrize("text", ["admin", ":admin", "support:reviewer,admin", "support:king"])
def test_a_role_of_nobody_and_one_that_there_is_not_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write name:role"):
        roles_behind_commas(text)


def test_a_role_of_a_key_that_there_is_not_is_refused() -> None:
    refuse_unknown_keys({"importer": "analyst"}, ["importer", "kim"])
    with pytest.raises(ConfigurationError, match="names importr,"):
        refuse_unknown_keys({"importr": "analyst"}, ["importer", "kim"])


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("a socket", "a socket"),
    ],
)
def test_of_ipv6_the_network_of_one_subscriber_counts_as_one_address(host: str, network: str) -> None:
    assert network_of(host) == network
