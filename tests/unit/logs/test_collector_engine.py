"""The collector over a stand-in engine that goes away, comes back and breaks its connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from controller.clock import WallClock
from controller.logs.collector import Collector
from controller.logs.follower import Ways
from controller.logs.masks import Masks
from controller.logs.memory import MemorySink, MemoryStore
from controller.runtime.docker.address import EngineAddress
from controller.runtime.docker.output import DockerOutputs
from controller.runtime.docker.transport import EngineClient
from tests.integration.operator.polling import until
from tests.standin.engine import EngineServer
from tests.standin.engine_state import STDERR, STDOUT, StandinContainer, StandinEngine

SECONDS = 30.0


@pytest.fixture
def state() -> StandinEngine:
    return StandinEngine()


@pytest.fixture
def server(state: StandinEngine, tmp_path: Path) -> EngineServer:
    return EngineServer(state, str(tmp_path / "engine.sock"))


@pytest.fixture
def sink() -> MemorySink:
    return MemorySink(200_000)


@pytest_asyncio.fixture
async def collector(sink: MemorySink, tmp_path: Path) -> AsyncIterator[Collector]:
    client = EngineClient(EngineAddress(f"unix://{tmp_path}/engine.sock"))
    outputs = DockerOutputs(client, "standin")
    made = Collector(Ways(outputs, sink, MemoryStore(), Masks(()), WallClock(), 100_000))
    task = asyncio.create_task(made.run())
    yield made
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await client.close()


async def writes(container: StandinContainer, stop: asyncio.Event) -> int:
    """Write numbered lines to both streams until told to stop; gives how many."""
    number = 0
    while not stop.is_set():
        for _ in range(20):
            container.write(f"{number}\n".encode(), STDOUT if number % 3 else STDERR)
            number += 1
        await asyncio.sleep(0.002)
    return number


def numbers(sink: MemorySink) -> list[int]:
    return sorted(int(entry.message) for entry in sink.entries)


@pytest.mark.usefixtures("collector")
async def test_connections_that_break_lose_and_double_no_line(
    state: StandinEngine, server: EngineServer, sink: MemorySink
) -> None:
    container, stop = state.add("web"), asyncio.Event()
    async with server.open():
        writing = asyncio.create_task(writes(container, stop))
        for _ in range(5):
            seen = len(sink.entries)
            await until(lambda: len(sink.entries), SECONDS, lambda found, seen=seen: found > seen + 100)  # type: ignore[misc]
            server.cut()
        stop.set()
        count = await writing
        await until(lambda: len(sink.entries), SECONDS, lambda found: found >= count)
    assert numbers(sink) == list(range(count))


@pytest.mark.usefixtures("collector")
async def test_an_engine_that_restarts_loses_and_doubles_no_line(
    state: StandinEngine, server: EngineServer, sink: MemorySink
) -> None:
    container, stop = state.add("web"), asyncio.Event()
    writing = asyncio.create_task(writes(container, stop))
    async with server.open():
        await until(lambda: len(sink.entries), SECONDS, lambda found: found > 100)
    state.stop(container)
    state.start(container)
    stop.set()
    count = await writing
    late = state.add("api")
    late.write(f"{count}\n".encode())
    async with server.open():
        await until(lambda: len(sink.entries), SECONDS, lambda found: found > count)
    assert numbers(sink) == list(range(count + 1))


async def test_a_removed_container_is_not_followed_any_more(
    state: StandinEngine, server: EngineServer, collector: Collector
) -> None:
    container = state.add("web")
    async with server.open():
        await until(lambda: collector.following, SECONDS, lambda found: found == 1)
        state.remove(container)
        await until(lambda: collector.following, SECONDS, lambda found: found == 0)


async def test_hundreds_of_quiet_containers_are_followed_at_once(
    state: StandinEngine, server: EngineServer, collector: Collector, sink: MemorySink
) -> None:
    containers = [state.add(f"web-{number}") for number in range(300)]
    async with server.open():
        await until(lambda: collector.following, SECONDS, lambda found: found == 300)
        for number, container in enumerate(containers):
            container.write(f"{number}\n".encode())
        await until(lambda: len(sink.entries), SECONDS, lambda found: found == 300)
    assert numbers(sink) == list(range(300))
