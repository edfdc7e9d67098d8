"""A bridge that dies at any moment, and the one after it: nothing is made twice, nothing stays untold."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from controller.api.preview import Preview
from tests.unit.controller.manual_clock import drain
from tests.unit.webhook.feedback.examples import (
    SUBJECT,
    A,
    B,
    expired,
    expiring,
    preview,
    pushed,
    running,
    stepping,
)
from tests.unit.webhook.feedback.feedback_world import FeedbackWorld, Hook
from webhook.cluster.memory import MemoryCluster
from webhook.github.protocol import CommitState

GONE: Preview | None = None
LIFE: Sequence[Preview | None] = (
    preview(),
    stepping(preview(), "build web"),
    expiring(running(preview())),
    stepping(pushed(running(preview())), "build web"),
    expired(pushed(preview())),
    running(pushed(preview())),
    GONE,
)
POINTS = 60
"""More than one life has: the last ones die after it."""


class Death:
    """Lets everything stop for ever at one point of many."""

    def __init__(self, point: int) -> None:
        self.left = point
        self.come = asyncio.Event()

    async def __call__(self, _: str) -> None:
        self.left -= 1
        if self.left < 0:
            self.come.set()
            await asyncio.Event().wait()


async def live(world: FeedbackWorld, found: Preview | None) -> None:
    if found is not None:
        await world.put(found, 150)
    elif world.cluster.previews():
        world.remove()
        await world.clock.advance(150)


async def live_and_die(world: FeedbackWorld, before: Hook | None, after: Hook | None, death: Death) -> int:
    """Live until death comes; gives how many stages were begun."""
    world.hook(before, after)
    await world.start()
    for number, found in enumerate(LIFE):
        await live(world, found)
        if death.come.is_set():
            return number + 1
    return len(LIFE)


def check_end(world: FeedbackWorld) -> None:
    assert "No preview" in world.headline(), "one comment, and it tells the end"
    commits = [each.commit for each in world.deployments()]
    assert sorted(commits) == sorted(set(commits)), "one Deployment of a commit"
    assert [each.statuses[-1].state.value for each in world.deployments()] == ["inactive"] * len(commits)
    for commit in {each.commit for each in world.hub.statuses}:
        assert world.status(commit).state is not CommitState.PENDING


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_death_at_any_point_makes_nothing_twice(moment: str) -> None:
    reached = 0
    for point in range(POINTS):
        world, death = FeedbackWorld(), Death(point)
        hooks = (death, None) if moment == "before" else (None, death)
        begun = await live_and_die(world, *hooks, death)
        reached += death.come.is_set()
        await world.kill()
        await world.restart()
        await world.clock.advance(150)
        for found in LIFE[begun:]:
            await live(world, found)
        check_end(world)
        assert [alert.partition(" ")[0] for alert in world.alerts()] == ["⏳", "⚪"]
        assert [each.commit for each in world.deployments()] == [A, B]
        await world.reporter.stop()
    assert 30 <= reached < POINTS


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_what_went_while_the_bridge_was_dead_is_told_as_gone(moment: str) -> None:
    for point in range(POINTS):
        world, death = FeedbackWorld(), Death(point)
        hooks = (death, None) if moment == "before" else (None, death)
        await live_and_die(world, *hooks, death)
        await world.kill()
        await world.restart([])
        await world.clock.advance(150)
        if world.hub.comments_on("acme/shop", 42):
            check_end(world)
        else:
            assert world.deployments() == ()
        await world.reporter.stop()


async def test_a_restart_alone_writes_nothing(world: FeedbackWorld) -> None:
    await world.start()
    await world.put(running(preview()), 150)
    written, remembered = world.writes(), world.cluster.writes
    await world.restart()
    await world.clock.advance(150)
    assert (world.writes(), world.cluster.writes, remembered > 0) == (written, 0, True)


async def test_nothing_is_told_as_gone_before_all_previews_were_read(world: FeedbackWorld) -> None:
    await world.start()
    await world.put(running(preview()), 150)
    left = world.cluster.previews()
    await world.kill()
    await world.restart([], ready=False)
    world.reporter.poke(SUBJECT)
    await world.clock.advance(10)
    assert "running" in world.headline()
    world.cluster.put(left[0])
    world.cluster.ready = True
    await world.clock.advance(150)
    assert "running" in world.headline()


async def test_nothing_is_told_before_the_records_were_read(world: FeedbackWorld) -> None:
    await world.start()
    await world.put(running(preview()), 150)
    written = world.writes()
    await world.reporter.stop()
    world.cluster = MemoryCluster(clock=world.clock, maps=world.maps)
    world.cluster.ready = False
    world.reporter = world.new_reporter()
    await world.reporter.start()
    await world.put(running(preview()), 10)
    await world.cluster.start()
    world.cluster.ready = True
    await world.clock.advance(150)
    assert world.writes() == written, "what it remembers was told"
    await world.put(stepping(pushed(running(preview())), "build web"), 10)
    assert "updated" in world.headline()


async def test_stopping_finishes_the_write_that_is_under_way(world: FeedbackWorld) -> None:
    going, reached = asyncio.Event(), asyncio.Event()

    async def slowly(name: str) -> None:
        if name == "create_comment":
            reached.set()
            await going.wait()

    world.hook(None, slowly)
    await world.start()
    await world.put(running(preview()))
    await reached.wait()
    stopping = asyncio.create_task(world.reporter.stop())
    await drain()
    assert not stopping.done()
    going.set()
    await stopping
    (record,) = world.cluster.records().values()
    assert record.comment in world.hub.comments
    assert world.github.calls["create_deployment"] == 0, "nothing is begun any more"


async def test_stopping_does_not_wait_for_ever() -> None:
    world = FeedbackWorld(finish=0.05)
    world.hook(Death(0), None)
    await world.start()
    await world.put(running(preview()))
    async with asyncio.timeout(5):
        await world.reporter.stop()


async def test_stopping_is_prompt_when_nothing_is_written(world: FeedbackWorld) -> None:
    await world.start()
    await world.put(running(preview()))
    await world.put(stepping(pushed(running(preview())), "build web"))
    async with asyncio.timeout(1):
        await world.reporter.stop()
    assert world.clock.seconds == 0
