"""Texts for WhatsApp: its own markup, and messages that are not too long."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.whatsapp.text import MAX_LENGTH, from_markdown, split
from skills.adapt.rules import length_of


@pytest.mark.parametrize(
    ("markdown", "whatsapp"),
    [
        ("plain", "plain"),
        ("**bold** and __bold__", "*bold* and *bold*"),
        ("*light* word", "_light_ word"),
        ("_light_ word", "_light_ word"),
        ("**bold with *light* inside**", "*bold with _light_ inside*"),
        ("~~gone~~", "~gone~"),
        ("`code **as is**`", "`code **as is**`"),
        ("```python\nx = **1**\n```", "```\nx = **1**\n```"),
        ("```\nnever closed", "```\nnever closed\n```"),
        ("# Title\ntext", "*Title*\n\ntext"),
        ("## A **bold** title ##", "*A bold title*"),
        ("* one\n+ two\n- three", "- one\n- two\n- three"),
        ("1. one\n2. two", "1. one\n2. two"),
        ("  * deeper", "- deeper"),
        ("- a\n  * deeper", "- a\n  - deeper"),
        ("> quoted", "> quoted"),
        ("[the form](https://a.example/x)", "the form: https://a.example/x"),
        ("[](https://a.example/x)", "https://a.example/x"),
        ("[https://a.example/x](https://a.example/x)", "https://a.example/x"),
        ("[here](https://a.example/b_(c) 'title')", "here: https://a.example/b_(c)"),
        ("[write](mailto:help@a.example)", "write: help@a.example"),
        ("<https://a.example/x>", "https://a.example/x"),
        ("![logo](https://a.example/l.png)", "logo: https://a.example/l.png"),
        ("https://a.example/a_b_c*d*e", "https://a.example/a_b_c*d*e"),
        ("2 * 3 * 4 = 24", "2 * 3 * 4 = 24"),
        ("snake_case_name", "snake_case_name"),
        (r"\*not light\*", "*not light*"),
        ("a\n\n\n\nb", "a\n\nb"),
        ("a\n\n---\n\nb", "a\n\nb"),
        ("", ""),
    ],
)
def test_markdown_becomes_whatsapps_markup(markdown: str, whatsapp: str) -> None:
    assert from_markdown(markdown) == whatsapp


@given(st.text(alphabet="ab *_~`#[]()<>!\\\n-", max_size=60))
def test_no_text_is_too_strange_for_the_markup(text: str) -> None:
    assert set(re.findall(r"[ab]", from_markdown(text))) <= set(re.findall(r"[ab]", text))


@pytest.mark.parametrize("mark", ["*", "_", "[", "`", "~~", "**a", "[a](", "<https://", "(" * 3])
def test_the_markup_takes_a_time_that_grows_with_the_text_only(mark: str) -> None:
    from_markdown(mark * 5_000)  # the test's own time limit is the measure


@pytest.mark.parametrize(
    ("text", "limit", "parts"),
    [
        ("", 10, []),
        (" \n ", 10, []),
        ("short", 10, ["short"]),
        ("aaaa\n\nbbb ccc", 11, ["aaaa", "bbb ccc"]),  # a paragraph before a word
        ("aaaa\nbbb ccc", 10, ["aaaa", "bbb ccc"]),  # a line before a word
        ("Hi you. Bye now", 12, ["Hi you.", "Bye now"]),  # a sentence before a word
        ("好的。再见再见", 5, ["好的。", "再见再见"]),
        ("one two three", 9, ["one two", "three"]),
        ("abcdefgh", 3, ["abc", "def", "gh"]),
        ("😀😀😀", 4, ["😀😀", "😀"]),
        ("see https://a.example/long ok", 24, ["see", "https://a.example/long", "ok"]),
        ("see:https://a.example/long", 24, ["see:", "https://a.example/long"]),
        ("xxx👨‍👩‍👧", 6, ["xxx", "👨‍👩‍", "👧"]),  # longer than the room by itself: nothing better than a cut
        ("xxx👨‍👩‍👧", 9, ["xxx", "👨‍👩‍👧"]),
        ("abe\u0301", 3, ["ab", "e\u0301"]),
        ("ab🇩🇪🇫🇷", 8, ["ab🇩🇪", "🇫🇷"]),
        ("a👍🏽", 4, ["a", "👍🏽"]),
    ],
)
def test_a_text_is_cut_at_the_best_border(text: str, limit: int, parts: list[str]) -> None:
    assert split(text, limit) == parts


@given(st.text(max_size=300), st.integers(2, 80))
def test_nothing_is_lost_but_white_space_and_the_order_stays(text: str, limit: int) -> None:
    parts = split(text, limit)
    assert "".join("".join(parts).split()) == "".join(text.split())
    assert all(0 < length_of(part) <= limit for part in parts)


WORDS = st.sampled_from(
    ["a", "word", "https://a.example/p?q=1", "end.", "好的。", "\n\n", "(https://b.example/x)", "😀"]
)


@given(st.lists(WORDS, max_size=40), st.integers(26, 90))
def test_a_link_is_never_cut(words: list[str], limit: int) -> None:
    text = " ".join(words)
    whole = [link for part in split(text, limit) for link in re.findall(r"https?://[^\s)]+", part)]
    assert whole == re.findall(r"https?://[^\s)]+", text)


def test_a_link_that_is_longer_than_a_message_is_cut_for_want_of_better() -> None:
    link = "https://a.example/" + "x" * 2_000
    assert "".join(split(link)) == link
    assert all(length_of(part) <= MAX_LENGTH for part in split(link))
