"""What a customer wrote stays text in Agent Inbox, and the ids of threads say what was read."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from api.agent_inbox.description import escaped
from api.agent_inbox.names import InterruptName, ThreadName
from skills.errors import NotFoundError
from skills.turn import CaseId, EscalationId

MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
PLAIN = {"paragraph_open", "paragraph_close", "inline", "text", "text_special", "softbreak"}
SOME = UUID("018f4c3e-0000-7000-8000-000000000001")


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=60) | st.text(alphabet=" \t\n#>-*_`![](){}<&;|~=+1.\\a"))
@example("![](https://evil.example/pixel.png)")
@example("<img src=https://evil.example/pixel.png>")
@example("    code\n\n\tcode")
@example("a\n===\n| a |\n|---|")
@example("[a]: https://evil.example\n\n[a]")
def test_whatever_a_customer_writes_is_shown_as_text(text: str) -> None:
    tokens = MARKDOWN.parse(escaped(text))
    kinds = {token.type for token in tokens} | {inner.type for token in tokens for inner in token.children or ()}
    assert kinds <= PLAIN


def test_a_threads_id_says_the_case_the_version_and_the_shape() -> None:
    for name in (
        ThreadName(CaseId(SOME)),
        ThreadName(CaseId(SOME), "support", "0123456789abcdef.12"),
        ThreadName(CaseId(SOME), "support_hitl", "0123456789abcdef.12"),
    ):
        assert ThreadName.of(str(name)) == name
    interrupt = InterruptName(EscalationId(SOME), "0123456789abcdef.12")
    assert InterruptName.of(str(interrupt)) == interrupt


@given(st.text(max_size=80))
@example(f"{SOME}.")
@example(f"{SOME}.0123456789abcdef")
@example(f"{SOME}.0123456789abcdef.1\n")
def test_an_id_that_is_none_is_no_thread(text: str) -> None:
    with pytest.raises(NotFoundError):
        ThreadName.of(text)
    assert InterruptName.of(text) is None
