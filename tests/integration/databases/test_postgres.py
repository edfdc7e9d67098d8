from __future__ import annotations

from tests.contract.database_contract import DatabaseContract


class TestPostgres(DatabaseContract):
    pass
