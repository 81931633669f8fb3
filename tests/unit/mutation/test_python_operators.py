from __future__ import annotations

import pytest

from tests.mutation.targets import mutants_in

EXAMPLES: dict[str, tuple[str, set[str]]] = {
    "comparisons": ("return a < b <= c", {"a <= b <= c", "a < b < c"}),
    "identity": ("return a is not None", {"a is None"}),
    "membership": ("return a not in b", {"a in b"}),
    "connectives": ("return a and b and c", {"a or b and c", "a and b or c"}),
    "negation": ("return not a", {"a"}),
    "numbers": ("return a + 1.5", {"a + 2.5", "a + 0.5", "a - 1.5"}),
    "flags": ("return f(x=True)", {"f(x=False)"}),
    "a choice": ("return a if b else c", {"a if True else c", "a if False else c"}),
    "beyond letters of ASCII": ("return 'é→' != a", {"'é→' == a"}),
}
"""A function's body, and what its value is changed to besides None."""


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_value_is_changed_in_every_way_of_the_table(name: str) -> None:
    body, expected = EXAMPLES[name]
    changed = {mutant.source.splitlines()[1].strip() for mutant in mutants_in("m.py", f"def f():\n    {body}\n")}
    assert changed == {f"return {value}" for value in expected} | {"return None"}


def test_a_condition_always_holds_or_never() -> None:
    text = "def f():\n    if a:\n        pass\n"
    assert {m.source.splitlines()[1].strip() for m in mutants_in("m.py", text)} == {"if True:", "if False:"}


def test_an_awaited_statement_and_a_raised_error_are_left_out() -> None:
    text = "async def f():\n    await a()\n    b()\n    raise ValueError('of 3')\n"
    assert {mutant.source for mutant in mutants_in("m.py", text)} == {
        text.replace("await a()", "pass"),
        text.replace("raise ValueError('of 3')", "pass"),
    }


def test_docstrings_annotations_decorators_assertions_and_messages_stay_as_they_are() -> None:
    text = '@cache(1)\ndef f(a: L[2]) -> L[3]:\n    """Why."""\n    assert a > 4\n    raise E(f"{a + 5}")\n'
    assert [mutant.operator for mutant in mutants_in("m.py", text)] == ["statement"]


def test_a_mutant_is_named_by_its_place_and_its_text_and_counted_where_these_are_alike() -> None:
    text = "MOST = 3\n\n\nclass C:\n    def f(self):\n        a(1)\n        a(1)\n"
    assert [mutant.id for mutant in mutants_in("m.py", text)] == [
        "C.f: constant: a(1) → a(2)",
        "C.f: constant: a(1) → a(0)",
        "C.f: constant: a(1) → a(2) #2",
        "C.f: constant: a(1) → a(0) #2",
        "MOST: constant: MOST = 3 → MOST = 4",
        "MOST: constant: MOST = 3 → MOST = 2",
    ]


def test_a_line_that_moves_keeps_its_mutants_names() -> None:
    text = "def f():\n    return a == b\n"
    moved = f"import a\n\n\n{text}"
    assert [m.id for m in mutants_in("m.py", text)] == [m.id for m in mutants_in("m.py", moved)]
