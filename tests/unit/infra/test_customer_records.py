from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.customer_records import CustomerRecord, read_records
from skills.errors import BadRequestError
from skills.ports import KnownFacts

JANE = KnownFacts("Jane Bell", "G46 0JU", date(1986, 1, 25))


def written(place: Path, text: str | bytes) -> Path:
    file = place / "customers.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_records_are_read_whatever_stands_between_the_columns(tmp_path: Path, delimiter: str) -> None:
    rows = (
        ("ID", "Name", "Postcode", "date_of_birth", "email", "phone", "language", "shoe size"),
        ("7", "Jane Bell", "G46 0JU", "1986-01-25", "Jane@Example.com", "+44 20 7946 0000", "EN", "41"),
        ("", "Paul Young", "", "01.05.1990", "", "", "", ""),
        ("", "", "", "", "", "", "", ""),
    )
    read = read_records(written(tmp_path, "\ufeff" + "\r\n".join(delimiter.join(row) for row in rows)))
    assert read.problems == ()
    jane, paul = read.records
    assert jane == CustomerRecord("id 7", JANE, "jane@example.com", "+442079460000", "en", 2)
    assert (paul.facts, paul.line) == (KnownFacts("Paul Young", "", date(1990, 5, 1)), 3)


def test_what_is_wrong_with_a_line_is_said_and_the_rest_is_read(tmp_path: Path) -> None:
    text = (
        "id,name,postcode,date_of_birth,email,phone,language\n"
        "1,,G46 0JU,,,,\n"
        "2,Jane Bell,,,,,\n"
        "3,Jane Bell,,25/01/1986,,,\n"
        "4,Jane Bell,,1986-02-30,,,\n"
        "5,Jane Bell,G46 0JU,,jane,,\n"
        "6,Jane Bell,G46 0JU,,,0155,\n"
        "7,Jane Bell,G46 0JU,,,,english\n"
        "8,Jane Bell,G46 0JU,,,,\n"
        "8,Jane Bell,G46 0JU,,,,\n"
        f"9,{'x' * 201},G46 0JU,,,,\n"
    )
    read = read_records(written(tmp_path, text))
    assert [record.number for record in read.records] == ["id 8"]
    assert [problem.partition(":")[0] for problem in read.problems] == [
        f"line {n}" for n in (2, 3, 4, 5, 6, 7, 8, 10, 11)
    ]
    assert "no name" in read.problems[0]
    assert "a name alone finds nobody" in read.problems[1]
    assert "1981-03-20" in read.problems[2]
    assert "the same record as line 9" in read.problems[7]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("first,last\nJane,Bell\n", "no column 'name'"),
        ("", "no column 'name'"),
        (b"name,postcode\n\xff\xfe,G46\n", "not UTF-8"),
    ],
)
def test_a_file_that_is_none_is_refused_with_a_hint(tmp_path: Path, text: str | bytes, said: str) -> None:
    with pytest.raises(BadRequestError, match=said) as refused:
        read_records(written(tmp_path, text))
    assert refused.value.hint


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRequestError, match=r"can't be read"):
        read_records(tmp_path / "nowhere.csv")


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_no_file_stops_the_reading(tmp_path: Path, text: str) -> None:
    read_records(written(tmp_path, "name,postcode,date_of_birth\n" + text))
