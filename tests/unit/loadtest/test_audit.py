from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from evals.loadtest.audit import Audit, audit
from evals.loadtest.channel import Seen
from skills.turn import Author


def talk(words: str) -> list[Seen]:
    """``a1`` is the customer's message 1; ``r1``, ``n1`` and ``p1`` what the agent, the system and a person wrote."""
    authors: dict[str, Author] = {"a": "customer", "r": "agent", "n": "system", "p": "human"}
    return [Seen(word, authors[word[0]]) for word in words.split()]


def test_one_reply_to_each_message_is_clean() -> None:
    assert audit(["a1", "a2"], talk("a1 r1 a2 r2")).clean


def test_a_note_and_then_a_persons_answer_are_clean() -> None:
    assert audit(["a1"], talk("a1 n1 p1 p2")).clean


def test_an_acknowledged_message_that_is_not_there_is_lost() -> None:
    assert audit(["a1", "a2"], talk("a1 r1")) == Audit(lost_messages=1)


def test_a_message_that_nothing_came_after_has_lost_its_reply() -> None:
    assert audit(["a1", "a2"], talk("a1 r1 a2")) == Audit(lost_replies=1)


def test_a_second_reply_is_one_too_many_under_its_own_id_or_another() -> None:
    assert audit(["a1"], talk("a1 r1 r2")) == Audit(doubled_replies=1)
    assert audit(["a1"], talk("a1 r1 r1")) == Audit(doubled_replies=1)


def test_a_message_that_is_there_twice_is_doubled() -> None:
    assert audit(["a1"], talk("a1 r1 a1")).doubled_messages == 1


def test_messages_in_another_order_than_they_were_sent_are_reordered() -> None:
    assert audit(["a1", "a2"], talk("a2 r2 a1 r1")) == Audit(reordered_messages=2)


def test_what_was_never_acknowledged_is_nobodys_business() -> None:
    assert audit(["a1"], talk("a1 r1 a9")).clean


def test_a_flood_may_share_a_reply_and_has_lost_it_only_when_nothing_came_in_the_end() -> None:
    assert audit(["a1", "a2", "a3"], talk("a1 a3 r1 a2 r2"), one_by_one=False).clean
    assert audit(["a1", "a2"], talk("a1 r1 a2"), one_by_one=False) == Audit(lost_replies=1)
    assert audit(["a1"], talk("a1 r1 r2"), one_by_one=False) == Audit(doubled_replies=1)


def test_a_flood_that_a_person_will_look_at_has_lost_nothing() -> None:
    assert audit(["a1", "a2"], talk("a1 n1 a2"), one_by_one=False).clean


@given(st.lists(st.sampled_from(["a1", "a2", "a3", "r1", "r2", "n1", "p1"]), max_size=8))
def test_any_transcript_is_counted(words: list[str]) -> None:
    for one_by_one in (True, False):
        found = audit(["a1", "a2"], talk(" ".join(words)), one_by_one=one_by_one)
        assert found.lost_messages == sum(message not in words for message in ("a1", "a2"))


def test_audits_add_up() -> None:
    total = Audit(unread=1)
    total.add(Audit(1, 2, 3, 4, 5, 6))
    assert total == Audit(1, 2, 3, 4, 5, 7)
    assert not total.clean
