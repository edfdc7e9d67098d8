"""A whole operator whose previews' lives are decided: what becomes of them by and by."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from controller.api.names import PreviewKey
from controller.lifecycle.protocol import Course
from controller.lifecycle.rules import LifecycleRules, Limit
from tests.unit.controller.governed_world import GovernedWorld
from tests.unit.core.world import KEY

HOUR = 3600.0
SLEEPY = LifecycleRules(sleep_after=timedelta(minutes=30), idle_timeout=timedelta(hours=2))


def running(world: GovernedWorld) -> set[str]:
    """The slugs of which something runs."""
    return {
        "-".join(name.split("-")[:2])
        for name, container in world.runtime.engine.containers.items()
        if container.state == "running"
    }


def phases(world: GovernedWorld, *keys: PreviewKey) -> list[str]:
    return [world.phase(key) for key in keys]


async def test_idle_it_sleeps_and_a_wish_wakes_it_within_a_second() -> None:
    world = GovernedWorld(SLEEPY)
    world.apply()
    async with world.operator():
        await world.served()
        await world.pass_time(0.6 * HOUR)
        assert (world.phase(KEY), running(world)) == ("Sleeping", set())
        assert len(world.runtime.engine.containers) == 2
        world.annotate("wake", world.clock.now().isoformat())
        await world.pass_time(1)
        assert (world.phase(KEY), running(world)) == ("Running", {"pr-1"})
        await world.pass_time(0.4 * HOUR)
        assert world.phase(KEY) == "Running"
        assert world.counted.decisions["sleep", "Idle"] == 1


async def test_unused_for_long_it_is_torn_down_and_comes_back_whole() -> None:
    world = GovernedWorld(SLEEPY)
    world.apply()
    async with world.operator():
        await world.served()
        await world.pass_time(2.1 * HOUR)
        assert world.phase(KEY) == "Expired"
        assert world.runtime.engine.containers == {}
        assert world.postgres.server.databases == {}
        await world.pass_time(HOUR)
        world.annotate("redeploy", world.clock.now().isoformat())
        await world.served()
        assert (world.phase(KEY), running(world)) == ("Running", {"pr-1"})


async def test_what_comes_back_after_its_ttl_has_the_whole_of_it_again() -> None:
    world = GovernedWorld(LifecycleRules(ttl=timedelta(hours=1), sleep_after=None, idle_timeout=None))
    world.apply()
    async with world.operator():
        await world.served()
        await world.pass_time(3 * HOUR)
        assert world.phase(KEY) == "Expired"
        world.annotate("redeploy", world.clock.now().isoformat())
        await world.served()
        for _ in range(5):
            await world.pass_time(600)
            assert world.phase(KEY) == "Running"
        await world.pass_time(900)
        assert world.phase(KEY) == "Expired"
        assert world.counted.decisions["expire", "TimeOver"] == 2


async def test_ten_opened_at_once_are_let_in_one_after_the_other() -> None:
    world = GovernedWorld(LifecycleRules(everything=Limit(previews=3)))
    async with world.operator():
        keys = [world.open(number) for number in range(1, 11)]
        await world.pass_time(30)
        told = phases(world, *keys)
        assert (told.count("Running"), told.count("Queued")) == (3, 7)
        assert len(running(world)) == 3
        positions = {world.read(key).status.queue_position for key in keys}
        assert positions == {None, *range(1, 8)}
        assert len([e for e in world.cluster.events if e[2] == "Queued"]) == 7
        first = next(key for key in keys if world.read(key).status.queue_position == 1)
        world.delete(next(key for key in keys if world.phase(key) == "Running"))
        await world.pass_time(10)
        assert world.phase(first) == "Running"
        assert len(running(world)) == 3


async def test_the_longest_unused_makes_room_and_comes_back_when_it_is_wanted() -> None:
    world = GovernedWorld(LifecycleRules(everything=Limit(previews=2)))
    async with world.operator():
        one, two = world.open(1), world.open(2)
        await world.served(key=one)
        await world.served(key=two)
        await world.pass_time(900)
        world.visit(1)
        await world.pass_time(900)
        three = world.open(3)
        await world.served(key=three)
        await world.pass_time(60)
        assert phases(world, one, two, three) == ["Running", "Sleeping", "Running"]
        assert running(world) == {"pr-1", "pr-3"}
        world.annotate("wake", world.clock.now().isoformat(), two)
        await world.pass_time(60)
        assert phases(world, one, two, three) == ["Sleeping", "Running", "Running"]
        assert world.counted.decisions["sleep", "Evicted"] == 2


async def test_a_new_operator_lets_run_what_runs() -> None:
    world = GovernedWorld(LifecycleRules(everything=Limit(previews=3)))
    async with world.operator():
        keys = [world.open(number) for number in range(1, 7)]
        await world.pass_time(30)
        before = phases(world, *keys), running(world)
        assert before[0].count("Queued") == 3
    async with world.operator():
        writes = world.cluster.writes
        await world.pass_time(120)
        assert (phases(world, *keys), running(world)) == before
        assert world.cluster.writes == writes


async def test_a_cluster_restored_without_any_status_keeps_what_runs() -> None:
    world = GovernedWorld(LifecycleRules(everything=Limit(previews=3)))
    async with world.operator():
        keys = [world.open(number) for number in range(1, 7)]
        await world.pass_time(30)
        before, containers = running(world), set(world.runtime.engine.containers)
    for key in keys:
        world.cluster.bodies[key].pop("status")
        world.cluster.bodies[key]["metadata"]["uid"] += "-restored"
    async with world.operator():
        await world.pass_time(120)
        assert running(world) == before
        assert containers == set(world.runtime.engine.containers)
        assert sorted(phases(world, *keys)) == ["Queued"] * 3 + ["Running"] * 3


async def test_an_engine_that_is_away_at_start_takes_nobodys_place() -> None:
    world = GovernedWorld(LifecycleRules(everything=Limit(previews=2)))
    async with world.operator():
        keys = [world.open(number) for number in range(1, 5)]
        await world.pass_time(30)
        before = phases(world, *keys), running(world)
    world.runtime.engine.unavailable = True
    async with world.operator():
        await world.pass_time(100)
        world.runtime.engine.unavailable = False
        await world.pass_time(200)
        assert (phases(world, *keys), running(world)) == before


async def test_a_push_to_one_that_sleeps_wakes_it_with_what_was_pushed() -> None:
    world = GovernedWorld(SLEEPY)
    world.apply()
    async with world.operator():
        await world.served()
        await world.pass_time(0.6 * HOUR)
        assert world.phase(KEY) == "Sleeping"
        world.apply("b" * 40)
        await world.served("b" * 40)
        assert (world.phase(KEY), running(world)) == ("Running", {"pr-1"})
        assert world.governor.verdict(KEY).course is Course.RUN


async def test_one_put_to_sleep_by_hand_while_it_is_built_stops_building() -> None:
    world = GovernedWorld()
    world.apply()
    async with world.operator():
        await world.served()
        world.builder.gate = asyncio.Event()
        world.apply("b" * 40)
        await world.pass_time(5)
        assert world.builder.cancelled == []
        world.annotate("sleep", world.clock.now().isoformat())
        await world.pass_time(5)
        assert (world.phase(KEY), running(world)) == ("Sleeping", set())
        assert {build.commit for build in world.builder.cancelled} == {"b" * 40}
