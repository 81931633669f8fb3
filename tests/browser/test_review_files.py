"""Files of messages on the reviewer's page: listed, and downloaded."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.browser.desk import open_parcel
from tests.browser.examples import PARCEL
from tests.browser.server import PageServer

pytestmark = pytest.mark.browser

FILES = [
    {"ordinal": 0, "name": "message.eml", "media_type": "message/rfc822", "size": 4_000, "refusal": None},
    {"ordinal": 1, "name": "<b>bill</b>.pdf", "media_type": "application/pdf", "size": 2_400_000, "refusal": None},
    {"ordinal": 2, "name": "setup.exe", "media_type": "application/x-dosexec", "size": 900, "refusal": "program"},
]


async def test_files_are_listed_and_downloaded(desk: Page, server: PageServer) -> None:
    server.review.escalations[PARCEL]["transcript"][0]["files"] = FILES
    await open_parcel(desk)
    files = desk.get_by_role("list", name="Files").get_by_role("listitem")
    await expect(files).to_have_count(3)
    await expect(files.nth(0)).to_contain_text("The message as it came in")
    await expect(files.nth(1)).to_contain_text("<b>bill</b>.pdf")
    await expect(files.nth(1)).to_contain_text("PDF, 2.3 MB")
    await expect(files.nth(2)).to_contain_text("Not kept: it may be a program")
    async with desk.expect_download() as started:
        await desk.get_by_role("button", name="Download <b>bill</b>.pdf").click()
    saved = await (await started.value).path()
    assert await asyncio.to_thread(Path(saved).read_bytes) == b"file 1"
    server.review.losing_answers = True
    await desk.get_by_role("button", name="Download The message as it came in").click()
    await expect(files.nth(0)).to_contain_text("It could not be read. Try again.")
    gone = {"title": "Unauthorized", "status": 401, "detail": "sign in first"}
    await desk.route(re.compile("/files/"), lambda route: route.fulfill(status=401, json=gone))
    await desk.get_by_role("button", name="Download The message as it came in").click()
    await expect(desk.get_by_role("heading", name="You were signed out")).to_be_visible()
