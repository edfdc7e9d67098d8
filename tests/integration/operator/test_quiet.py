"""A minute of quiet: nothing is written to the API server, nothing changes on the engine."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.integration.operator.app import files, service
from tests.integration.operator.polling import until
from tests.integration.operator.space import Space

QUIET_SECONDS = 60
NAMES = ("built", "ready", "pair")


@pytest.mark.timeout(400)
async def test_three_previews_in_a_minute_of_quiet_cost_no_write_and_no_change(space: Space) -> None:
    repository = space.repository()
    source = space.source(repository, repository.commit(files(database=True)))
    pair = [service("web", dependsOn=["api"]), service("api", public=False)]
    await asyncio.gather(
        space.create("built", {"source": source}),
        space.create("ready", {"source": space.source(), "services": [service()]}),
        space.create("pair", {"source": space.source(), "services": pair}),
    )
    await asyncio.gather(*(space.ready(name) for name in NAMES))
    await until(space.api.terminating, 90, good=lambda names: not names)
    await asyncio.sleep(2)
    writes, held = await space.api.writes(), _held(space)
    bodies = [await space.look(name) for name in NAMES]
    began = int(time.time())
    await asyncio.sleep(QUIET_SECONDS)
    ended = int(time.time())
    assert await space.api.writes() == writes
    assert [await space.look(name) for name in NAMES] == bodies
    assert _changes(space, began, ended) == []
    assert _held(space) == held


def _held(space: Space) -> list[object]:
    """Everything the previews have, with the moment in which each container was started."""
    engine = space.engine
    started = [
        engine.inspect(container)["State"]["StartedAt"]
        for name in NAMES
        for container in engine.containers(space.key(name))
    ]
    return [*(engine.held(space.key(name), space.seen_slugs[name]) for name in NAMES), started]


def _changes(space: Space, since: int, until: int) -> list[str]:
    """What the engine tells of this installation's containers and networks."""
    told = space.engine.client.events(since=since, until=until, decode=True)
    return [
        f"{event['Type']} {event['Action']} {attributes.get('name', '')}"
        for event in told
        for attributes in [event["Actor"]["Attributes"]]
        if attributes.get("previewcloud.installation") == space.engine.installation
        or str(attributes.get("name", "")).startswith(space.engine.installation)
    ]
