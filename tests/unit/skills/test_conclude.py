"""What counts as "it is settled" and "it did not help": precise rather than eager, in every language of ours."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest

from skills.conclude import Conclude, TextName, rating_in, text_for, verdict_in
from skills.turn import Language
from tests.unit.skills.skill_examples import a_message, a_turn

SOLVED = [
    "that solved it, thanks",
    "That solved it! Thank you so much",
    "Perfect, it works now",
    "ok great, that fixed it",
    "problem solved",
    "That answers my question, thanks a lot for your help!",
    "Yes, that helped, thank you",
    "THAT WORKED",
    "Das hat geholfen, vielen Dank!",
    "Super, jetzt geht es wieder. Danke!",
    "Problem gelöst, danke",
    "Das hat mein Problem gelöst",
    "Danke, hat geklappt",
    "Hat sich erledigt, danke",
    "Problema resuelto, muchas gracias",
    "¡Perfecto, ya funciona! Gracias",
    "Eso me ha ayudado, gracias",
    "Ça marche maintenant, merci beaucoup",
    "Merci, problème résolu",
    "C'est réglé, merci !",
    "Cela m\u2019a aidé, merci",
]
NOT_SOLVED = [
    "that didn't help",
    "Sorry, that did not help",
    "That doesn't answer my question",
    "Das hat leider nicht geholfen",
    "Das hilft mir nicht weiter",
    "No me ha ayudado",
    "Eso no responde a mi pregunta",
    "Ça ne m'a pas aidé",
    "Malheureusement ça ne répond pas à ma question",
]
NEITHER = [
    "ok",
    "thanks",
    "Great, thank you!",
    "got it",
    "thanks, but it still doesn't work",
    "that solved it, but now the screen is black",
    "that solved the first part, what about the refund?",
    "did that solve it?",
    "has it worked?",
    "it works now when I unplug it",
    "is it solved yet",
    "the problem is not solved",
    "my neighbour says that helped him",
    "that solved it, that didn't help",
    "danke",
    "danke, aber das hat nicht geklappt",
    "Das Problem ist nicht gelöst",
    "vale, gracias",
    "todavía no funciona",
    "¿ya funciona?",
    "merci",
    "ça ne marche pas",
    "merci, mais ça ne marche toujours pas",
    "yes",
    "no",
    "👍",
    "",
    "that helped " * 20,
]
YES = [
    "yes",
    "Yes, thanks!",
    "yes it did",
    "Ja, danke",
    "sí",
    "Sí, gracias",
    "Oui, merci beaucoup",
    "👍",
    "that helped",
]
NO = ["no", "Not really, sorry", "nein", "leider nicht", "la verdad, no", "Non, malheureusement", "👎", "no, it didn't"]
UNCLEAR = ["yes, but where is my refund", "yes and no", "maybe", "ok", "👍👎", "no idea", "yes?"]


@pytest.mark.parametrize("asked", [True, False])
@pytest.mark.parametrize("text", SOLVED)
def test_it_is_heard_that_the_matter_is_settled(text: str, asked: bool) -> None:
    assert verdict_in(text, asked=asked) == "solved"


@pytest.mark.parametrize("asked", [True, False])
@pytest.mark.parametrize("text", NOT_SOLVED)
def test_it_is_heard_that_an_answer_did_not_help(text: str, asked: bool) -> None:
    assert verdict_in(text, asked=asked) == "not_solved"


@pytest.mark.parametrize("text", NEITHER)
def test_what_says_anything_beyond_or_is_mere_courtesy_settles_nothing(text: str) -> None:
    assert verdict_in(text, asked=False) is None


@pytest.mark.parametrize("text", YES)
def test_a_yes_counts_once_it_was_asked_for(text: str) -> None:
    assert verdict_in(text, asked=True) == "solved"


@pytest.mark.parametrize("text", NO)
def test_a_no_counts_once_it_was_asked_for(text: str) -> None:
    assert verdict_in(text, asked=True) == "not_solved"


@pytest.mark.parametrize("text", UNCLEAR)
def test_what_is_neither_yes_nor_no_is_an_ordinary_message(text: str) -> None:
    assert verdict_in(text, asked=True) is None


async def test_nothing_is_concluded_before_somebody_has_answered_or_where_a_message_is_a_persons() -> None:
    conclude = Conclude()
    first = await conclude({"turn": a_turn("problem solved")})
    assert first["conclusion"].verdict is None
    later = a_turn("problem solved", history=[("customer", "Help!"), ("agent", "Here you are.")])
    assert (await conclude({"turn": later}))["conclusion"].verdict == "solved"
    pressed = replace(later, messages=(replace(a_message("problem solved", 3), for_person="asked"),))
    assert (await conclude({"turn": pressed}))["conclusion"].verdict is None


async def test_an_answer_to_our_question_ends_the_case_by_the_agents_doing() -> None:
    turn = replace(a_turn("yes", history=[("agent", "Here you are."), ("system", "Did this help?")]), asked_helped=True)
    conclusion = (await Conclude()({"turn": turn}))["conclusion"]
    assert (conclusion.verdict, conclusion.asked) == ("solved", True)


@pytest.mark.parametrize(
    ("text", "rating"),
    [
        ("1", 1),
        (" 5 ", 5),
        ("4/5", 4),
        ("4 / 5", 4),
        ("5\ufe0f\u20e3", 5),
        ("\uff13", 3),
        ("2.", 2),
        ("5!", 5),
        ("0", None),
        ("6", None),
        ("10", None),
        ("45", None),
        ("4/10", None),
        ("5 stars", None),
        ("I bought 3", None),
        ("3,5", None),
        ("-1", None),
        ("1\n2", None),
        ("", None),
        ("order 4", None),
    ],
)
def test_a_rating_is_a_bare_number_from_1_to_5(text: str, rating: int | None) -> None:
    assert rating_in(text) == rating


@pytest.mark.parametrize("name", get_args(TextName))
def test_every_text_is_there_in_every_language_and_english_stands_in_for_the_others(name: TextName) -> None:
    texts = {text_for(Language(code), name) for code in ("en", "de", "es", "fr")}
    assert len(texts) == 4
    assert text_for(Language("fi"), name) == text_for(None, name) == text_for(Language("en"), name)
