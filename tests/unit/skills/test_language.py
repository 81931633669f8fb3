from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skills.language import (
    Phrases,
    Word,
    content_words,
    customer_language,
    fold,
    guess_language,
    sentences,
    stem,
    unmarked,
    words,
)
from tests.unit.skills.skill_examples import a_customer, a_turn


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("How long does delivery take?", "en"),
        ("Wie lange dauert die Lieferung?", "de"),
        ("¿Cuánto tarda el envío?", "es"),
        ("Combien de temps prend la livraison ?", "fr"),
        ("Vorrei un rimborso, grazie", "it"),
        ("Hallo", "de"),
        ("Где мой заказ?", "ru"),
        ("私の注文はどこですか", "ja"),
        ("我的订单在哪里", "zh"),
    ],
)
def test_a_language_is_told_by_its_small_words_or_its_script(text: str, language: str) -> None:
    assert guess_language(text) == language


@pytest.mark.parametrize("text", ["", "ok", "12345", "👍", "no"])
def test_a_text_too_short_to_tell_has_no_language(text: str) -> None:
    assert guess_language(text) is None


def test_a_customer_keeps_their_language_in_a_message_that_tells_none() -> None:
    assert customer_language(a_turn("ok", customer=a_customer(language="de"))) == "de"
    assert customer_language(a_turn("ok", history=[("customer", "¿Cuánto tarda el envío?")])) == "es"
    assert customer_language(a_turn("ok")) == "en"


def test_case_accents_width_and_invisible_characters_do_not_count() -> None:
    assert fold("Straße ÉTÉ \uff49gnore") == "strasse ete ignore"
    assert [word.folded for word in words("ig\u200bnore l\u2019avocat")] == ["ignore", "l", "avocat"]


@given(st.text(st.characters(max_codepoint=127)))
def test_plain_letters_are_compared_as_they_are_among_others(text: str) -> None:
    assert fold(f"{text} é") == f"{fold(text)} e"
    assert words(f"{text} é") == [*words(text), Word("é", "e")]


def test_forms_of_a_word_share_a_stem() -> None:
    assert stem("delivery") == stem("deliveries") == stem("delivered")
    assert stem("shipping") == stem("ship")
    assert stem("payment") == stem("pay")


def test_content_words_leave_out_courtesies_and_small_words() -> None:
    assert content_words("Hello, could you please tell me how long the delivery takes?") == {
        stem("long"),
        stem("delivery"),
    }


def test_a_phrase_is_found_at_word_boundaries_only() -> None:
    phrases = Phrases.of(["fire", "anwalt*", "speak ... human"])
    assert [match.text for match in phrases.find(words("I was fired. FIRE! Mein Anwältin-Team"))] == [
        "FIRE",
        "Anwältin",
    ]
    assert [match.text for match in phrases.find(words("let me speak to a real human now"))] == [
        "speak to a real human"
    ]
    assert phrases.find(words("speak to all of your many humans, human")) == []


def test_of_two_phrases_at_one_word_the_longer_one_is_found() -> None:
    assert [match.phrase for match in Phrases.of(["not", "not good"]).find(words("not good"))] == ["not good"]


def test_abbreviations_and_figures_do_not_end_a_sentence() -> None:
    assert sentences("We ship via e.g. DHL, approx. 3.5 days. Am 3. des Monats. Really?! Yes") == [
        "We ship via e.g. DHL, approx. 3.5 days.",
        "Am 3. des Monats.",
        "Really?!",
        "Yes",
    ]


def test_a_line_break_ends_a_sentence_unless_it_wraps_a_long_line() -> None:
    assert sentences("hello\nwhere is it") == ["hello", "where is it"]
    long = "This line is as long as a mail program makes it before it\nwraps to the next."
    assert sentences(long) == [long.replace("\n", " ")]


def test_inline_markdown_becomes_plain_text() -> None:
    text = (
        "See **all** [orders](https://a.example/b), *that* `code`, <https://x.example>, "
        "~~not~~ ![alt](pic.png) 2 * 3 * 4"
    )
    assert unmarked(text) == "See all orders (https://a.example/b), that code, https://x.example, not alt 2 * 3 * 4"
    assert unmarked("a **b** snake_case_name", strong="*") == "a *b* snake_case_name"
    assert (
        unmarked("[https://a.example](https://a.example) [us](mailto:a@b.example)")
        == "https://a.example us (a@b.example)"
    )


@given(st.text())
def test_every_text_can_be_read(text: str) -> None:
    assert "".join("".join(sentences(text)).split()) == "".join(text.split())
    assert all(word.folded is not None for word in words(text))
    guess_language(text)
    unmarked(text)
    content_words(text)
    Phrases.of([text]).find(words(text))
