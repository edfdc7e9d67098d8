"""The contract of databases, on a real MySQL and a real MariaDB."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from controller.databases.protocol import JobRunner
from tests.contract.database_contract import DatabaseContract
from tests.integration.databases.mysql_world import KINDS, MysqlWorld, open_world


class TestMysql(DatabaseContract):
    @pytest.fixture(params=KINDS)
    async def world(self, request: pytest.FixtureRequest, run: JobRunner) -> AsyncIterator[MysqlWorld]:
        async with open_world(request.param, run) as opened:
            yield opened
