from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.intents.examples import Labelled, read_examples
from skills.errors import BadRequestError


def written(tmp_path: Path, content: str | bytes) -> Path:
    file = tmp_path / "intents.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


@pytest.mark.parametrize(
    "content",
    [
        'text,label\n"Hello, ""you""",greeting\n',
        '\ufefftext,label\r\n"Hello, ""you""",greeting\r\n\r\n',
        'Label , TEXT,more\ngreeting,"Hello, ""you""",x\n',
        'label;text\ngreeting;"Hello, ""you"""\n',
    ],
)
def test_quotes_marks_orders_and_delimiters_are_read_alike(tmp_path: Path, content: str) -> None:
    assert read_examples(written(tmp_path, content)) == [Labelled('Hello, "you"', "greeting", 2)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("text,label\n", "no rows under its header"),
        ("text,tag\na,b\n", "line 1: there is no column label"),
        ("a,b\n", "line 1: there is no column text and no column label"),
        ("text,label\nhello,greeting\nbye\n", "line 3: the row has 1 of its columns"),
        ("text,label\nhello,\n", "line 2: the label is empty"),
        ("text,label\n  ,greeting\n", "line 2: the text is empty"),
        ("text,label\nhello,gree\tting\n", "line 2: that is no label"),
        ('text,label\n"hello,greeting\n', "line 2: unexpected end of data"),
        (b"text,label\nhello,x\nsch\xf6n,y\n", "line 3: not UTF-8"),
    ],
)
def test_what_is_wrong_is_said_with_its_file_and_line(tmp_path: Path, content: str | bytes, message: str) -> None:
    with pytest.raises(BadRequestError, match=message) as raised:
        read_examples(written(tmp_path, content))
    assert "intents.csv" in str(raised.value)
    assert raised.value.hint


def test_a_file_that_is_not_there_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(BadRequestError, match="No such file"):
        read_examples(tmp_path / "none.csv")


@given(st.lists(st.tuples(st.text(min_size=1), st.text(st.characters(categories=["L"]), min_size=1, max_size=80))))
def test_whatever_is_written_as_csv_is_read_or_refused(rows: list[tuple[str, str]]) -> None:
    content = io.StringIO()
    csv.writer(content).writerows([("text", "label"), *rows])
    file = Path("/dev/shm") / "csagent-any-table.csv"
    try:
        file.write_bytes(content.getvalue().encode("utf-8", "surrogatepass"))
        read = read_examples(file)
    except BadRequestError:
        return
    finally:
        file.unlink(missing_ok=True)
    assert [row.label for row in read] == [label for _, label in rows]
