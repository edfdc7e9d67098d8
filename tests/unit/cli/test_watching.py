"""A preview that is watched until nothing is being done any more."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from cli.client import of_preview
from cli.failure import Failure
from cli.models import Preview
from cli.terminal import Terminal
from cli.watching import Shown, watch
from controller.api.status import ConditionStatus, ConditionType, Phase
from tests.integration.webhook.cluster.relay import Relay
from tests.unit.cli.stage import client_of
from tests.unit.webhook.rest.test_reading import condition, ran
from tests.unit.webhook.rest.world import World, until

STALLED = condition(ConditionType.STALLED, ConditionStatus.TRUE, "BuildFailed", "web: npm ERR!")


@dataclass
class Watched:
    """One who watches pr-42."""

    task: asyncio.Task[int]
    out: io.StringIO
    err: io.StringIO
    relay: Relay

    async def sees(self, text: str) -> None:
        await until(lambda: text in self.out.getvalue() + self.err.getvalue())

    async def code(self) -> int:
        return await asyncio.wait_for(self.task, 10)


@asynccontextmanager
async def watching(
    world: World, *, interactive: bool = False, since: Preview | None = None
) -> AsyncIterator[Watched]:
    server = world.client.server
    assert server.port is not None
    out, err = io.StringIO(), io.StringIO()
    shown = Shown(Terminal(out, err, interactive, interactive))
    async with Relay("127.0.0.1", server.port) as relay, client_of(world, relay.port) as client:
        task = asyncio.create_task(watch(client, "pr-42", shown, each=0.02, since=since))
        try:
            yield Watched(task, out, err, relay)
        finally:
            task.cancel()


@pytest.mark.parametrize("interactive", [False, True])
async def test_steps_are_seen_and_it_ends_with_0_when_it_runs(world: World, interactive: bool) -> None:
    preview = await ran(world, phase=Phase.CREATING, step="build web")
    async with watching(world, interactive=interactive) as watched:
        await watched.sees("build web")
        world.cluster.set_status(preview.key, step="migrate the database")
        await watched.sees("migrate the database")
        world.cluster.set_status(preview.key, phase=Phase.RUNNING, step=None)
        assert await watched.code() == 0
        await watched.sees("http://web.test")


async def test_it_ends_with_1_when_it_failed_and_says_why(world: World) -> None:
    preview = await ran(world, phase=Phase.CREATING, step="build web")
    async with watching(world) as watched:
        await watched.sees("build web")
        world.cluster.set_status(preview.key, phase=Phase.FAILED, step=None, conditions=(STALLED,))
        assert await watched.code() == 1
        await watched.sees("npm ERR!")


async def test_what_says_nothing_new_is_not_printed_again(world: World) -> None:
    preview = await ran(world, phase=Phase.CREATING, step="build web")
    async with watching(world) as watched:
        await watched.sees("build web")
        for count in range(5):
            world.cluster.set_status(preview.key, last_accessed_time=None, slug="pr-42")
            await asyncio.sleep(0.02 * (count > 0))
        world.cluster.set_status(preview.key, phase=Phase.RUNNING, step=None)
        await watched.code()
        assert len(watched.out.getvalue().splitlines()) == 2


async def test_what_was_before_a_wish_is_not_taken_for_its_outcome(world: World) -> None:
    preview = await ran(world)
    async with client_of(world) as client:
        before = of_preview(await client.preview("pr-42"))
    async with watching(world, since=before) as watched:
        await asyncio.wait({watched.task}, timeout=0.2)
        assert not watched.task.done()
        world.cluster.set_status(preview.key, phase=Phase.UPDATING, step="build web")
        await watched.sees("build web")
        world.cluster.set_status(preview.key, phase=Phase.RUNNING, step=None)
        assert await watched.code() == 0


async def test_an_api_that_is_away_for_a_while_is_told_once_and_asked_again(world: World) -> None:
    preview = await ran(world, phase=Phase.CREATING, step="build web")
    async with watching(world) as watched:
        await watched.sees("build web")
        watched.relay.cut()
        await watched.sees("Asking again")
        world.cluster.set_status(preview.key, phase=Phase.RUNNING, step=None)
        watched.relay.mend()
        assert await watched.code() == 0
        assert watched.err.getvalue().count("Asking again") == 1


async def test_a_preview_that_is_taken_away_ends_it(world: World) -> None:
    preview = await ran(world, phase=Phase.CREATING, step="build web")
    async with watching(world) as watched:
        await watched.sees("build web")
        world.cluster.remove(preview.key)
        with pytest.raises(Failure, match="pr-42 is not there, or is gone"):
            await watched.code()
