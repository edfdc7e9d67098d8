"""What goes wrong is put right: seconds after an engine event, at the next look otherwise."""

from __future__ import annotations

import os
import signal
import time

import pytest

from tests.integration.operator.app import files, service
from tests.integration.operator.polling import until
from tests.integration.operator.process import Operator
from tests.integration.operator.space import Answer, Space, visit

REPAIR_SECONDS = 5.0


async def _again(url: str, good: str, path: str = "/") -> float:
    """Wait until a preview answers well again; gives the seconds that took."""
    began = time.monotonic()

    def well(answer: Answer) -> bool:
        return answer.status == 200 and answer.body.startswith(good)

    await until(lambda: visit(url, path), 30, well)
    return time.monotonic() - began


async def _pair(space: Space) -> str:
    """Two siblings; the preview's URL."""
    services = [service("web", dependsOn=["api"]), service("api", public=False)]
    await space.create("pair", {"source": space.source(), "services": services})
    seen = await space.ready("pair")
    url: str = seen.status["url"]
    return url


@pytest.mark.parametrize("how", ["killed", "stopped", "removed"])
async def test_a_container_that_ends_by_hand_is_back_within_seconds(space: Space, how: str) -> None:
    url = await _pair(space)
    container = space.engine.of_service(space.key("pair"))
    began = time.monotonic()
    if how == "killed":
        container.kill()
    elif how == "stopped":
        container.stop(timeout=0)
    else:
        container.remove(force=True)
    await until(lambda: _running(space, container.id or "", how), REPAIR_SECONDS)
    await _again(url, "web")
    assert time.monotonic() - began < REPAIR_SECONDS
    await space.ready("pair")


def _running(space: Space, old: str, how: str) -> bool:
    found = [
        c for c in space.engine.containers(space.key("pair")) if c.labels["previewcloud.service"] == "web"
    ]
    return any(c.status == "running" and (how != "removed" or c.id != old) for c in found)


async def test_a_network_removed_by_hand_is_back_within_seconds(space: Space) -> None:
    url = await _pair(space)
    key = space.key("pair")
    (name,) = space.engine.networks(key)
    before = {container.name: space.engine.inspect(container) for container in space.engine.containers(key)}
    network = space.engine.client.networks.get(name)
    network.reload()
    for container in network.containers:
        network.disconnect(container, force=True)
    network.remove()
    assert await _again(url, "api", "/ask/api:8080") < REPAIR_SECONDS
    assert space.engine.networks(key) == [name]
    after = {container.name: space.engine.inspect(container) for container in space.engine.containers(key)}
    assert {n: c["State"]["StartedAt"] for n, c in after.items()} == {
        n: c["State"]["StartedAt"] for n, c in before.items()
    }


async def test_a_container_taken_from_its_network_is_put_back_within_seconds(space: Space) -> None:
    url = await _pair(space)
    key = space.key("pair")
    (name,) = space.engine.networks(key)
    space.engine.client.networks.get(name).disconnect(space.engine.of_service(key, "api"), force=True)
    assert await _again(url, "api", "/ask/api:8080") < REPAIR_SECONDS


async def test_a_dropped_database_is_made_anew_at_the_next_look(space: Space) -> None:
    repository = space.repository()
    await space.create("rows", {"source": space.source(repository, repository.commit(files(database=True)))})
    seen = await space.ready("rows")
    (name,) = space.engine.databases(seen.status["slug"])
    space.engine.sql(f'DROP DATABASE "{name}" WITH (FORCE)')
    tables = "SELECT count(*) FROM pg_tables WHERE tablename = 'item'"
    await until(lambda: space.engine.databases(seen.status["slug"]), 30)

    def migrated() -> bool:
        return space.engine.sql(tables, name) == ["1"]

    await until(migrated, 30)
    await space.ready("rows")
    assert (await visit(seen.status["url"])).status == 200


async def test_what_happened_while_events_were_missed_is_found_at_the_next_look(
    space: Space, operator: Operator
) -> None:
    """The operator is held while the engine tells of it, so that only a look can find it."""
    url = await _pair(space)
    os.kill(operator.pid, signal.SIGSTOP)
    try:
        for container in space.engine.containers(space.key("pair")):
            container.remove(force=True)
    finally:
        os.kill(operator.pid, signal.SIGCONT)
    await _again(url, "api", "/ask/api:8080")
    await space.ready("pair")
