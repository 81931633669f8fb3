"""The small parts of the embedded servers: telling processes apart, what they say, and free ports."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.embedded import process
from infra.embedded.ports import choose_port
from infra.embedded.process import ProcessIdentity, complaint, identify
from infra.embedded.protocol import Event, Failed, Progress, Ready, decode, encode
from skills.errors import ConfigurationError


@given(
    st.builds(Progress, st.text())
    | st.builds(Ready, st.text(), st.text(), st.none() | st.text(), st.booleans())
    | st.builds(Failed, st.text(), st.none() | st.text())
)
def test_an_event_is_one_line_and_arrives_as_it_was_sent(event: Event) -> None:
    line = encode(event)
    assert line.count(b"\n") == 1
    assert decode(line) == event


@given(st.text())
def test_a_complaint_is_always_one_line(log: str) -> None:
    assert len(complaint(log).splitlines()) <= 1


@pytest.mark.parametrize(
    ("log", "said"),
    [
        ("", ""),
        ("just this\n", "just this"),
        ("x [7] LOG:  starting\nx [7] FATAL:  out of disk\nx [7] LOG:  database system is shut down\n", "out of disk"),
        ("creating directory ... ok\ninitdb: error: could not write\n", "could not write"),
    ],
)
def test_a_complaint_is_the_line_that_says_why(log: str, said: str) -> None:
    assert complaint(log) == said


def test_a_zombie_and_a_reused_process_id_count_as_dead() -> None:
    child = subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE)
    identity = identify(child.pid)
    assert identity is not None
    assert identity.alive
    assert not ProcessIdentity(child.pid, "earlier").alive
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not identity.alive
    child.communicate()
    assert identify(child.pid) is None


@pytest.mark.skipif(not Path("/bin/ps").exists(), reason="no ps here")
def test_processes_are_told_apart_without_proc_too() -> None:
    child = subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE)
    found = process._identify_with_ps(child.pid)
    assert found is not None
    assert found == process._identify_with_ps(child.pid)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert process._identify_with_ps(child.pid) is None
    child.communicate()


def test_a_machine_without_a_free_port_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.embedded.ports.is_free", lambda _: False)
    with pytest.raises(ConfigurationError, match="No free port for Redis"):
        choose_port("Redis", asked=None, remembered=6379)
