from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skills.identify import dates, names, postcodes
from skills.identify.claims import claims_in
from skills.identify.dates import SaidDate
from skills.identify.facts import SaidFacts, answered, keys_of, keys_said, mentioned
from skills.identify.likeness import enough, likeness, match
from skills.identify.spoken import characters
from skills.identify.weights import WEIGHTS
from skills.ports import KnownFacts

JANE = KnownFacts("Jane O'Neill", "G46 0JU", date(1986, 1, 25))
SON = KnownFacts("Marc Bell", "B4K 2BD", date(1990, 5, 1))
FATHER = KnownFacts("Marc Bell", "B4K 2BD", date(1961, 9, 9))


def said_in_full(*, name: str = "Jane O'Neill", postcode: str = "G 4 6 0 J you", born: str = "25 01 1986") -> SaidFacts:
    return answered("name", [name]) + answered("postcode", [postcode]) + answered("born", [born])


@pytest.mark.parametrize(
    ("said", "spelt"),
    [
        ("b for bravo double o seven", "BOO7"),
        ("Sierra Oscar 8 Alpha 0 Quebec", "SO8A0Q"),
        ("t for Tommy Q for Queen 6", "TQ6"),
        ("s 4 Freddy", "F"),
        ("b 4 kilo", "B4K"),
        ("W 20 a bee", "W20AB"),
        ("the X-ray zulu", "XZ"),
        ("nothing spelt", ""),
    ],
)
def test_letters_and_digits_are_read_as_people_say_them(said: str, spelt: str) -> None:
    assert characters(said) == spelt


@pytest.mark.parametrize(
    ("said", "postcode"),
    [
        ("golf 5 5 Lima Romeo", "G55LR"),
        ("g v v l r", "G55LR"),
        ("n o b o l x", "N0B0LX"),
        ("bt65 4 DP", "BT654DP"),
        ("seven five o one one", "75011"),
        ("zero zero nine fifty", "00950"),
        ("my postcode is S W 1 A 1 double A", "SW1A1AA"),
    ],
)
def test_a_spoken_postcode_is_read_by_the_grammar_of_postcodes(said: str, postcode: str) -> None:
    assert postcode in postcodes.spoken(said)


def test_postcodes_in_a_text_are_found_as_they_are_written_and_nothing_else() -> None:
    text = "I moved from sw1a 1aa to 00-950 Warszawa, then 75011 Paris; order 123456, 12.345 euro, call 07700 900123"
    assert postcodes.written(text) == ["SW1A1AA", "00950", "75011"]


@pytest.mark.parametrize(
    "said",
    [
        "the twentieth of march nineteen eighty one",
        "20th of the 3rd 1981",
        "20/03/81",
        "20.3.1981",
        "1981-03-20",
        "2003 1981",
        "20 03 1980 1",
        "march the 20th 1981",
        "20 mars 1981",
        "20 marca 1981",
        "twenty march mcmlxxxi",
        "20th of March 1980 one",
    ],
)
def test_a_date_of_birth_is_read_in_every_order_and_in_words(said: str) -> None:
    assert SaidDate(20, 3, 1981) in dates.spoken(said)


def test_an_open_order_gives_both_readings_the_european_one_first() -> None:
    assert dates.spoken("03/04/1981")[:2] == [SaidDate(3, 4, 1981), SaidDate(4, 3, 1981)]


def test_part_of_a_date_is_kept_and_no_day_that_never_was() -> None:
    assert dates.spoken("26th September") == [SaidDate(26, 9, None)]
    assert SaidDate(31, 2, 1981).whole is None
    assert dates.spoken("31/02/1981") == [SaidDate(None, None, 1981)] or all(
        d.whole for d in dates.spoken("31/02/1981")
    )


def test_a_text_about_anything_gives_whole_dates_only() -> None:
    assert dates.written("Order 2024 of 3 May, 10:30, 5 of 12 pieces") == []
    assert dates.written("I was born on 3 May 1975.")[0] == SaidDate(3, 5, 1975)
    assert dates.written("born 03.05.1975")[0] == SaidDate(3, 5, 1975)


@pytest.mark.parametrize(
    "heard", ["Jenna Wood", "Jena Wood", "Genna wood", "j e n n a w o o d", "my name is Jenna Wood"]
)
def test_a_name_is_known_by_letters_by_sound_and_spelt(heard: str) -> None:
    said = answered("name", [heard])
    first, last = names.parts("Jenna Wood")
    assert min(names.likeness(said.names, said.spellings, part, first + last) for part in (first, last)) >= 0.75


def test_a_name_written_in_a_text_is_two_or_three_words_with_capitals() -> None:
    assert names.written("Please help. Best wishes, Émilie Saint-Cyr") == ["Émilie Saint-Cyr"]
    assert names.written("no name, I think") == []


def test_who_says_all_three_facts_is_found_also_when_some_are_misheard() -> None:
    others = [("son", SON), ("father", FATHER)]
    for said in (
        said_in_full(),
        said_in_full(postcode="G 4 6 0 J 2"),
        said_in_full(name="jane on eel"),
        said_in_full(born="25th of January 1960"),
    ):
        found = match(said, [("jane", JANE), *others])
        assert found is not None
        assert found.who == "jane"


def test_one_fact_alone_is_never_enough() -> None:
    for said in (
        answered("postcode", ["G46 0JU"]),
        answered("born", ["25 January 1986"]),
        answered("name", ["Jane O'Neill"]),
    ):
        assert not enough(likeness(said, JANE))
        assert match(said, [("jane", JANE)]) is None


def test_a_household_is_told_apart_by_birthday_and_first_name() -> None:
    father = answered("name", ["Marc Bell"]) + answered("postcode", ["B4K 2BD"]) + answered("born", ["9/9/1961"])
    assert match(father, [("son", SON)]) is None
    twin = answered("name", ["Ruth Bell"]) + answered("postcode", ["B4K 2BD"]) + answered("born", ["1/5/1990"])
    assert match(twin, [("son", SON)]) is None


def test_two_who_fit_equally_well_are_nobody() -> None:
    said = answered("name", ["Marc Bell"]) + answered("postcode", ["B4K 2BD"])
    assert match(said, [("son", SON)]) is not None
    assert match(said, [("son", SON), ("father", FATHER)]) is None


def test_among_more_customers_more_is_asked_for() -> None:
    said = answered("name", ["Marc Bell"]) + answered("postcode", ["B4K 2BD"])
    assert enough(likeness(said, SON))
    assert not enough(likeness(said, SON), among=100_000_000)


def test_every_hypothesis_counts() -> None:
    heard = ["full 2 b d", "B 4 K 2 B D", "before Katie"]
    assert "B4K2BD" in answered("postcode", heard).postcodes
    assert "B4K2BD" not in answered("postcode", heard[:1]).postcodes


def test_what_is_known_is_found_by_what_is_said() -> None:
    assert set(keys_of(JANE)) <= set(keys_said(said_in_full()))
    assert list(keys_of(KnownFacts())) == []


def test_in_a_text_facts_are_found_without_being_asked_for() -> None:
    text = "Hello, my parcel is lost. I'm Jane O'Neill, born 25 January 1986, G46 0JU. Kind Regards"
    found = match(mentioned(text, claims_in(text)), [("jane", JANE), ("son", SON)])
    assert found is not None
    assert found.who == "jane"


def test_capitals_that_are_no_name_of_the_speakers_rule_nobody_out() -> None:
    text = "Kind Regards from New York. My date of birth is 25/01/1986 and the postcode G46 0JU"
    assert match(mentioned(text, claims_in(text)), [("jane", JANE)]) is not None
    claimed = f"My name is Paul Young. {text}"
    assert match(mentioned(claimed, claims_in(claimed)), [("jane", JANE)]) is None


def test_a_better_level_never_weighs_less() -> None:
    for weighed in WEIGHTS.values():
        assert list(weighed.values()) == sorted(weighed.values(), reverse=True)


@given(
    st.lists(st.text() | st.from_regex(r"([a-z0-9] |double |for |nineteen |of the |\d{1,8}[/.]?){0,60}"), max_size=3)
)
def test_no_answer_stops_the_reading(texts: list[str]) -> None:
    said = answered("postcode", texts) + answered("born", texts) + answered("name", texts)
    assert len(keys_said(said)) <= 400
    assert likeness(said, JANE).score <= 40
    for text in texts:
        mentioned(text, claims_in(text))


@given(st.dates(date(1900, 1, 1), date(2030, 1, 1)), st.sampled_from(["%d/%m/%Y", "%Y-%m-%d", "%d %B %Y", "%d%m %Y"]))
def test_every_date_is_read_in_every_form(born: date, form: str) -> None:
    assert SaidDate(born.day, born.month, born.year) in dates.spoken(born.strftime(form))
