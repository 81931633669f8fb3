"""The status page over HTTP: for the public, for staff, and from a process of its own while PostgreSQL stands still."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pytest

import api.status_desk
from api.status_server import Lookout, create_status_app, export
from infra.embedded.servers import RunningServers
from infra.status.snapshot import read
from tests.integration.http.conftest import NO_CERTIFICATES, caller
from tests.integration.http.console import add, browser
from tests.integration.serving import Served, serving, settings_on

ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
async def served(database_url: str, tmp_path: Path) -> AsyncIterator[Served]:
    settings = settings_on(database_url)
    settings.company.name = "Example Shop"
    settings.status.file = tmp_path / "kept" / "status.json"
    async with serving(settings, parts=()) as running:
        yield running


@pytest.fixture
async def kim(served: Served) -> AsyncIterator[httpx.AsyncClient]:
    async with caller(served.url, key="kim-key") as client:
        yield client


@pytest.fixture
async def anybody(served: Served) -> AsyncIterator[httpx.AsyncClient]:
    async with caller(served.url) as client:
        yield client


async def opened(kim: httpx.AsyncClient, **changes: Any) -> str:
    asked = {"title": "Chat is slow", "severity": "P1", "impact": "degraded", "components": ["chat"]} | changes
    answer = await kim.post("/v1/status/incidents", json=asked)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def test_an_incident_from_its_draft_to_its_report(
    served: Served, kim: httpx.AsyncClient, anybody: httpx.AsyncClient
) -> None:
    await served.services.status.look()
    incident = await opened(kim)
    assert (await anybody.get("/status.json")).json()["incidents"] == [], "a draft is nobody else's"
    for phase, text in (("investigating", "We look into <it>."), ("resolved", "It is over.")):
        asked = {"phase": phase, "text": text}
        assert (await kim.post(f"/v1/status/incidents/{incident}/updates", json=asked)).status_code == 201
        told = (await anybody.get("/status.json")).json()
        (chat,) = (one for one in told["components"] if one["id"] == "chat")
        assert (told["incidents"][0]["updates"][0]["text"], chat["days"][-1]["kind"]) == (text, "degraded")
    page = await anybody.get("/status")
    assert "We look into &lt;it&gt;." in page.text
    assert "kim" not in page.text, "who wrote it is nobody's business outside"
    early = {"text": "A disk was full.", "url": ""}
    assert (await kim.put(f"/v1/status/incidents/{incident}/report", json=early)).status_code == 204
    assert "A disk was full." in (await anybody.get("/status")).text
    assert read(served.services.settings.status.file or Path()) is not None
    feed = await anybody.get("/status/history.atom")
    titles = [one.text for one in ET.fromstring(feed.content).iterfind(f"{ATOM}entry/{ATOM}title")]
    assert titles == ["Chat is slow: report", "Chat is slow: resolved", "Chat is slow: investigating"]


async def test_the_public_page_sets_no_cookie_and_caches_may_keep_it(
    served: Served, anybody: httpx.AsyncClient
) -> None:
    await served.services.status.look()
    for path in ("/status", "/status.json", "/status/history.atom"):
        answer = await anybody.get(path)
        assert (answer.status_code, "set-cookie" in answer.headers) == (200, False)
        assert answer.headers["cache-control"].startswith("public, max-age=")
        again = await anybody.get(path, headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    page = (await anybody.get("/status")).text
    assert "<script" not in page
    assert "Example Shop status" in page


async def test_what_can_not_be_is_a_problem_with_a_hint(kim: httpx.AsyncClient) -> None:
    draft = await opened(kim)
    for method, path, asked, status in (
        ("POST", "incidents", {"title": "x", "severity": "P1", "components": ["moon"]}, 422),
        ("POST", "incidents", {"title": "x", "severity": "P9", "components": ["chat"]}, 422),
        ("PUT", f"incidents/{draft}/report", {"text": "too early"}, 409),
        ("PUT", f"incidents/{draft}/report", {"url": "javascript:alert(1)"}, 422),
        ("PUT", "components/moon/override", {"state": "down"}, 404),
        ("POST", f"incidents/{draft}/dismiss", None, 204),
        ("POST", f"incidents/{draft}/updates", {"phase": "resolved", "text": "x"}, 409),
    ):
        answer = await kim.request(method, f"/v1/status/{path}", json=asked)
        assert answer.status_code == status, (path, answer.text)


async def test_planned_work_shows_while_it_goes_on_and_is_taken_out_of_the_uptime(
    served: Served, kim: httpx.AsyncClient, anybody: httpx.AsyncClient
) -> None:
    await served.services.status.look()
    now = datetime.now(UTC)
    asked = {
        "title": "New servers",
        "text": "Chat pauses.",
        "components": ["chat"],
        "starts_at": (now - timedelta(minutes=1)).isoformat(),
        "ends_at": (now + timedelta(hours=1)).isoformat(),
    }
    made = (await kim.post("/v1/status/maintenance", json=asked)).json()["id"]
    (chat,) = (one for one in (await anybody.get("/status.json")).json()["components"] if one["id"] == "chat")
    assert chat["state"] == "maintenance"
    assert chat["days"][-1]["maintenance"] >= 60 or now.hour == 0
    assert (await kim.post(f"/v1/status/maintenance/{made}/end", json={})).status_code == 204
    (chat,) = (one for one in (await anybody.get("/status.json")).json()["components"] if one["id"] == "chat")
    assert chat["state"] != "maintenance"


async def test_a_lead_writes_on_the_page_and_a_reviewer_may_not(served: Served) -> None:
    await served.services.status.look()
    await add(served, "lena", "lead")
    await add(served, "mira", "reviewer")
    async with browser(served.url) as lena, browser(served.url) as mira:
        await mira.sign_in("mira", "three words apart")
        assert (await mira.client.get("/status/manage")).status_code == 403
        await lena.sign_in("lena", "three words apart")
        wrong = await lena.send(
            "/status/manage/incidents", title="Mails wait", severity="P1", impact="down", text="Hm."
        )
        assert (wrong.status_code, "Mails wait" in wrong.text, "Hm." in wrong.text) == (422, True, True)
        sent = await lena.send(
            "/status/manage/incidents", title="Mails wait", severity="P1", impact="down", components="chat"
        )
        assert sent.headers["location"] == "/status/manage?done=opened"
        page = (await lena.client.get("/status/manage")).text
        assert "draft" in page
        incident = page.partition('id="incident-')[2][:36]
        told = await lena.send(f"/status/manage/incidents/{incident}/updates", phase="resolved", text="It is over.")
        assert told.headers["location"] == "/status/manage?done=published"
        assert "Write the report" in (await lena.client.get("/status/manage")).text
        assert (await lena.send("/status/manage/components/chat", state="down")).status_code == 303
        public = (await lena.client.get("/status.json")).json()
        assert [one["state"] for one in public["components"] if one["id"] == "chat"] == ["down"]


@contextmanager
def standing_still(servers: RunningServers) -> Iterator[None]:
    """PostgreSQL with all its processes, stopped by SIGSTOP."""
    if servers.joined:
        pytest.skip("the server is not ours to stop")
    first = int((servers.folder / "postgres" / "postmaster.pid").read_text().split()[0])
    pids = [first]
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, ValueError):
                continue
            if parent == first:
                pids.append(int(entry.name))
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


async def test_while_postgresql_stands_still_the_page_answers_and_says_so(
    served: Served,
    servers: RunningServers,
    anybody: httpx.AsyncClient,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(api.status_desk, "_PATIENCE", 0.2)
    monkeypatch.setattr(api.status_desk, "_KEPT", 0.0)
    await served.services.status.look()
    lookout = Lookout(served.url, tmp_path / "mirror" / "status.json")
    outside = httpx.ASGITransport(create_status_app(lookout))
    async with (
        httpx.AsyncClient(timeout=20, verify=NO_CERTIFICATES) as client,
        httpx.AsyncClient(transport=outside, base_url="http://status.example") as reader,
    ):
        while not lookout.seen().snapshot.components or lookout.seen().reach != "fresh":
            await lookout.look(client)
        assert "be reached" not in (await reader.get("/")).text
        with standing_still(servers):
            page = await anybody.get("/status")
            assert page.status_code == 200
            assert "Our own data can&#39;t be reached now." in page.text
            assert "Chat, Contact form, Answers by the assistant" in page.text, "its parts are still known by name"
            for _ in range(2):
                await lookout.look(client)
            page = await reader.get("/")
            assert page.status_code == 200
            assert "can&#39;t be reached" in page.text
            assert "do not work now." in page.text
            anew = Lookout(served.url, tmp_path / "mirror" / "status.json")  # started again while all is down
            await anew.look(client)
            assert [one.id for one in anew.seen().snapshot.components][:2] == ["chat", "form"]
            export(anew.seen(), tmp_path / "site", "https://status.example")
        client.timeout = httpx.Timeout(20)
        while lookout.seen().reach != "fresh":
            await lookout.look(client)
        assert "be reached" not in (await reader.get("/status")).text
    assert {one.relative_to(tmp_path / "site").as_posix() for one in (tmp_path / "site").rglob("*.*")} == {
        "index.html",
        "status.json",
        "status/history.atom",
        "assets/icon.svg",
        "assets/theme.css",
        "assets/controls.css",
        "assets/status/status.css",
    }
