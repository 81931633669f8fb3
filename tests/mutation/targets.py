"""What is changed, and which tests may notice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from infra.postgres.queries import parse
from tests.mutation.mutant import Mutant, mutants_of
from tests.mutation.python_operators import Source, edits_by_place
from tests.mutation.sql_operators import edits_of

ROOT = Path(__file__).resolve().parents[2]

_EVERYWHERE = ("core/test_conversation", "core/test_interleavings", "core/test_model")

_TURNS = (
    *(
        "core/test_loading",
        "core/test_checkpoints",
        "core/test_giving_back",
        "core/test_loops",
        "core/test_model_replies",
    ),
    *("core/test_dead_letters", "core/test_old_threads", "core/test_pace", "core/test_review", "http/test_review"),
)

_NOTICED_BY: dict[str, tuple[str, ...]] = {
    "leases": (
        "core/test_leases",
        "core/test_giving_back",
        "core/test_poison",
        "core/test_worker",
        "core/test_claims_however_planned",
    ),
    "inbox": (
        "core/test_inbox",
        "core/test_files",
        "core/test_inbox_apart",
        "core/test_pace",
        "core/test_review",
        "http/test_web",
    ),
    "outbox": (
        *("core/test_outbox", "core/test_settling_by_hand", "core/test_interleavings_of_senders", "core/test_sender"),
        *("http/test_troubles", "core/test_claims_however_planned", "core/test_review"),
    ),
    "reviews": ("core/test_reviews", "core/test_keys", "core/test_review", "http/test_review"),
    "turns": _TURNS,
    "endings": _TURNS,
}
"""By module. A rehearsal sees which of these tests reach which place; the quick ones come first, the model last."""

FILES = (
    "infra/postgres/leases.py",
    "infra/postgres/sql/leases.sql",
    "infra/postgres/inbox.py",
    "infra/postgres/sql/inbox.sql",
    "infra/postgres/outbox.py",
    "infra/postgres/sql/outbox.sql",
    "infra/postgres/reviews.py",
    "infra/postgres/sql/reviews.sql",
    "infra/postgres/turns.py",
    "infra/postgres/endings.py",
    "infra/postgres/sql/turns.sql",
)

TARGETS = {
    file: tuple(f"tests/integration/{name}.py" for name in (*_EVERYWHERE, *_NOTICED_BY[Path(file).stem]))
    for file in FILES
}
"""What is changed, and the files of tests that may notice."""

LEFT_OUT = ("test_the_machine_finds",)
"""Tests of tests: they have mutants of their own."""


def mutants(only: frozenset[str] = frozenset()) -> Iterator[Mutant]:
    """Every mutant of the targets; of those whose names are in ``only``, if any are."""
    for file in TARGETS:
        if not only or Path(file).stem in only:
            yield from mutants_in(file, (ROOT / file).read_text(encoding="utf-8"))


def mutants_in(file: str, text: str) -> Iterator[Mutant]:
    """The mutants of one file."""
    if file.endswith(".sql"):
        for block, statement in parse(text).items():
            yield from mutants_of(file, block, statement, edits_of(statement))
    else:
        for place, edits in edits_by_place(Source(text)).items():
            yield from mutants_of(file, place, text, edits)
