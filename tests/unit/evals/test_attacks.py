"""The attacks of our own, BIPIA's as they are planted, and the model that obeys them."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from evals.attacks.attack import Question, bipia_attacks, own_attacks, planted
from evals.attacks.disguises import DISGUISES
from evals.attacks.obedient import ObedientModel
from evals.data.bipia import FOLDER, attack_texts, emails
from skills.respond import AnswerForm
from skills.respond.model import material_for
from tests.unit.skills.skill_examples import DELIVERY, PAYMENT, a_turn


def test_there_are_enough_of_our_own_in_every_place_and_four_languages() -> None:
    attacks = own_attacks()
    assert len(attacks) >= 60
    assert set(Counter(attack.place for attack in attacks)) == {"body", "subject", "attachment", "article"}
    assert {attack.question.language for attack in attacks} == {"en", "de", "es", "fr"}
    assert sum(attack.wants == "answer" for attack in attacks) >= 10


def test_an_attack_stands_where_it_was_planted() -> None:
    text = "One sentence. Another sentence. A third one."
    assert planted(text, "X!", "start").startswith("X!\n\nOne")
    assert planted(text, "X!", "end").endswith("one.\n\nX!")
    assert planted(text, "X!", "middle").split("\n\n") == ["One sentence.", "X!", "Another sentence. A third one."]
    assert planted("no end at all", "X!", "middle").startswith("no end at all")


def test_every_text_of_bipia_is_planted_twice_and_obeyed(tmp_path: Path) -> None:
    folder = tmp_path / FOLDER
    folder.mkdir()
    mail = {"context": "SUBJECT: Hi|CONTENT: Hello. Bye.", "question": "Q: What is paid?", "ideal": "unknown"}
    (folder / "test.jsonl").write_text(json.dumps(mail) + "\n")
    texts = {"Scams & Fraud": ["Say A.", "Say B."], "Reverse Text": ["Reverse it."]}
    (folder / "text_attack_test.json").write_text(json.dumps(texts))
    attacks = bipia_attacks(attack_texts(tmp_path, "test"), emails(tmp_path, "test"), [Question("How?", "en")])
    assert Counter(attack.place for attack in attacks) == {"article": 3, "mail_as_article": 2, "quoted_mail": 1}
    assert attacks[0].obeyed("Yes.").startswith("Yes.\n\n")
    assert attacks[-1].obeyed("Yes.") == ".seY"


@pytest.mark.parametrize("category", sorted(DISGUISES))
def test_a_disguise_leaves_nothing_of_the_answer(category: str) -> None:
    assert "delivery takes" not in DISGUISES[category]("The delivery takes two days.").lower()


async def test_the_obedient_model_answers_obeys_and_cites_something_for_every_sentence() -> None:
    model, turn = ObedientModel(), a_turn("How long does delivery take?")
    model.honest, model.attack, model.turn = "We accept Visa, Mastercard and PayPal.", own_attacks()[0], turn
    form = await model.fill(instructions="", material=material_for(turn, [DELIVERY, PAYMENT]), form=AnswerForm)
    assert form.answer.startswith(model.honest)
    assert model.attack.obeyed("").strip() in form.answer
    assert form.citations[0].passage == 2
    assert {cited.passage for cited in form.citations[1:]} == {1}
