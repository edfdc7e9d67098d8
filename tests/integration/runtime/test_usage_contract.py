"""What a real Docker engine says of its containers keeps the contract."""

from __future__ import annotations

import asyncio

import docker
import pytest

from controller.clock import WallClock
from controller.runtime.docker.transport import EngineClient
from controller.runtime.docker.usage import DockerUsage
from tests.contract.place import Place
from tests.contract.usage_contract import UsageContract
from tests.contract.usage_place import UsagePlace

COMPUTE = "1 while (times)[0] < 0.3"
"""Until the process used that many seconds by itself."""


@pytest.fixture
def at(client: EngineClient, place: Place, installation: str) -> UsagePlace:
    """Instances compute in a process beside their own, which counts as theirs."""

    def burn(name: str) -> None:
        sdk = docker.from_env()
        try:
            assert sdk.containers.get(name).exec_run(["perl", "-e", COMPUTE]).exit_code == 0
        finally:
            sdk.close()

    async def compute(name: str) -> None:
        await asyncio.to_thread(burn, name)

    stranger = DockerUsage(client, f"{installation}x", WallClock())
    return UsagePlace(place, DockerUsage(client, installation, WallClock()), stranger, compute)


class TestDockerUsage(UsageContract):
    """All of it."""
