from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skills.mentions import LEAST, Mentioned, Names, _folded, _Hit, _Span

NAMES = (
    "Grant Hotel", "Harbor Court Hotel", "Laurel Inn, a Joie de Vivre Hotel", "Souvla - Mission", "Souvla - Marina",
    "Exploratorium", "Exploratorium After Dark", "Good Hotel", "Underdogs Too", "Kin Khao",
)  # fmt: skip
OTHERS = tuple(f"Is the hotel a good place for number {number}?" for number in range(40))


def mentioned(text: str) -> list[str]:
    return [NAMES[found.name] for found in Names(NAMES, OTHERS).mentioned_in(text)]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("i recommend the grant hotel in the square", "Grant Hotel"),
        ("IS THE GRANT HOTEL CLOSE?", "Grant Hotel"),
        ("it's called harbour court", "Harbor Court Hotel"),
        ("what about the laurel inn", "Laurel Inn, a Joie de Vivre Hotel"),
        ("the taco shop at underdogs", "Underdogs Too"),
        ("maybe under dogs too", "Underdogs Too"),
        ("is kin khoa open", "Kin Khao"),
    ],
)
def test_a_name_is_found_as_it_is_said(text: str, name: str) -> None:
    assert mentioned(text)[0] == name


@pytest.mark.parametrize("text", ["that is a good idea", "which hotel is it?", "the grand total", "", "???"])
def test_common_words_of_a_name_are_no_mention(text: str) -> None:
    assert mentioned(text) == []


def test_a_name_before_an_addition_means_all_that_have_it() -> None:
    assert set(mentioned("one of them is called souvla")) == {"Souvla - Mission", "Souvla - Marina"}


def test_of_a_name_within_a_longer_one_the_longer_is_meant() -> None:
    assert mentioned("the exploratorium after dark")[0] == "Exploratorium After Dark"
    assert mentioned("the exploratorium is open")[0] == "Exploratorium"


def test_words_that_stand_far_apart_are_no_surer_than_one_of_them() -> None:
    names = Names(NAMES, OTHERS)
    (apart,) = names.mentioned_in("kin of mine said that nobody in this town ever cooked khao")
    (together,) = names.mentioned_in("we went to kin khao")
    assert apart.strength <= 0.5 < together.strength


def test_no_names_mention_nothing() -> None:
    assert Names([]).mentioned_in("anything") == []


@given(st.lists(st.text(max_size=30), max_size=8), st.text(max_size=200))
def test_any_text_is_searched_for_any_names(names: list[str], text: str) -> None:
    found = Names(names).mentioned_in(text)
    assert all(LEAST <= mention.strength <= 1 + 1e-9 for mention in found)
    assert len({mention.name for mention in found}) == len(found)


class EveryHitAgainstEvery(Names):
    """The plain rule, without its short cuts: every name that shares a word, from each of its words on."""

    def mentioned_in(self, text: str) -> list[Mentioned]:
        hits: defaultdict[int, list[_Hit]] = defaultdict(list)
        for hit in self._hits(_folded(text)):
            for form in self._bearers[hit.word]:
                hits[form].append(hit)
        found: dict[int, _Span] = {}
        for form, where in hits.items():
            span = self._span(form, where)
            if span.strength >= LEAST and (span.name not in found or span.strength > found[span.name].strength):
                found[span.name] = span
        within = {span.name: any(map(span.is_within, found.values())) for span in found.values()}
        mentions = [Mentioned(span.name, span.strength * (0.6 if within[span.name] else 1)) for span in found.values()]
        return sorted((one for one in mentions if one.strength >= LEAST), key=lambda one: (-one.strength, one.name))

    def _span(self, form: int, hits: Sequence[_Hit]) -> _Span:
        width = len(self._forms[form]) + 2
        best, places = 0.0, frozenset[int]()
        for first in hits:
            near = [hit for hit in hits if first.place <= hit.place < first.place + width]
            likeness = {hit.word: max(one.likeness for one in near if one.word == hit.word) for hit in near}
            weight = sum(self._weights[word] * alike for word, alike in likeness.items())
            if weight > best:
                best, places = weight, frozenset(hit.place for hit in near)
        return _Span(self._name_of[form], self._strength(form, best), best, places)


SAID = sorted({word for name in NAMES for word in _folded(name)} | {"harbour", "khoa", "under", "dogs", "park", "it"})

SHORT_CUT, PLAIN = Names(NAMES, OTHERS), EveryHitAgainstEvery(NAMES, OTHERS)


def test_the_short_cuts_change_no_result() -> None:
    chance = random.Random(5)
    for text in (" ".join(chance.choices(SAID, k=chance.randrange(30))) for _ in range(100)):
        assert SHORT_CUT.mentioned_in(text) == PLAIN.mentioned_in(text)


def test_a_text_of_one_name_over_and_over_takes_no_longer_than_it_is_long() -> None:
    """Its hits compared with one another would be a hundred million."""
    assert mentioned("grant hotel " * 5_000) == ["Grant Hotel"]
