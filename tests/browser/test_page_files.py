"""How the pages are served: under headers that let nothing else run, and nothing but the pages."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from api.pages import routes
from api.pages.files import page_files
from api.problems import install

PAGES = Path(routes.__file__).parent


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    install(app)
    app.include_router(routes.router)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://pages") as opened:
        yield opened


@pytest.mark.parametrize("path", ["/chat", "/review", "/assets/theme.css", "/assets/chat/page.js", "/assets/icon.svg"])
async def test_every_file_comes_with_the_headers_that_lock_the_page(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)

    assert answer.status_code == 200
    policy = dict(part.partition(" ")[::2] for part in answer.headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == policy["form-action"] == "'self'"
    assert policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-cache"
    assert "set-cookie" not in answer.headers


async def test_an_unchanged_file_is_not_sent_again(client: httpx.AsyncClient) -> None:
    first = await client.get("/chat")
    again = await client.get("/chat", headers={"If-None-Match": first.headers["ETag"]})
    other = await client.get("/chat", headers={"If-None-Match": '"of-another-version"'})

    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["Content-Security-Policy"] == first.headers["Content-Security-Policy"]
    assert (other.status_code, other.content) == (200, first.content)


@pytest.mark.parametrize("path", ["/chat", "/review"])
async def test_a_page_answers_head_requests(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.head(path)

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize(
    "path",
    ["/assets/nothing.js", "/assets/", "/assets/../routes.py", "/assets/%2e%2e/routes.py", "/assets/..%2fchat.html"],
)
async def test_nothing_but_the_pages_files_can_be_asked_for(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(httpx.URL("http://pages" + path))

    assert answer.status_code == 404


def test_only_web_files_are_served() -> None:
    assert {Path(name).suffix for name in page_files()} == {".html", ".css", ".js", ".svg"}


@pytest.mark.parametrize(
    "path", sorted(PAGES.rglob("*.js")) + sorted(PAGES.rglob("*.html")), ids=lambda path: path.name
)
def test_no_page_turns_text_into_markup_or_runs_inline_code(path: Path) -> None:
    source = path.read_text()

    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", source)
    assert not re.search(r"\sstyle=|\son\w+=\"|<script(?![^>]*\ssrc=)|<style|javascript:", source)
    assert not re.search(r"https?://(?!\[|\\)", source), "nothing comes from another host"


@pytest.mark.parametrize(
    "path", sorted(PAGES.rglob("*.*s")) + sorted(PAGES.rglob("*.html")), ids=lambda path: path.name
)
def test_every_file_of_a_page_stays_small_and_refers_only_to_files_that_exist(path: Path) -> None:
    source = path.read_text()
    known = page_files()

    assert len(source.splitlines()) < 400
    for name in re.findall(r"(?:href|src)=\"/(assets/[^\"]+)\"", source):
        assert name in known
    for name in re.findall(r"from \"(\.[^\"]+)\"", source):
        assert (path.parent / name).resolve().relative_to(PAGES).as_posix() in known
