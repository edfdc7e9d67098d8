"""Output over a stand-in engine: connections that break, silent streams, what is asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest
import pytest_asyncio

from controller.api.errors import BackendUnavailable
from controller.runtime.docker.address import EngineAddress
from controller.runtime.docker.output import REACH_BACK, DockerOutputs
from controller.runtime.docker.transport import EngineClient
from controller.runtime.output import Position, Stream
from tests.contract.output_place import Reading, next_source
from tests.standin.engine import EngineServer
from tests.standin.engine_state import SECOND, STDERR, STDOUT, StandinEngine

BEGIN = 1_790_000_000 * SECOND


@pytest.fixture
def state() -> StandinEngine:
    return StandinEngine()


@pytest.fixture
def server(state: StandinEngine, tmp_path: Path) -> EngineServer:
    return EngineServer(state, str(tmp_path / "engine.sock"))


@pytest_asyncio.fixture
async def outputs(tmp_path: Path) -> AsyncIterator[DockerOutputs]:
    client = EngineClient(EngineAddress(f"unix://{tmp_path}/engine.sock"))
    yield DockerOutputs(client, "standin")
    await client.close()


async def test_a_broken_connection_is_an_error_not_an_end(
    state: StandinEngine, server: EngineServer, outputs: DockerOutputs
) -> None:
    container, reading = state.add("web"), Reading()
    container.write(b"one\n")
    container.write(b"half a ")

    def cut() -> bool:
        server.cut()
        return False

    async with server.open():
        with pytest.raises(BackendUnavailable):
            await reading.until(outputs, container.id, cut)
        assert reading.texts() == ["one"], "half a line is not given: its rest comes with the next connection"


async def test_an_engine_that_was_away_is_listed_again(
    state: StandinEngine, server: EngineServer, outputs: DockerOutputs
) -> None:
    first = state.add("web")
    async with aclosing(outputs.sources()) as sources:
        async with server.open():
            assert await next_source(sources) is None
            assert (await next_source(sources) or first).id == first.id
        second = state.add("api", service="api")
        async with server.open():
            assert await next_source(sources) is None
            found = {(await next_source(sources) or first).name for _ in range(2)}
            assert found == {first.name, second.name}


async def test_jobs_and_what_is_of_no_log_are_not_looked_at(
    state: StandinEngine, server: EngineServer, outputs: DockerOutputs
) -> None:
    state.add("job", job="true")
    state.add("old", incarnation="")
    state.add("elsewhere", installation="other")
    wanted = state.add("web", pr="", running=False)
    async with server.open(), aclosing(outputs.sources()) as sources:
        assert await next_source(sources) is None
        found = await next_source(sources)
        assert found is not None
        assert (found.id, found.pull_request, found.running) == (wanted.id, None, False)
        state.add("late job", job="true")
        state.start(wanted)
        again = await next_source(sources)
        assert again is not None
        assert (again.id, again.running) == (wanted.id, True)


async def test_a_stream_that_was_never_read_takes_all_there_is(
    state: StandinEngine, server: EngineServer, outputs: DockerOutputs
) -> None:
    container = state.add("web", running=False)
    container.write(b"out\n", STDOUT, BEGIN)
    container.write(b"err\n", STDERR, BEGIN)
    reading = Reading(read={Stream.STDOUT: Position(BEGIN)})
    async with server.open():
        await reading.to_the_end(outputs, container.id)
        assert [line.text for line in reading.lines] == ["err"]


async def test_the_engine_is_asked_from_a_second_before_the_slower_stream(
    state: StandinEngine, server: EngineServer, outputs: DockerOutputs
) -> None:
    container = state.add("web", running=False)
    slow = Position(BEGIN + 7)
    async with server.open():
        for newest in (BEGIN + SECOND, BEGIN + 2 * REACH_BACK):
            reading = Reading(read={Stream.STDERR: slow, Stream.STDOUT: Position(newest)})
            await reading.to_the_end(outputs, container.id)
    since = [path.partition("since=")[2] for path in state.asked]
    assert since == ["1789999999.000000007", "1790000600.000000000"]
