"""What all kinds of servers need: migrations run in containers of the local platform's engine.

A test module has a world of its own kind of server; unless it says otherwise, PostgreSQL's.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import pytest

from controller.databases.protocol import JobRunner
from controller.engine.names import Names
from controller.runtime.docker.address import EngineAddress
from controller.runtime.docker.runtime import DockerRuntime
from controller.runtime.docker.settings import DockerSettings
from controller.runtime.docker.transport import EngineClient
from tests.contract.database_contract import CLAIM, REBUILT
from tests.integration.databases.postgres_world import PostgresWorld, open_world, setting

NEIGHBOUR_NAME = CLAIM.name.replace("pr_1", "pr_2")


@pytest.fixture
async def run() -> AsyncIterator[JobRunner]:
    client = EngineClient(EngineAddress.from_env(os.environ))
    settings = DockerSettings(
        installation=setting("INSTALLATION_ID"),
        proxy_network=setting("PROXY_NETWORK"),
        tools_image=setting("TOOLS_IMAGE"),
        jobs_network=Names.of(setting("INSTALLATION_ID")).jobs_network,
    )
    yield DockerRuntime(client, settings, lambda spec: {}).run_job
    await client.close()


@pytest.fixture
async def world(run: JobRunner) -> AsyncIterator[PostgresWorld]:
    async with open_world(run, (CLAIM.name, REBUILT.name, NEIGHBOUR_NAME)) as opened:
        yield opened
