# ruff: noqa: RUF001 - words of many languages
"""Composing replies: what goes out is what comes back, and nothing that a customer wrote becomes a header."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.gmail.automatic import Kind, judge
from channels.gmail.compose import Reply, compose, message_id, outbox_id, reply_subject
from channels.gmail.headers import Address
from channels.gmail.mail import read_mail
from channels.gmail.markup import html_text
from channels.gmail.text import one_line
from channels.storable import storable
from skills.errors import InvalidMessageError

OUTBOX = UUID(int=7)
REPLY = Reply(
    outbox_id=OUTBOX,
    text="Hello Ada,\n\nyour order is on its way: https://shop.example/track?a=1&b=2.",
    subject="Where is it?",
    to_address="ada@example.com",
    to_name="Ada Example",
    from_address="help@shop.example",
    from_name="The Shop",
    written_at=datetime(2026, 3, 2, 10, tzinfo=UTC),
    by_agent=True,
    in_reply_to="<c@example.com>",
    references=("<a@example.com>", "<b@example.com>"),
    signature="The Shop <Ltd>\nhttps://shop.example",
)
HEADERS = {
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "X-Csagent-Id",
    "In-Reply-To",
    "References",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
    "X-Csagent-Auto",
    "Content-Type",
    "MIME-Version",
}


def test_a_reply_reads_back_as_it_was_written() -> None:
    read = read_mail(compose(REPLY))
    assert read.text == REPLY.text
    assert read.original_text == f"{REPLY.text}\n\n-- \n{REPLY.signature}"
    assert (read.sender, read.to) == (
        Address("help@shop.example", "The Shop"),
        (Address("ada@example.com", "Ada Example"),),
    )
    assert (read.subject, read.date) == ("Re: Where is it?", REPLY.written_at)
    assert (read.in_reply_to, read.references) == (
        "<c@example.com>",
        ("<a@example.com>", "<b@example.com>", "<c@example.com>"),
    )
    assert outbox_id(read.message_id) == OUTBOX


def test_the_html_says_the_same_with_links_that_can_be_clicked_and_nothing_else() -> None:
    reply = replace(REPLY, text='1 < 2 & javascript:alert(1)\n\nhttp://x.example/a"onclick=1 <script>')
    message = message_from_bytes(compose(reply), policy=policy.default)
    page = message.get_body(("html",))
    assert page is not None
    html = str(page.get_content())
    assert html.count("<a href=") == 2
    assert '<a href="http://x.example/a">http://x.example/a</a>&quot;onclick=1 &lt;script&gt;' in html
    assert html_text(html, own_words=True) == reply.text


def test_the_same_reply_gives_the_same_bytes() -> None:
    assert compose(REPLY) == compose(REPLY)


def test_only_what_the_agent_wrote_is_marked_as_automatic() -> None:
    assert judge(read_mail(compose(REPLY))).kind is Kind.AUTOMATIC
    by_person = compose(replace(REPLY, by_agent=False))
    assert judge(read_mail(by_person)).kind is Kind.PERSON
    assert b"Auto-" not in by_person


@pytest.mark.parametrize(
    "subject",
    ["Broken", "Re: Broken", "AW: Re: Broken", "SV: RE:Broken", "re[2]: Broken", "Antw: Broken", "回复：Broken"],
)
def test_a_subject_gets_its_prefix_once(subject: str) -> None:
    assert reply_subject(subject) == "Re: Broken"


def test_a_subject_that_only_looks_prefixed_is_kept() -> None:
    assert reply_subject("Return: order 5") == "Re: Return: order 5"
    assert reply_subject("") == "Re:"


def test_a_long_chain_keeps_the_nearest_ids_and_a_line_that_every_server_takes() -> None:
    ids = tuple(f"<{number:0200}@example.com>" for number in range(40))
    raw = compose(replace(REPLY, references=ids))
    chain = read_mail(raw).references
    assert chain == (*ids[-4:], "<c@example.com>")
    assert sum(map(len, chain)) < 998
    assert len(read_mail(compose(replace(REPLY, references=tuple(f"<{n}@x>" for n in range(40))))).references) == 20


def test_ids_that_are_none_are_left_out() -> None:
    raw = compose(replace(REPLY, in_reply_to="<a@x>\r\nBcc: <b@x>", references=("x", "<ü@x>", "<a b@x>")))
    assert b"Bcc" not in raw
    assert b"References" not in raw


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ada",
        "@x.example",
        "a@",
        "a b@x.example",
        "a@x.example\r\nBcc: b@x.example",
        "a@x..\0",
        "ö@x.example",
        "a,b@x.example",
    ],
)
def test_an_address_that_no_mail_can_go_to_is_refused(address: str) -> None:
    with pytest.raises(InvalidMessageError):
        compose(replace(REPLY, to_address=address))


def test_a_domain_beyond_ascii_is_written_as_servers_know_it() -> None:
    assert b"<ada@xn--bcher-kva.example>" in compose(replace(REPLY, to_address="ada@bücher.example"))


def test_an_empty_reply_is_refused() -> None:
    with pytest.raises(InvalidMessageError):
        compose(replace(REPLY, text=" \n"))


def test_only_our_own_message_ids_name_an_outbox_row() -> None:
    assert outbox_id(message_id(OUTBOX, "shop.example")) == OUTBOX
    assert outbox_id("<csagent.7@shop.example>") is None
    assert outbox_id(None) is None


@settings(deadline=None)
@given(st.text(), st.text(), st.text(), st.text())
def test_no_subject_and_no_name_ever_adds_a_header(subject: str, to_name: str, from_name: str, tail: str) -> None:
    raw = compose(
        replace(REPLY, subject=f"{subject}\r\nBcc: {tail}\0", to_name=f"{to_name}\r\n\r\n", from_name=from_name)
    )
    message = message_from_bytes(raw, policy=policy.compat32)
    assert set(message.keys()) == HEADERS
    assert len(message.keys()) == len(HEADERS)
    assert not message.defects
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    assert raw.isascii()
    assert b"\n" not in raw.replace(b"\r\n", b"")


@settings(deadline=None)
@given(st.text(max_size=60), st.text(max_size=60))
def test_names_and_subjects_of_any_letters_come_back(name: str, subject: str) -> None:
    read = read_mail(compose(replace(REPLY, to_name=name, subject=f"x {subject}")))
    assert read.to == (Address("ada@example.com", one_line(name, 200) or None),)
    assert read.subject == f"Re: {one_line(f'x {subject}', 250)}"


@settings(deadline=None)
@given(st.text(max_size=300).filter(lambda text: storable(text).strip()))
def test_any_text_comes_back_whole(text: str) -> None:
    read = read_mail(compose(replace(REPLY, text=f"Dear A,\n{text}\n.", signature="")))
    assert read.original_text == storable(f"Dear A,\n{text}\n.")


WORDS = st.text("abcdefg äöü漢字 ,.", min_size=1, max_size=80).map(str.strip).filter(bool)


@settings(deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=5).map("\n\n".join))
def test_plain_words_come_back_without_the_signature(text: str) -> None:
    assert read_mail(compose(replace(REPLY, text=text))).text == text
