"""Open questions put together, decisions that hold until a gap grows, and an article out of what staff answered."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import numpy as np
import pytest
from numpy.typing import NDArray

from infra.knowledge.clusters import clusters, most_central
from infra.knowledge.gaps import Asked, Decided, Gap, gaps_of
from infra.knowledge.private import places_in, without_private
from infra.knowledge.suggesting import suggest
from infra.models.minilm import MiniLmEmbedder
from skills.turn import ArticleId, CaseId, CustomerId, Language, Passage, PassageId

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
EN = Language("en")
ARTICLE = ArticleId(UUID(int=99))


def asked(number: int, text: str, answer: str | None = None, name: str | None = None) -> Asked:
    one = UUID(int=number)
    at = NOON + timedelta(hours=number)
    return Asked(one, CaseId(one), CustomerId(one), at, EN, text, answer, name, None)


def gap_of(*questions: Asked) -> Gap:
    return Gap(questions, questions[0], None)


def along(*angles: float) -> NDArray[np.float32]:
    """Vectors of length 1 at these angles, in degrees."""
    return np.array([(np.cos(np.radians(a)), np.sin(np.radians(a))) for a in angles], dtype=np.float32)


@pytest.fixture(scope="module")
async def embedder() -> AsyncIterator[MiniLmEmbedder]:
    minilm = MiniLmEmbedder()
    await minilm.load()
    yield minilm
    minilm.close()


def test_what_is_near_on_average_is_together_and_what_is_alone_stays_alone() -> None:
    vectors = along(0, 90, 10, 100, 200)
    assert clusters(vectors, 0.9) == [[0, 2], [1, 3], [4]]
    assert clusters(vectors[:1]) == [[0]]
    assert clusters(vectors[:0]) == []
    assert most_central(along(0, 5, 30), range(3)) == 1


def test_gaps_are_ordered_by_how_many_customers_ask_and_named_by_who_asked_first() -> None:
    questions = [asked(n, f"question {n}?") for n in (5, 1, 3, 2)]
    questions[2] = replace(questions[2], customer_id=questions[1].customer_id)
    vectors = along(0, 90, 90, 0)
    first, second = gaps_of(questions, vectors)
    assert (first.id, [one.at.hour for one in first.asked], first.customers) == (UUID(int=2), [14, 17], 2)
    assert (second.id, len(second.asked), second.customers) == (UUID(int=1), 2, 1)
    assert first.version != gaps_of([replace(questions[0], answer="Yes."), *questions[1:]], vectors)[0].version


def settled(questions: Sequence[Asked], article: ArticleId | None, at: datetime) -> list[Asked]:
    return [replace(one, decided=Decided(UUID(int=7), article, at)) for one in questions]


def test_after_an_approval_only_what_was_asked_since_is_a_gap() -> None:
    old = settled([asked(1, "a?"), asked(2, "b?")], ARTICLE, NOON + timedelta(hours=4))
    # The third question was asked before the approval, and came in while it was made.
    assert gaps_of([*old, asked(3, "c?")], along(0, 0, 0)) == []
    (gap,) = gaps_of([*old, asked(3, "c?"), asked(5, "d?")], along(0, 0, 0, 0))
    assert ([one.text for one in gap.asked], gap.earlier) == (["d?"], ARTICLE)


def test_a_dismissed_gap_comes_back_when_it_has_grown_well_beyond_what_it_was() -> None:
    dismissed = settled([asked(n, "a?") for n in range(1, 4)], None, NOON)
    more = [asked(n, "a?") for n in range(10, 15)]
    assert gaps_of([*dismissed, *more[:4]], along(*[0.0] * 7)) == []
    (gap,) = gaps_of([*dismissed, *more], along(*[0.0] * 8))
    assert len(gap.asked) == 8


def test_of_a_message_the_sentences_that_ask_are_compared() -> None:
    written = asked(1, "Good evening.\nI bought a lamp last week. Can I use it outdoors?\nThanks, Mira")
    assert written.question == "Can I use it outdoors?"
    assert asked(1, "the lamp and rain").question == "the lamp and rain"


def test_what_is_the_customers_own_is_replaced_by_marks() -> None:
    one = asked(1, "Where is order A-48213, and is rain a problem?", name="Mira Holm")
    said = (
        "Mira, order A-48213 is out; write to mira@holm.example or call +49 30 1234567. Rain is fine for 12345 hours."
    )
    assert without_private(said, one) == (
        "[name], order [number] is out; write to [email] or call [phone]. Rain is fine for 12345 hours."
    )


def test_every_place_that_may_be_somebodys_own_is_named() -> None:
    one = asked(1, "Is 48213 ready?", name="Mira Holm")
    known = Passage(
        id=PassageId(UUID(int=1)), article_id=ARTICLE, title="Rain", heading="Rain", text="It takes 30 days.",
        url=None, language=EN, similarity=0.5, score=0.1,
    )  # fmt: skip
    text = "Can Holm do it?\nIt takes 30 days, for [name] 48213. Ask our Petra under petra@shop.example for 20 euros."
    found = {(place.kind, place.private) for place in places_in(text, [one], [known], EN)}
    assert found == {
        ("customer", True), ("mark", False), ("name", True), ("email", True), ("amount", False), ("figure", False),
    }  # fmt: skip
    assert places_in("It takes 30 days.", [one], [known], EN) == []


async def test_the_most_central_answer_is_suggested_and_what_others_say_otherwise_stands_beside_it(
    embedder: MiniLmEmbedder,
) -> None:
    gap = gap_of(
        asked(1, "Can the lamp stay outdoors?", "Hi Mira,\n\nthe lamp can stay outdoors for 30 days. "
              "I have refunded your last order.\n\nBest regards\nPetra", "Mira"),
        asked(2, "Is rain bad for the lamp?", "Hello Jo! The lamp can stay outdoors for 20 days. Rain does no harm."),
        asked(3, "Outdoors with the lamp?", "Thank you for your question. The lamp can stay outdoors for 30 days."),
        asked(4, "Can my lamp get wet?"),
    )  # fmt: skip
    found = await suggest(gap, embedder)
    assert found is not None
    assert (found.title, found.answers, found.language) == ("Can the lamp stay outdoors?", 3, EN)
    assert found.text == "The lamp can stay outdoors for 30 days."
    assert [(other.kind, other.sentence, other.instead) for other in found.others] == [
        ("conflicts", "The lamp can stay outdoors for 20 days.", found.text),
        ("adds", "Rain does no harm.", None),
    ]
    assert await suggest(gap_of(asked(1, "Can I?"), asked(2, "May I?", "Thanks for asking.")), embedder) is None
