"""The roles of the chart are what operator and bridge need: nothing is refused, nothing is granted in vain.

Both run as processes, with tokens of the chart's accounts, against the real API server; the engine is the
twin, since nothing of it reaches the API server. A proxy between notes what they ask for.
"""

from __future__ import annotations

import secrets
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.bridge.bridge import Bridge
from tests.integration.bridge.story import Story
from tests.integration.chart import deeds
from tests.integration.chart.accounts import (
    BRIDGE,
    OPERATOR,
    Places,
    free_port,
    installed,
    kubeconfig,
    operator_settings,
    rights,
)
from tests.integration.chart.chart import Json
from tests.integration.chart.recorder import Recorder, recording
from tests.integration.chart.rights import Grant, grants
from tests.integration.operator.api import Api
from tests.integration.operator.engine import Engine
from tests.integration.operator.process import QUICK, Operator
from tests.integration.operator.space import Space
from tests.standin.github import standin


@dataclass
class Installation:
    """Both at work, each behind a recorder."""

    objects: tuple[Json, ...]
    operator: Recorder
    bridge: Recorder
    story: Story
    own: Space
    others: Space
    """A namespace in which the bridge makes nothing."""
    old: str
    """A ConfigMap that the bridge is to forget."""
    wide: bool

    def unused(self, account: str, recorder: Recorder) -> list[Grant]:
        """What is granted and was never used."""
        granted = grants(self.objects, account)
        return [grant for grant in granted if not any(grant.covers(use) for use in recorder.used)]

    def uncovered(self, account: str, recorder: Recorder) -> list[str]:
        """What was done without a grant of these roles."""
        granted = grants(self.objects, account)
        return [str(use) for use in sorted(recorder.used) if not any(g.covers(use) for g in granted)]


@asynccontextmanager
async def space(api: Api, engine: Engine, env: Mapping[str, str], namespace: str) -> AsyncIterator[Space]:
    made = Space(api, engine, env, namespace)
    await made.open()
    try:
        yield made
    finally:
        await made.close()


@pytest.fixture(params=["one namespace", "all namespaces"])
async def installation(
    request: pytest.FixtureRequest, api: Api, engine: Engine, env: Mapping[str, str], tmp_path: Path
) -> AsyncIterator[Installation]:
    """An installation that watches what its parameter says."""
    name = f"chart-{secrets.token_hex(4)}"
    async with AsyncExitStack() as stack:
        own, others, release = [
            await stack.enter_async_context(space(api, engine, env, f"{name}-{part}"))
            for part in ("previews", "others", "release")
        ]
        watched = own.namespace if request.param == "one namespace" else ""
        places = Places(release.namespace, own.namespace, watched)
        objects = rights(places)
        await stack.enter_async_context(installed(api, objects))
        recorders = [await stack.enter_async_context(recording(api)) for _ in range(2)]
        configs = [
            await kubeconfig(api, places, account, recorder, tmp_path / f"{account}.json")
            for account, recorder in zip((OPERATOR, BRIDGE), recorders, strict=True)
        ]
        settings = {**QUICK, **operator_settings(env, tmp_path, watched, name), "KUBECONFIG": configs[0]}
        operator = Operator(tmp_path / "operator.log", settings)
        stack.callback(lambda: sys.stdout.write(f"{operator.tail()}\n"))
        stack.callback(operator.stop)
        operator.start()
        hub = await stack.enter_async_context(standin())
        bridge = Bridge(own, operator, tmp_path, hub)
        stack.callback(lambda: sys.stdout.write(f"{bridge.log()}\n"))
        stack.callback(bridge.stop)
        old = await deeds.remembered(own)
        catchall = f"127.0.0.1:{free_port()}"
        await bridge.start(KUBECONFIG=configs[1], WATCH_NAMESPACE=watched, CATCHALL_LISTEN=catchall)
        stack.push_async_callback(_empty, own, others)
        yield Installation(objects, *recorders, Story(own, hub, bridge), own, others, old, not watched)


async def _empty(*spaces: Space) -> None:
    """Previews go while their operator still runs."""
    for each in spaces:
        for item in (await each.api.call("GET", each.path()))["items"]:
            await each.delete(item["metadata"]["name"])
            await each.gone(item["metadata"]["name"])


async def test_every_right_is_used_and_none_is_missing(installation: Installation) -> None:
    both = ((OPERATOR, installation.operator), (BRIDGE, installation.bridge))
    story = installation.story
    try:
        await deeds.live(installation.own)
        await deeds.work(story, story.bridge, installation.old)
        if installation.wide:
            await deeds.wake_of_others(installation.others, story.bridge)
    finally:  # what was refused explains best what did not happen
        assert {account: recorder.refused for account, recorder in both} == {OPERATOR: [], BRIDGE: []}
    for account, recorder in both:
        assert installation.uncovered(account, recorder) == [], account
        assert installation.unused(account, recorder) == [], account
