from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from controller.databases.protocol import JobRunner
from tests.contract.database_contract import CLAIM, REBUILT, DatabaseContract
from tests.integration.databases.mongodb_world import MongodbWorld, open_world


@pytest.fixture
async def world(run: JobRunner) -> AsyncIterator[MongodbWorld]:
    async with open_world(run, (CLAIM.name, REBUILT.name)) as opened:
        yield opened


class TestMongodb(DatabaseContract):
    pass
