"""How the pages are served: under headers that let nothing else run, and nothing but the pages."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from api.pages import routes
from api.pages.bundle import bundle
from api.pages.files import chat_script, page_files
from api.problems import install

PAGES = Path(routes.__file__).parent


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    install(app)
    app.include_router(routes.router)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://pages") as opened:
        yield opened


@pytest.mark.parametrize(
    "path", ["/chat", "/assets/theme.css", "/assets/console/console.css", "/assets/chat/widget.js", "/assets/icon.svg"]
)
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


async def test_a_page_answers_head_requests(client: httpx.AsyncClient) -> None:
    answer = await client.head("/chat")

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
    assert {Path(name).suffix for name in page_files()} == {".html", ".css", ".js", ".json", ".svg"}


@pytest.mark.parametrize(
    "path",
    [*sorted(PAGES.rglob("*.js")), *sorted(PAGES.rglob("*.html")), *sorted(PAGES.rglob("*.jinja"))],
    ids=lambda path: path.name,
)
def test_no_page_turns_text_into_markup_or_runs_inline_code(path: Path) -> None:
    source = path.read_text()

    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", source)
    assert not re.search(r"\sstyle=|\son\w+=\"|<script(?![^>]*\ssrc=)|<style|javascript:", source)
    assert not re.search(r"https?://(?!\[|\\|www\.w3\.org/2000/svg\")", source), "nothing comes from another host"


@pytest.mark.parametrize(
    "path",
    [*sorted(PAGES.rglob("*.*s")), *sorted(PAGES.rglob("*.html")), *sorted(PAGES.rglob("*.jinja"))],
    ids=lambda path: path.name,
)
def test_every_file_of_a_page_stays_small_and_refers_only_to_files_that_exist(path: Path) -> None:
    source = path.read_text()
    known = page_files()

    assert len(source.splitlines()) < 400
    for name in re.findall(r"(?:href|src)=\"/(assets/[^\"]+)\"", source):
        assert name in known, name
    for name in re.findall(r"from \"(\.[^\"]+)\"", source):
        assert (path.parent / name).resolve().relative_to(PAGES).as_posix() in known


async def test_the_chat_is_one_script_of_less_than_20_kb_that_any_site_may_load(client: httpx.AsyncClient) -> None:
    answer = await client.get("/chat.js", headers={"Accept-Encoding": "gzip"})

    assert int(answer.headers["Content-Length"]) < 20_000
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert answer.headers["Cache-Control"] == "no-cache"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.content == chat_script().body
    again = await client.get("/chat.js", headers={"Accept-Encoding": "gzip", "If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("coding", ["", "br", "gzip;q=0", "identity"])
async def test_the_chat_comes_as_it_is_where_it_may_not_be_zipped(client: httpx.AsyncClient, coding: str) -> None:
    answer = await client.get("/chat.js", headers={"Accept-Encoding": coding})
    zipped = await client.get("/chat.js", headers={"Accept-Encoding": "gzip"})

    assert "Content-Encoding" not in answer.headers
    assert answer.content == zipped.content
    assert answer.headers["ETag"] != zipped.headers["ETag"]


@pytest.mark.parametrize("language", ["de", "en", "es", "fr"])
async def test_every_language_of_the_chat_says_the_same_things(client: httpx.AsyncClient, language: str) -> None:
    answer = await client.get(f"/chat/{language}.json")
    english = json.loads(page_files()["assets/chat/words/en.json"].body)
    words = answer.json()

    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert list(words) == list(english)
    for key, text in english.items():
        assert type(words[key]) is type(text), key
        if isinstance(text, str):
            assert ("{n}" in words[key]) == ("{n}" in text), key
        else:
            assert len(words[key]) == len(text), key


def test_every_word_of_the_chat_is_said_somewhere() -> None:
    source = "".join(path.read_text() for path in (PAGES / "assets/chat").glob("*.js"))
    english = json.loads(page_files()["assets/chat/words/en.json"].body)

    by_author = {"agent", "human"}
    assert [key for key in english if not re.search(rf"\bwords\.{key}\b", source) and key not in by_author] == ["you"]


async def test_a_language_that_the_chat_does_not_speak_is_not_found(client: httpx.AsyncClient) -> None:
    assert (await client.get("/chat/xx.json")).status_code == 404


def test_the_chat_is_put_together_in_the_order_of_its_imports(tmp_path: Path) -> None:
    (tmp_path / "look.css").write_text("/* look */\na > b,\nc { color : red; }\n")
    (tmp_path / "words.json").write_text('{"hi": "a // b, \\"c\\" ;}"}')
    (tmp_path / "one.js").write_text(
        "// one\nexport const ONE = /a\\/[/ ]b/u;\n\n/** A\n * b */\nexport function one() {\n  return 1;\n}\n"
        "\nexport function nobodyCalls() {\n  return one();\n}\n"
    )
    (tmp_path / "two.js").write_text(
        'import { ONE, one } from "./one.js";\nimport sheet from "./look.css" with { type: "css" };\n'
        'import words from "./words.json" with { type: "json" };\n\n'
        "const TWO = `${one()} of  ${words.hi} // ${4 / 2}`;\n"
    )

    script = bundle(tmp_path / "two.js").decode()

    assert script == (
        '(() => {\n"use strict";\nconst ONE=/a\\/[/ ]b/u;function one(){return 1}\nconst sheet=new CSSStyleSheet();'
        'sheet.replaceSync("a>b,c{color :red}");const words={hi:"a // b, \\"c\\" ;}"};'
        "const TWO=`${one()} of  ${words.hi} // ${4 / 2}`;\n})();\n"
    )


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ('import { same } from "./other.js";\nconst same = 2;\n', "two modules of entry.js have something called same"),
        ('import * as other from "./other.js";\n', "is more than this can put together"),
        ("export default 1;\n", "is more than this can put together"),
    ],
)
def test_what_can_not_be_put_together_is_refused(tmp_path: Path, source: str, why: str) -> None:
    (tmp_path / "other.js").write_text("export const same = 1;\n")
    (tmp_path / "entry.js").write_text(source)

    with pytest.raises(ValueError, match=why):
        bundle(tmp_path / "entry.js")
