"""HTML to text: what a reader sees."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.gmail import markup
from channels.gmail.markup import TOO_LONG, html_text

PAGES = {
    "paragraphs and lines": ("<p>a</p><p>b<br>c</p><div>d</div><div><br></div><div>e</div>", "a\n\nb\nc\n\nd\n\ne"),
    "blanks": ("a\n  b&nbsp; <b> c</b>d<i> e </i> f", "a b cd e f"),
    "lists": ("<ul><li>a<ul><li>b</ul><li>c</ul><ol><li>d<li>e</ol>", "- a\n  - b\n- c\n\n1. d\n2. e"),
    "a table": (
        "<table><tr><th>Item<th>Price</tr><tr><td>Chair</td><td>5</td></tr></table>",
        "Item | Price\nChair | 5",
    ),
    "an empty cell": ("<table><tr><td> </td><td>x</td></tr></table>", "x"),
    "a link once": (
        "<a href='https://x.example/a'>Here</a> and <a href='https://x.example/a'>there</a>",
        "Here (https://x.example/a) and there",
    ),
    "a link that is its text": ("<a href='https://x.example/'>x.example</a>", "x.example"),
    "a mail link": ("<a href='mailto:a%40b.example?subject=x'>Write</a>", "Write (a@b.example)"),
    "a link that runs": ("<a href='java\nscript:alert(1)'>Click</a>", "Click"),
    "a link without text": ("<a href='https://track.example'><img width=1 src=x alt=p></a>.", "."),
    "pictures": ("<img alt='A chair' src=x> <img src='cid:a'> <img src=x>", "[A chair] [image]"),
    "verbatim": ("<pre>a  b\n  c</pre>", "a  b\n  c"),
    "quotes": ("<blockquote type=cite>a<br>b<p>c</p></blockquote>d", "> a\n> b\n>\n> c\n\nd"),
    "an indented paragraph": ("<blockquote style='margin:0 0 0 40px'>a</blockquote>", "a"),
    "a rule": ("a<hr>b", "a\n---\nb"),
    "hidden": (
        (
            "<p hidden>a</p><p style='display:NONE'>b</p><p style='max-height: 0px; x'>c</p><p style='opacity:0'>d</p>"
            "<p style='mso-hide:all'>e</p><p style='width:0;height:0;overflow:hidden'>f</p>"
            "<p style='color:rgb(255, 255, 255)'>g</p><div style='background:#000;color:#000000'>h</div>i"
        ),
        "i",
    ),
    "outside the window": ("<p style='font-size:1em'>a</p><p aria-hidden=true>b</p><p style='left:-9999px'>c</p>", "a"),
    "a white word on a dark button": ("<td bgcolor=#123456><a style='color:white'>Yes</a></td>", "Yes"),
    "white on a picture": ("<div style='background:url(x) no-repeat;color:white'>Yes</div>", "Yes"),
    "white all over": ("<p style='color:#fff'>from a dark screen</p>", "from a dark screen"),
    "no HTML": ("just < text & more", "just < text & more"),
    "Word's extras": ("<!--[if mso]><p>x</p><![endif]--><o:p>&nbsp;</o:p><p class=MsoNormal>Hi<o:p></o:p></p>", "Hi"),
    "a template": ("<body><template><p>a</p></template><noscript>b</noscript><select><option>c</select>d", "d"),
}


@pytest.mark.parametrize(("html", "text"), PAGES.values(), ids=PAGES.keys())
def test_a_page_becomes_what_a_reader_sees(html: str, text: str) -> None:
    assert html_text(html) == text


OWN = {
    "Gmail": "<div class='gmail_quote gmail_quote_container'>old</div>",
    "Gmail's signature": "<div class=gmail_signature>Ada</div>",
    "Thunderbird": "<div class='moz-cite-prefix'>On Monday</div><blockquote type='cite'>old</blockquote>",
    "Yahoo": "<div class='yahoo_quoted'>old</div>",
    "Outlook's web": "<div id='x_divRplyFwdMsg'>From</div><div>old</div><p>older</p>",
}


@pytest.mark.parametrize("quote", OWN.values(), ids=OWN.keys())
def test_own_words_are_what_no_program_marked_as_old(quote: str) -> None:
    assert html_text(f"<body><div><p>New</p>{quote}</div><p>Tail</p></body>", own_words=True) == "New\n\nTail"


def test_a_mail_that_is_passed_on_stays() -> None:
    html = "New<div class='gmail_quote'><div>---------- Forwarded message ---------<br>From: B</div>Offer</div>"
    assert html_text(html, own_words=True) == "New\n---------- Forwarded message ---------\nFrom: B\nOffer"


def test_a_page_of_too_many_nodes_ends_with_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markup, "MAX_NODES", 20)
    assert html_text("<p>a</p>" * 50).endswith(TOO_LONG)


@pytest.mark.parametrize(
    "html", ["<div>" * 50_000, "<a href=https://x.example>" * 20_000 + "x", "<table>" * 5_000, "<b>x" * 50_000]
)
def test_a_page_made_to_hurt_takes_no_long_time(html: str) -> None:
    began = time.process_time()
    html_text(html)
    assert time.process_time() - began < 5


@settings(deadline=None)
@given(
    st.text()
    | st.lists(st.sampled_from(["<p>", "</p>", "<table>", "<td>", "<a href='", "'>", "<blockquote>", "x", "<!--"])).map(
        "".join
    )
)
def test_any_text_is_a_page(html: str) -> None:
    assert "\0" not in html_text(html)
    assert html_text(html, own_words=True) == html_text(html, own_words=True).strip()
