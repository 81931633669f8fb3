"""Reads a company's own records of its customers from a CSV file; what can't be read is reported, the rest goes on."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from channels.addresses import mail_address, phone_number
from skills.errors import BadRequestError
from skills.ports import KnownFacts

COLUMNS = ("id", "name", "postcode", "date_of_birth", "email", "phone", "language")
"""All but ``name`` may be left out; further columns are not read."""
LARGEST_FILE = 512 * 1024 * 1024
_LONGEST = 200
_FIRST_YEAR = 1880
_DATES = (
    (re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})"), (1, 2, 3)),
    (re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})"), (3, 2, 1)),
)


@dataclass(frozen=True, slots=True)
class CustomerRecord:
    """One customer, as the company's records have them.

    ``number`` tells this record from all others, today and when the file is brought again; ``line`` is where it stands.
    """

    number: str
    facts: KnownFacts
    email: str | None = None
    phone: str | None = None
    language: str | None = None
    line: int = 0


@dataclass(frozen=True, slots=True)
class RecordsRead:
    """What a file held: records, and what is wrong with its other lines."""

    records: tuple[CustomerRecord, ...]
    problems: tuple[str, ...]


def read_records(path: Path) -> RecordsRead:
    """Every record of a CSV file in UTF-8, with commas, semicolons or tabs between its columns.

    Raises:
        BadRequestError: there is no such file, it is too large, no CSV, or has no column ``name``.
    """
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise BadRequestError(f"{path} is larger than 512 MB", hint="split it")
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _read(path, file)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
        raise BadRequestError(f"{path} can't be read: {reason}", hint="a CSV file in UTF-8") from None


def _read(path: Path, file: Iterator[str]) -> RecordsRead:
    header = next(file, "")
    delimiter = max(",;\t", key=header.count)
    columns = [column.strip().casefold() for column in next(csv.reader([header], delimiter=delimiter), [])]
    if "name" not in columns:
        raise BadRequestError(
            f"{path} has no column 'name' in its first line", hint=f"its columns may be {', '.join(COLUMNS)}"
        )
    records: dict[str, CustomerRecord] = {}
    problems: list[str] = []
    reader = csv.reader(file, delimiter=delimiter)
    for values in reader:
        line = reader.line_num + 1
        if not any(value.strip() for value in values):
            continue
        row = {column: value.strip() for column, value in zip(columns, values, strict=False) if column in COLUMNS}
        try:
            record = _record(row, line)
        except BadRequestError as error:
            problems.append(f"line {line}: {error}")
            continue
        if record.number in records:
            problems.append(f"line {line}: the same record as line {records[record.number].line}")
        else:
            records[record.number] = record
    return RecordsRead(tuple(records.values()), tuple(problems))


def checked_facts(row: Mapping[str, str]) -> KnownFacts:
    """Name, postcode and date of birth, as somebody wrote them.

    Raises:
        BadRequestError: one is too long or no date, or there is not enough to find anybody by.
    """
    for column, value in row.items():
        if len(value) > _LONGEST or not value.isprintable():
            raise BadRequestError(f"'{column}' is longer than {_LONGEST} characters, or not printable")
    name, postcode = row.get("name", ""), row.get("postcode", "")
    born = _date(row["date_of_birth"]) if row.get("date_of_birth") else None
    if not name:
        raise BadRequestError("there is no name")
    if not postcode and born is None:
        raise BadRequestError("a name alone finds nobody: a postcode or a date of birth is missing")
    return KnownFacts(name, postcode, born)


def _record(row: Mapping[str, str], line: int) -> CustomerRecord:
    facts = checked_facts(row)
    email = _address("email", row.get("email"))
    phone = _address("phone", row.get("phone"))
    language = row.get("language", "").casefold() or None
    if language is not None and not re.fullmatch(r"[a-z]{2}", language):
        raise BadRequestError(f"{language!r} is no language: two letters, as en or de")
    told = f"{facts.name}\x1f{facts.postcode}\x1f{facts.born or ''}".casefold()
    number = f"id {row['id']}" if row.get("id") else f"address {email or phone}" if email or phone else f"facts {told}"
    return CustomerRecord(number, facts, email, phone, language, line)


def _address(column: str, text: str | None) -> str | None:
    if not text:
        return None
    address = mail_address(text) if column == "email" else phone_number(text)
    if address is None:
        hint = "as dana@example.com" if column == "email" else "with its country, as +4915112345678"
        raise BadRequestError(f"{text!r} is no {column}: {hint}")
    return address


def _date(text: str) -> date:
    for form, (year, month, day) in _DATES:
        if match := form.fullmatch(text):
            try:
                born = date(int(match[year]), int(match[month]), int(match[day]))
            except ValueError:
                break
            if born.year >= _FIRST_YEAR and born <= datetime.now(UTC).date():
                return born
    raise BadRequestError(f"{text!r} is no date of birth: 1981-03-20, or 20.03.1981")
