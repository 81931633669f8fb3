# ruff: noqa: RUF001 - words of many languages
"""What a customer newly wrote: quotes and signatures go, own words never."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.gmail.quotes import newly_written

QUOTES = {
    "Gmail, English": "On Mon, 2 Mar 2026 at 10:00, Shop <help@shop.example> wrote:\n\n> old\n> words",
    "Gmail, wrapped": "On Mon, 2 Mar 2026 at 10:00, The very long Shop\n<help@shop.example> wrote:\n> old",
    "Gmail, German": "Am Mo., 2. März 2026 um 10:00 Uhr schrieb Shop <help@shop.example>:\n> alt",
    "Gmail, Brazilian": "Em seg., 2 de mar. de 2026 às 10:00, Shop <help@shop.example> escreveu:\n> velho",
    "Gmail, Russian": "пн, 2 мар. 2026 г. в 10:00, Shop <help@shop.example>:\n> старое",
    "Apple, French, not marked": "Le 2 mars 2026 à 10:00, Shop a écrit :\n\nvieux mots",
    "Chinese": "2026年3月2日 10:00，Shop <help@shop.example> 写道：\n> 旧",
    "Outlook, English": "From: Shop <help@shop.example>\nSent: Monday\nTo: Ada\nSubject: Yours\n\nold",
    "Outlook, German": "____________________\nVon: Shop\nGesendet: Montag, 2. März\nAn: Ada\nBetreff: Ihre\n\nalt",
    "Outlook, Spanish, bold": "*De:* Shop\n*Enviado:* lunes, 2 de marzo\n*Para:* Ada\n*Asunto:* Su pedido\n\nviejo",
    "Old Outlook": "-----Original Message-----\nFrom: Shop\n\nold",
    "Lotus, Danish": "----- Oprindelig meddelelse -----\ngammelt",
    "A ticket system": "## Please type your reply above this line ##\nold",
    "Marked lines alone": "> old\n> words\n>> older",
}


@pytest.mark.parametrize("quote", QUOTES.values(), ids=QUOTES.keys())
def test_the_mail_that_is_answered_is_left_out(quote: str) -> None:
    own = "It is still broken.\n\nOrder 12345"
    assert newly_written(f"{own}\n\n{quote}").rstrip("_ \n") == own


SIGNATURES = {
    "marked": "-- \nAda Example\nACME\n+44 20 1234",
    "marked without the blank": "--\nAda Example",
    "a phone": "Sent from my iPhone",
    "a phone, German": "Von meinem iPhone gesendet",
    "a phone, Spanish": "Enviado desde mi iPhone",
    "Outlook's app": "Get Outlook for iOS",
    "a closing and a name": "Kind regards,\nAda Example",
    "a closing, a name and a company": "Viele Grüße\n\nAda Example\nACME GmbH\nTel. +49 30 1234\nwww.acme.example",
    "a closing alone": "Thanks!",
}


@pytest.mark.parametrize("signature", SIGNATURES.values(), ids=SIGNATURES.keys())
def test_a_signature_is_left_out(signature: str) -> None:
    assert newly_written(f"Where is it?\n\n{signature}") == "Where is it?"


KEPT = {
    "a list": "I ordered:\n- a chair\n- a table\n-lamp",
    "thanks in front": "Thanks, but it is still broken.\nOrder 12345",
    "words after a closing": "Where is it?\n\nThanks\nMy order number is 12345",
    "a question after a closing": "Broken.\n\nKind regards,\nAda\n\nPS: when is it delivered?",
    "an itinerary": "From: London\nTo: Paris\nDate: 4 May 10:30\nPassengers: 2",
    "what a colleague wrote": "On Monday your colleague wrote:\nyou get your money back. I did not.",
    "a separator": "--- Order ---\n12345",
    "dashes and a long text": "--\n" + "\n".join(f"line {number}" for number in range(20)),
    "data": "Data: 5 GB\nIt is slow.",
}


@pytest.mark.parametrize("text", KEPT.values(), ids=KEPT.keys())
def test_own_words_are_kept(text: str) -> None:
    assert newly_written(text) == text


@pytest.mark.parametrize(
    "text", ["> only\n> quotes", "Sent from my iPhone", "-- \nAda", "From: a\nSent: b\nSubject: c\n"]
)
def test_where_nothing_would_be_left_all_of_it_stays(text: str) -> None:
    assert newly_written(text) == text.strip()


def test_answers_between_the_quoted_lines_keep_what_they_answer() -> None:
    text = "> Which colour?\nBlue\n> Which size?\nLarge"
    assert newly_written(text) == text


def test_an_answer_below_the_quote_is_found() -> None:
    assert newly_written("On 2 Mar 2026, Shop <a@b.example> wrote:\n> Which colour?\n\nBlue") == "Blue"


def test_a_mail_that_is_passed_on_is_kept() -> None:
    text = "See this.\n\n---------- Forwarded message ---------\nFrom: Bob\nDate: today\nSubject: Offer\n\n> 5 EUR"
    assert newly_written(text) == text
    outlook = "See this.\n\nFrom: Bob\nSent: today\nSubject: Offer\n\n5 EUR"
    assert newly_written(outlook, forwarded=True) == outlook
    assert newly_written(outlook) == "See this."


@settings(deadline=None)
@given(st.text(max_size=400) | st.lists(st.sampled_from([*QUOTES.values(), *KEPT.values(), "x", ""])).map("\n".join))
def test_a_mail_with_words_never_becomes_empty(text: str) -> None:
    assert bool(newly_written(text)) == bool(text.strip())


@pytest.mark.parametrize(
    "text",
    [
        "On 1 " + "x " * 10_000 + ":",
        ("On 1 " + "x " * 140 + ":\n") * 500,
        ("Am 1 " + "schrieb " * 30 + ":\n") * 500,
        ("From: " + " " * 280 + "\n") * 500,
        "-" * 20_000,
        "> " * 10_000,
        ("Sent from my " + "a " * 100 + "\n") * 200,
    ],
)
def test_a_text_made_to_hurt_takes_no_long_time(text: str) -> None:
    began = time.process_time()
    newly_written(text)
    assert time.process_time() - began < 2
