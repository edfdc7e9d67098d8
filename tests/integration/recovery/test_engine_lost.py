"""The engine's machine was replaced: no container, network or image of a preview is left, databases are."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import aiohttp
import pytest

from controller.engine.names import COMPONENT_LABEL, PLATFORM_LABEL
from controller.runtime.docker.labels import INSTALLATION
from controller.runtime.imagelabels import IMAGE_INSTALLATION
from tests.integration.operator.engine import Engine
from tests.integration.operator.space import Space
from tests.integration.recovery.platform import Platform
from tests.integration.recovery.previews import annotate, answers, deployed, facts, phase

pytestmark = pytest.mark.timeout(900)

REBUILT_SECONDS = 120.0
LOOK_SECONDS = 0.1
BUILDS_RUNNING = re.compile(r"^previewcloud_builds_running (\S+)$", re.MULTILINE)
NAMES = ("one", "two")


def lose(engine: Engine) -> None:
    """All that the installation has on the engine goes, Traefik too; database servers and networks stay."""
    mine = f"{INSTALLATION}={engine.installation}"
    client = engine.client
    for container in client.containers.list(all=True, filters={"label": mine}, ignore_removed=True):
        if PLATFORM_LABEL not in container.labels or COMPONENT_LABEL in container.labels:
            container.remove(force=True, v=True)
    for network in client.networks.list(filters={"label": [mine, "previewcloud.preview"]}):
        network.remove()
    built = {"label": f"{IMAGE_INSTALLATION}={engine.installation}"}
    for image in client.images.list(all=True, filters=built):
        client.images.remove(image.id, force=True)


@asynccontextmanager
async def builds_watched(platform: Platform) -> AsyncIterator[Counter[float]]:
    """How many builds ran at once, as the operator's metrics tell again and again."""
    seen: Counter[float] = Counter()

    async def watch() -> None:
        async with aiohttp.ClientSession() as session:
            while True:
                with suppress(aiohttp.ClientError):
                    async with session.get(f"http://{platform.env['METRICS_LISTEN']}/metrics") as answer:
                        found = BUILDS_RUNNING.search(await answer.text())
                        seen.update([float(found[1])] if found else [])
                await asyncio.sleep(LOOK_SECONDS)

    watching = asyncio.create_task(watch())
    try:
        yield seen
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def test_all_previews_are_rebuilt_and_what_slept_is_when_it_is_woken(
    platform: Platform, space: Space
) -> None:
    made = await asyncio.gather(*(deployed(space, name) for name in (*NAMES, "asleep")))
    seen = {each.body["metadata"]["name"]: each for each, _ in made}
    await annotate(space, "asleep", "sleep", "2026-01-01T00:00:00Z")
    await phase(space, "asleep", "Sleeping")
    before = {name: facts(space, each) for name, each in seen.items()}
    platform.stop_operator()
    await asyncio.to_thread(lose, space.engine)
    assert all(not space.engine.containers(space.key(name)) for name in seen)
    await asyncio.to_thread(platform.up)
    platform.start_operator(BUILDS="1")
    async with builds_watched(platform) as running:
        for name in NAMES:  # what the status says is from before, until somebody looks
            await answers(seen[name].status["url"], f"web {seen[name].status['commit']}", REBUILT_SECONDS)
    back = {name: await space.ready(name, REBUILT_SECONDS) for name in NAMES}
    assert set(running) == {0.0, 1.0}
    for name, again in back.items():
        after = facts(space, again)
        assert (after.slug, after.url, after.rows) == (before[name].slug, before[name].url, before[name].rows)
        assert after.containers.keys().isdisjoint(before[name].containers)
    still = await phase(space, "asleep", "Sleeping")
    assert space.engine.containers(space.key("asleep")) == []
    await answers(still.status["url"], f"web {still.status['commit']}")
    assert facts(space, await space.ready("asleep")).rows == before["asleep"].rows
