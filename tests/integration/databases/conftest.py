"""A world per test, on the local platform's PostgreSQL; migrations run in containers of its engine."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import pytest

from controller.databases.protocol import JobRunner
from controller.runtime.docker.address import EngineAddress
from controller.runtime.docker.runtime import DockerRuntime
from controller.runtime.docker.settings import DockerSettings
from controller.runtime.docker.transport import EngineClient
from tests.contract.database_contract import CLAIM
from tests.integration.databases.postgres_world import PostgresWorld, open_world, setting

NEIGHBOUR_NAME = CLAIM.name.replace("pr_1", "pr_2")


@pytest.fixture
async def run() -> AsyncIterator[JobRunner]:
    client = EngineClient(EngineAddress.from_env(os.environ))
    settings = DockerSettings(
        installation=setting("INSTALLATION_ID"),
        proxy_network=setting("PROXY_NETWORK"),
        tools_image=setting("TOOLS_IMAGE"),
    )
    yield DockerRuntime(client, settings, lambda spec: {}).run_job
    await client.close()


@pytest.fixture
async def world(run: JobRunner) -> AsyncIterator[PostgresWorld]:
    async with open_world(run, (CLAIM.name, NEIGHBOUR_NAME)) as opened:
        yield opened
