"""How SQL is changed: token by token within one named block.

PostgreSQL has the last word on what makes a statement: what it can't prepare is no mutant (``validity.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain

from tests.mutation.mutant import Edit
from tests.mutation.sql_tokens import Statement

_SWAPPED = {
    "<": "<=",
    "<=": "<",
    ">": ">=",
    ">=": ">",
    "=": "<>",
    "<>": "=",
}

_FUNCTIONS = {"least": "greatest", "greatest": "least", "min": "max", "max": "min"}

_VALUES = {
    # messages
    "waiting": "human",
    "handled": "human",
    "written": "delivered",
    "delivered": "written",
    "in": "out",
    "out": "in",
    "customer": "agent",
    # owners
    "agent": "human",
    "human": "agent",
    # texts in the outbox
    "pending": "sending",
    "sending": "pending",
    "sent": "failed",
    "failed": "unknown",
    "unknown": "failed",
    # reviews, cases, turns
    "open": "closed",
    "closed": "decided",
    "decided": "closed",
    "done": "paused",
}


def edits_of(source: str) -> Iterator[Edit]:
    """Every edit of one statement."""
    statement = Statement(source)
    places = range(len(statement.tokens))
    return chain(operands(statement), *(operator(statement, place) for place in places for operator in OPERATORS))


def operands(statement: Statement) -> Iterator[Edit]:
    """A condition goes: what is bound by `and` becomes true, by `or` false."""
    for operand in statement.operands:
        if operand.bound_by or operand.opened_by != "when":
            neutral = "false" if operand.bound_by == "or" else "true"
            yield Edit("condition", *statement.span(operand.first, operand.after), neutral)


def comparison(statement: Statement, place: int) -> Iterator[Edit]:
    """But not of a time with the clock or over a span: whether a microsecond counts makes no difference."""
    inside = [o for o in statement.operands if o.first <= place < o.after]
    by_the_clock = any({"now", "interval"} & set(statement.words[o.first : o.after]) for o in inside)
    if statement.words[place] in _SWAPPED and inside and not by_the_clock:
        yield _at(statement, "comparison", place, place + 1, _SWAPPED[statement.words[place]])


def null(statement: Statement, place: int) -> Iterator[Edit]:
    if statement.says(place, "is", "null"):
        yield _at(statement, "null", place, place + 2, "is not null")
    elif statement.says(place, "is", "not", "null"):
        yield _at(statement, "null", place, place + 3, "is null")


def negation(statement: Statement, place: int) -> Iterator[Edit]:
    word, before = statement.words[place], statement.words[place - 1] if place else ""
    if word == "not" and before != "is":
        start, end = statement.tokens[place].start, statement.tokens[place + 1].start
        yield Edit("not", start, end, "", statement.around(place, place + 1))
    elif word in {"exists", "in"} and before != "not":
        yield _at(statement, "not", place, place + 1, f"not {word}")


def number(statement: Statement, place: int) -> Iterator[Edit]:
    if statement.tokens[place].kind == "number" and statement.words[place - 1] != "limit":
        step = statement.words[place - 1] in {"+", "-"}
        yield _at(statement, "number", place, place + 1, "0" if step else str(int(statement.words[place]) + 1))


def term(statement: Statement, place: int) -> Iterator[Edit]:
    """What is added to a time, or taken from it, goes."""
    if statement.words[place] in {"+", "-"}:
        ends = place + (3 if statement.words[place + 1] == "interval" else 2)
        if ends - place == 3 or statement.tokens[place + 1].kind == "parameter":
            yield _at(statement, "term", place, ends, "")


def function(statement: Statement, place: int) -> Iterator[Edit]:
    word = statement.words[place]
    if not statement.says(place + 1, "("):
        return
    if word in _FUNCTIONS:
        yield _at(statement, "function", place, place + 1, _FUNCTIONS[word])
    elif word == "coalesce":
        after = statement.beyond(place + 1)
        for part in statement.parts(place + 2, after - 1):
            yield _at(statement, "function", place, after, statement.text(*part))


def choice(statement: Statement, place: int) -> Iterator[Edit]:
    """`case when … then A else B end` is always A, or always B."""
    if statement.words[place] != "case":
        return
    depth, branches, closed, here = 0, list[int](), list[int](), place
    while True:
        word = statement.words[here]
        depth += (word == "case") - (word == "end")
        if depth == 0:
            break
        if depth == 1 and word in {"then", "else"}:
            branches.append(here + 1)
        if depth == 1 and word in {"when", "else"} and branches:
            closed.append(here)
        here = statement.beyond(here)
    for first, after in zip(branches, [*closed, here], strict=False):
        yield _whole(statement, "case", place, here + 1, statement.text(first, after))
    if "else" not in {statement.words[branch - 1] for branch in branches}:
        yield _whole(statement, "case", place, here + 1, "null")


def locking(statement: Statement, place: int) -> Iterator[Edit]:
    if statement.says(place, "for", "update"):
        skips = statement.says(place + 2, "skip", "locked")
        yield _at(statement, "lock", place, place + (4 if skips else 2), "")
        if skips:
            yield _at(statement, "lock", place + 2, place + 4, "")


def ordering(statement: Statement, place: int) -> Iterator[Edit]:
    if not statement.says(place, "order", "by"):
        return
    after = statement.until(place + 2, "limit", "for")
    yield _at(statement, "order", place, after, "")
    for first, last in statement.parts(place + 2, after):
        if statement.words[last - 1] == "desc":
            yield _at(statement, "order", last - 1, last, "asc")
        else:
            start = statement.tokens[last - 1].end
            yield Edit("order", start, start, " desc", statement.around(first, last))


def limit(statement: Statement, place: int) -> Iterator[Edit]:
    if statement.words[place] == "limit":
        yield _at(statement, "limit", place, place + 2, "")


def assignment(statement: Statement, place: int) -> Iterator[Edit]:
    """One column of several is left as it is."""
    if statement.words[place] != "set":
        return
    parts = statement.parts(place + 1, statement.until(place + 1, "from", "where", "returning"))
    for nth, (first, after) in enumerate(parts):
        if len(parts) > 1:
            start, end = statement.span(first, after)
            if nth + 1 < len(parts):
                yield Edit("set", start, statement.tokens[parts[nth + 1][0]].start, "", (start, end))
            else:
                yield Edit("set", statement.tokens[first - 1].start, end, "", (statement.tokens[first - 1].start, end))


def value(statement: Statement, place: int) -> Iterator[Edit]:
    other = _VALUES.get(statement.words[place].strip("'")) if statement.tokens[place].kind == "text" else None
    if other is not None:
        yield _at(statement, "value", place, place + 1, f"'{other}'")


def conflict(statement: Statement, place: int) -> Iterator[Edit]:
    if statement.says(place, "on", "conflict"):
        yield _whole(statement, "conflict", place, statement.until(place, "returning"), "")


def outer_join(statement: Statement, place: int) -> Iterator[Edit]:
    if statement.says(place, "left", "join"):
        yield _at(statement, "join", place, place + 2, "join")


def step(statement: Statement, place: int) -> Iterator[Edit]:
    """A step of a chain goes, where no other refers to it."""
    words = statement.words
    if not (0 < place < len(words) - 2 and words[place - 1] in {"with", ","} and statement.says(place + 1, "as", "(")):
        return
    name, after = words[place], statement.beyond(place + 2)
    if sum(word.split(".")[0] == name for word in words) > 1:
        return
    if words[after] == ",":
        start, end = statement.tokens[place].start, statement.tokens[after + 1].start
    else:
        start, end = statement.tokens[place - 1].start, statement.tokens[after - 1].end
    yield Edit("step", start, end, "")


OPERATORS: tuple[Callable[[Statement, int], Iterator[Edit]], ...] = (
    comparison,
    null,
    negation,
    number,
    term,
    function,
    choice,
    locking,
    ordering,
    limit,
    assignment,
    value,
    conflict,
    outer_join,
    step,
)


def _at(statement: Statement, operator: str, first: int, after: int, text: str) -> Edit:
    return Edit(operator, *statement.span(first, after), text, statement.around(first, after))


def _whole(statement: Statement, operator: str, first: int, after: int, text: str) -> Edit:
    return Edit(operator, *statement.span(first, after), text)
