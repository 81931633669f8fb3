from __future__ import annotations

import pytest

from tests.mutation.sql_operators import edits_of

EXAMPLES: dict[str, tuple[str, set[str]]] = {
    "conditions that are bound by and": (
        "select a from t where b and c;",
        {"select a from t where true and c;", "select a from t where b and true;"},
    ),
    "conditions that are bound by or": (
        "select a from t where b and (c or d);",
        {
            "select a from t where true and (c or d);",
            "select a from t where b and true;",
            "select a from t where b and (false or d);",
            "select a from t where b and (c or false);",
        },
    ),
    "a condition that a comment stands in": (
        "select a from t where b -- and why\n and c;",
        {"select a from t where true -- and why\n and c;", "select a from t where b -- and why\n and true;"},
    ),
    "comparisons": (
        "select a from t where b <= c;",
        {"select a from t where true;", "select a from t where b < c;"},
    ),
    "a time and the clock": ("select a from t where b < now();", {"select a from t where true;"}),
    "null": (
        "select a is not null, b is null from t;",
        {"select a is null, b is null from t;", "select a is not null, b is not null from t;"},
    ),
    "not": ("select not a, exists (b);", {"select a, exists (b);", "select not a, not exists (b);"}),
    "steps, numbers and terms": (
        "select a + 1, 7, now() + %(x)s;",
        {
            "select a + 0, 7, now() + %(x)s;",
            "select a + 1, 8, now() + %(x)s;",
            "select a + 1, 7, now() ;",
        },
    ),
    "coalesce and least": (
        "select coalesce(a, f(b, c)), least(d, e);",
        {
            "select a, least(d, e);",
            "select f(b, c), least(d, e);",
            "select coalesce(a, f(b, c)), greatest(d, e);",
        },
    ),
    "case": ("select case when a then b else c end;", {"select b;", "select c;"}),
    "case without else": ("select case when a then b end;", {"select b;", "select null;"}),
    "case with several conditions": (
        "select case a when b then c when d then e end;",
        {"select c;", "select e;", "select null;"},
    ),
    "a case in a case": (
        "select case when a then case when b then c else d end else e end;",
        {
            "select case when b then c else d end;",
            "select e;",
            "select case when a then c else e end;",
            "select case when a then d else e end;",
        },
    ),
    "locks": (
        "select a from t for update skip locked;",
        {"select a from t ;", "select a from t for update ;"},
    ),
    "order and limit": (
        "select a from t order by b desc, c limit 5;",
        {
            "select a from t  limit 5;",
            "select a from t order by b asc, c limit 5;",
            "select a from t order by b desc, c desc limit 5;",
            "select a from t order by b desc, c ;",
        },
    ),
    "assignments": (
        "update t set a = b, c = f(d, e) where g;",
        {
            "update t set c = f(d, e) where g;",
            "update t set a = b where g;",
            "update t set a = b, c = f(d, e) where true;",
        },
    ),
    "states": ("select 'waiting', 'anything';", {"select 'human', 'anything';"}),
    "conflicts": (
        "insert into t select a on conflict (b) do nothing returning c;",
        {"insert into t select a  returning c;"},
    ),
    "an outer join": (
        "select a from t left join u on b;",
        {"select a from t join u on b;", "select a from t left join u on true;"},
    ),
    "steps of a chain that nothing refers to": (
        "with a as (select b), c as (select d from a) select e;",
        {"with a as (select b) select e;"},
    ),
    "the first step of a chain": (
        "with a as (select b), c as (select d) select e from c;",
        {"with c as (select d) select e from c;"},
    ),
}
"""A statement, and all that it is changed to."""


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_statement_is_changed_in_every_way_of_the_table(name: str) -> None:
    statement, expected = EXAMPLES[name]
    assert {edit.on(statement) for edit in edits_of(statement)} == expected
