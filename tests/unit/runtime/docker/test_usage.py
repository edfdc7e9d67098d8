"""What an engine says of use: memory as `docker stats` shows it, and many containers in one round."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.api.errors import BackendUnavailable
from controller.clock import WallClock
from controller.runtime.docker.address import EngineAddress
from controller.runtime.docker.transport import EngineClient
from controller.runtime.docker.usage import DockerUsage, MemoryStats, held
from tests.standin.engine import EngineServer
from tests.standin.engine_state import StandinEngine


@pytest.mark.parametrize(
    ("stats", "bytes_held"),
    [
        ({"total_inactive_file": 300, "inactive_file": 100, "cache": 500}, 700),
        ({"inactive_file": 200, "file": 500}, 800),
        ({"total_inactive_file": 2000}, 1000),
        ({}, 1000),
    ],
    ids=["v1", "v2", "more cache than use", "no details"],
)
def test_page_cache_that_was_not_used_lately_does_not_count(stats: dict[str, int], bytes_held: int) -> None:
    assert held(MemoryStats(usage=1000, limit=4000, stats=stats)) == bytes_held


async def test_many_containers_are_measured_in_one_round_and_what_ended_is_left_out(tmp_path: Path) -> None:
    state = StandinEngine()
    made = [state.add(f"c{number}", slug=f"pr-{number}") for number in range(600)]
    for container in made[:100]:
        state.stop(container)
    path = str(tmp_path / "engine.sock")
    client = EngineClient(EngineAddress(f"unix://{path}"), calls=1)
    usage = DockerUsage(client, state.installation, WallClock())
    async with EngineServer(state, path).open():
        found = await usage.sample()
        assert {sample.slug for sample in found} == {f"pr-{number}" for number in range(100, 600)}
        assert {sample.memory_bytes for sample in found} == {45 * 1024**2}
    with pytest.raises(BackendUnavailable):
        await usage.sample()
    await client.close()
