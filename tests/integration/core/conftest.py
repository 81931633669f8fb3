from __future__ import annotations

import pytest

from infra.crypto.keyring import Keyring
from infra.postgres.database import Database
from tests.core import Core, make_core


@pytest.fixture
def core(database: Database, keyring: Keyring) -> Core:
    return make_core(database, keyring)
