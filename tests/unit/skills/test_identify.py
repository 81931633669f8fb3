from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skills.identify import Identify, claims_in
from skills.ports import FactKey, Known, KnownFacts
from skills.turn import Claim, CustomerId
from tests.unit.skills.skill_examples import a_customer, a_turn, an_id


@dataclass
class Directory:
    owners: list[CustomerId] = field(default_factory=list)
    asked: list[Sequence[Claim]] = field(default_factory=list)
    known: list[tuple[CustomerId, KnownFacts]] = field(default_factory=list)
    keys: list[Sequence[FactKey]] = field(default_factory=list)

    async def verified_owners(self, claims: Sequence[Claim]) -> list[CustomerId]:
        self.asked.append(claims)
        return self.owners

    async def known_by(self, keys: Sequence[FactKey]) -> Known:
        self.keys.append(keys)
        return Known(self.known, len(self.known))


@pytest.mark.parametrize(
    ("text", "claims"),
    [
        ("write to Anna.Meyer@Example.co.uk.", [("email", "anna.meyer@example.co.uk")]),
        ("call +49 (0)30 1234-5678", [("phone", "+493012345678")]),
        ("or 0049 30 123456", [("phone", "+4930123456")]),
        ("or (415) 555-2671", [("phone", "4155552671")]),
        ("My name is Anna Meyer and I wait", [("name", "Anna Meyer")]),
        ("Je m\u2019appelle Zoé", [("name", "Zoé")]),
        ("Ich heiße Jürgen Müller-Lüdenscheid", [("name", "Jürgen Müller-Lüdenscheid")]),
        ("order #a-10293", [("order", "A-10293")]),
        ("order 10293 and my order number is B-77120", [("order", "10293"), ("order", "B-77120")]),
        ("Bestellnummer: 20931, commande n° 88123", [("order", "20931"), ("order", "88123")]),
    ],
)
def test_what_customers_say_of_themselves_is_a_claim(text: str, claims: list[tuple[str, str]]) -> None:
    assert [(claim.kind, claim.value) for claim in claims_in(text)] == claims


@pytest.mark.parametrize(
    "text",
    [
        "I paid 1200.50 on 12.05.2024, see 2024-05-12",
        "my name is wrong on the bill",
        "1234567890123456",
        "DE89 3704 0044 0532 0130 00",
        "I am your #1 fan and ordered 2 items",
        "a@b",
    ],
)
def test_dates_amounts_and_account_numbers_are_no_claims(text: str) -> None:
    assert claims_in(text) == ()


def test_a_claim_is_made_once_and_a_pasted_list_is_cut() -> None:
    assert claims_in("a@b.example A@B.EXAMPLE") == (Claim("email", "a@b.example"),)
    assert len(claims_in(" ".join(f"a{number}@b.example" for number in range(100)))) == 20


@given(st.text() | st.from_regex(r"([a@.#+0-9 -]|order |my name is ){0,200}"))
def test_no_text_stops_the_reading_of_claims(text: str) -> None:
    assert all(claim.value for claim in claims_in(text))


@pytest.mark.parametrize("piece", ["a", "a@", "1 ", "#", "my name is ", "a.a@a.", "order ", "A-1", "+1-"])
def test_long_texts_are_read_in_linear_time(piece: str) -> None:
    started = time.perf_counter()
    claims_in(piece * (200_000 // len(piece)))
    assert time.perf_counter() - started < 20


async def test_the_directory_is_asked_only_about_addresses() -> None:
    directory = Directory()
    await Identify(directory)({"turn": a_turn("My name is Anna, order #A-10293")})
    assert directory.asked == []
    await Identify(directory)({"turn": a_turn("My name is Anna, anna@b.example")})
    assert directory.asked == [[Claim("email", "anna@b.example")]]


async def test_other_owners_of_a_claimed_address_are_possible_matches_and_verify_nothing() -> None:
    other, turn = CustomerId(an_id("other")), a_turn("a@b.example", customer=a_customer(verified=False))
    directory = Directory(owners=[turn.customer.id, other, other])
    found = (await Identify(directory)({"turn": turn}))["identification"]
    assert found.possible_matches == (other,)
    assert not found.verified
    assert found.customer_id == turn.customer.id


JANE = KnownFacts("Jane Bell", "G46 0JU", date(1986, 1, 25))


async def test_whoever_the_records_fit_is_a_possible_match_and_is_not_verified() -> None:
    other, turn = (
        CustomerId(an_id("other")),
        a_turn("I'm Jane Bell, born 25/01/1986", customer=a_customer(verified=False)),
    )
    directory = Directory(known=[(other, JANE)])
    found = (await Identify(directory)({"turn": turn}))["identification"]
    assert found.possible_matches == (other,)
    assert (found.verified, found.customer_id) == (False, turn.customer.id)


async def test_the_records_are_not_asked_about_a_name_alone_and_their_own_customer_is_no_match() -> None:
    turn = a_turn("My name is Jane Bell, born 25/01/1986", customer=a_customer(verified=False))
    directory = Directory(known=[(turn.customer.id, JANE)])
    assert (await Identify(directory)({"turn": turn}))["identification"].possible_matches == ()
    assert [set(keys) for keys in directory.keys] == [{("born", "1986-01-25"), ("name", "JN BL"), ("name", "BL JN")}]
    await Identify(directory)({"turn": a_turn("My name is Jane Bell and my parcel is late")})
    assert len(directory.keys) == 1
