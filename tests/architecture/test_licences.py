from __future__ import annotations

import pytest

from tests.architecture.licences import PERMISSIVE, UNCHANGED, permitted


@pytest.mark.parametrize(
    "licence",
    [
        "MIT",
        "Apache-2.0 OR GPL-3.0-only",
        "MPL-2.0 AND (Apache-2.0 OR MIT)",
        "Mozilla Public License 2.0 (MPL 2.0)",
        "GNU General Public License v3 or later (GPLv3+); MIT License",
        "MIT License\n\nCopyright …",
    ],
)
def test_what_can_be_met_is_allowed(licence: str) -> None:
    assert permitted(licence, PERMISSIVE | UNCHANGED)


@pytest.mark.parametrize(
    "licence", ["GPL-3.0-only", "MIT AND GPL-3.0-only", "MIT AND (GPL-2.0 OR SSPL-1.0)", "UNKNOWN", ""]
)
def test_what_can_not_be_met_is_refused(licence: str) -> None:
    assert not permitted(licence, PERMISSIVE | UNCHANGED)
