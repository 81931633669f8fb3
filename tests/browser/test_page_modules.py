"""The modules of the pages that have rules of their own, in the browser that runs them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.async_api import Page

from tests.browser.conftest import OpenPage

pytestmark = pytest.mark.browser

MINUTE = 60_000


@pytest.fixture
async def page(open_page: OpenPage) -> Page:
    return await open_page("/chat")


async def call(page: Page, module: str, function: str, *arguments: object) -> Any:
    return await page.evaluate(
        "async ([module, name, given]) => (await import(`/assets/${module}`))[name](...given)",
        [module, function, arguments],
    )


async def test_an_event_stream_may_be_cut_anywhere(page: Page) -> None:
    stream = (
        ': still here\n\nid: 7\nevent: message\ndata: {"text": "ü🌱\\n\\ndata: 1"}\n\n'
        ': what is going on\nevent: activity\ndata: {"activity": "idle"}\n\nevent: message\ndata: {"unfinished": 1}\n'
    )

    results = await page.evaluate(
        """async (stream) => {
            const { EventParser } = await import("/assets/chat/events.js");
            const seen = new Set();
            for (let first = 0; first <= stream.length; first += 1) {
                for (let second = first; second <= stream.length; second += 1) {
                    const parser = new EventParser();
                    const pieces = [stream.slice(0, first), stream.slice(first, second), stream.slice(second)];
                    seen.add(JSON.stringify(pieces.flatMap((piece) => parser.feed(piece))));
                }
            }
            return [...seen];
        }""",
        stream,
    )

    assert [json.loads(result) for result in results] == [
        [
            {"event": "message", "data": '{"text": "ü🌱\\n\\ndata: 1"}'},
            {"event": "activity", "data": '{"activity": "idle"}'},
        ]
    ]


@pytest.mark.parametrize(
    ("milliseconds", "words"),
    [
        (0, "under 1 min"),
        (MINUTE - 1, "under 1 min"),
        (MINUTE, "1 min"),
        (12.5 * MINUTE, "12 min"),
        (60 * MINUTE, "1 h"),
        (185 * MINUTE, "3 h 5 min"),
        (24 * 60 * MINUTE, "1 d"),
        (52 * 60 * MINUTE, "2 d 4 h"),
    ],
)
async def test_a_duration_takes_two_units_at_most(page: Page, milliseconds: float, words: str) -> None:
    assert await call(page, "moments.js", "duration", milliseconds) == words


async def test_a_sentence_is_found_however_its_lines_are_broken(page: Page) -> None:
    text = "Hello.\nIt costs\n£4 (or less)? Yes. It costs £4."
    wanted = [{"find": "It costs £4 (or less)?", "label": 1}, {"find": "It costs £4 (or less)?", "label": 2}]

    parts = await call(page, "review/highlight.js", "sentencesIn", text, [*wanted, {"find": "Not there.", "label": 3}])

    assert "".join(part["text"] for part in parts) == text
    assert [part for part in parts if part["labels"]] == [{"text": "It costs\n£4 (or less)?", "labels": [1, 2]}]


async def test_whole_words_are_marked_in_every_script(page: Page) -> None:
    parts = await call(page, "review/highlight.js", "wordsIn", "Nie! Niemals nie, größte", ["nie", "größte", ""])

    assert [part["text"] for part in parts if part["labels"]] == ["Nie", "nie", "größte"]
    assert "".join(part["text"] for part in parts) == "Nie! Niemals nie, größte"
