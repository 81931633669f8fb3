"""Passwords as they are kept and compared."""

from __future__ import annotations

import re

import pytest

from infra.staff.passwords import Cost, Passwords, made_up, refuse_weak
from skills.errors import BadRequestError

CHEAP = Cost(passes=1, lanes=1, memory=8)


async def test_a_password_fits_its_hash_alone_and_in_every_way_of_typing_it() -> None:
    passwords = Passwords(CHEAP)
    stored = await passwords.hashed("größte Wörter")
    assert stored.startswith("$argon2id$v=19$m=8,t=1,p=1$")
    assert stored != await passwords.hashed("größte Wörter")
    assert await passwords.fits("gro\u0308ßte Wo\u0308rter", stored)
    assert not await passwords.fits("grosste Worter", stored)
    assert not await passwords.fits("", stored)
    assert not await passwords.fits("größte Wörter", None)


async def test_a_hash_of_another_cost_still_fits_and_is_outdated() -> None:
    stored = await Passwords(CHEAP).hashed("three words apart")
    dearer = Passwords(Cost(passes=1, lanes=1, memory=16))
    assert await dearer.fits("three words apart", stored)
    assert dearer.outdated(stored)
    assert not Passwords(CHEAP).outdated(stored)


@pytest.mark.parametrize("weak", ["", "eleven char", "x" * 201, "aaaaaaaaaaaa", "mira.stone12", "ababababababab"])
def test_a_weak_password_is_refused(weak: str) -> None:
    with pytest.raises(BadRequestError):
        refuse_weak(weak, "mira.stone")


@pytest.mark.parametrize("good", ["three words apart", "Mira.Stone and a horse", "пароль из слов", "correcthorse!"])
def test_a_long_password_of_any_signs_will_do(good: str) -> None:
    refuse_weak(good, "mira.stone")


def test_a_made_up_password_can_be_read_out_and_never_comes_twice() -> None:
    made = {made_up() for _ in range(50)}
    assert len(made) == 50
    assert all(re.fullmatch(r"[a-hjkmnp-z2-9]{5}(-[a-hjkmnp-z2-9]{5}){3}", one) for one in made)
