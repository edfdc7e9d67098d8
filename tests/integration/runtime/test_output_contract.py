"""The Docker engine's output keeps the contract, on a real engine."""

from __future__ import annotations

import asyncio

import docker
import pytest

from controller.runtime.docker.output import DockerOutputs
from controller.runtime.docker.transport import EngineClient
from controller.runtime.output import Stream
from tests.contract.output_contract import OutputContract
from tests.contract.output_place import OutputPlace
from tests.contract.place import Place

WRITE = 'my ($n,$t)=@ARGV; open my $f,">>","/proc/1/fd/$n" or die $!; syswrite $f,qq($t\\n)'


@pytest.fixture
def at(client: EngineClient, place: Place, installation: str) -> OutputPlace:
    """Lines are printed by writing to the first process's own output."""

    def write(name: str, text: str, stream: Stream) -> None:
        number = "1" if stream is Stream.STDOUT else "2"
        sdk = docker.from_env()
        try:
            done = sdk.containers.get(name).exec_run(["perl", "-e", WRITE, number, text])
            assert done.exit_code == 0, done.output
        finally:
            sdk.close()

    async def printed(name: str, text: str, stream: Stream) -> None:
        await asyncio.to_thread(write, name, text, stream)

    stranger = DockerOutputs(client, f"{installation}x")
    return OutputPlace(place, DockerOutputs(client, installation), stranger, printed)


class TestDockerOutputs(OutputContract):
    """All of it."""
