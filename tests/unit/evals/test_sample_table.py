from __future__ import annotations

import io

import pytest
from rich.console import Console

from evals.commands.sample import own_words, print_table, table_console
from evals.sample_company.play import Played
from skills.adapt.texts import text_for
from skills.turn import Language

DISCLOSURE = text_for(Language("en"), "disclosure")
ANSWER = f"Hello Ana,\n\n{DISCLOSURE}\n\nIt costs [£3.95]."
TURNS = [
    Played("Ana", "email", "fact", "What does postage cost? " * 9, "answered", ANSWER, 1041.7, None),
    Played("Nate", "whatsapp", "danger", "smoke!", "escalated P1", "Fire.", 80.2, "was not escalated"),
]


@pytest.mark.parametrize("width", [80, 100, 140])
def test_every_column_stays_at_every_width(width: int) -> None:
    out = io.StringIO()
    print_table(TURNS, Console(file=out, width=width))
    header, first, second, *_ = out.getvalue().splitlines()
    assert header.split() == ["channel", "message", "outcome", "reply", "or", "reason", "ms"]
    assert "answered" in first
    assert "It costs [£3.95]" in first
    assert first.endswith("1042")
    assert "escalated P1" in second
    assert max(map(len, out.getvalue().splitlines())) <= width


def test_what_went_wrong_is_told_in_full() -> None:
    out = io.StringIO()
    print_table(TURNS, Console(file=out, width=80))
    assert out.getvalue().rstrip().endswith("✗ smoke! → was not escalated")


def test_a_pipe_gets_a_fixed_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    assert table_console().width == 140


def test_no_turns_print_the_heading_alone() -> None:
    out = io.StringIO()
    print_table([], Console(file=out, width=80))
    assert "message" in out.getvalue()


def test_the_disclosure_does_not_hide_the_reply() -> None:
    assert own_words(f"{DISCLOSURE}\n\nTwo days.") == "Two days."
    assert own_words("Two days.") == "Two days."


@pytest.mark.parametrize("greeting", ["Hello,", "Hello Ana Whitlock,", "Guten Tag,", "Hola, Ana:"])
def test_neither_does_the_greeting(greeting: str) -> None:
    assert own_words(f"{greeting}\n\n{DISCLOSURE}\n\nTwo days.") == "Two days."
    assert own_words(f"{greeting}\n\nTwo days.") == "Two days."


def test_what_only_looks_like_a_greeting_stays() -> None:
    assert own_words("Hello there.\n\nTwo days.") == "Hello there.\n\nTwo days."
