"""What a worker does when something else is decided about its preview, and what it writes down of visits."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta

import pytest

from controller.api.names import PreviewKey
from controller.api.preview import Preview
from controller.api.status import ConditionType, Phase
from controller.lifecycle.protocol import RUN, Course, Expiry, Footprint, Reason, Verdict
from controller.passes import Trigger
from tests.unit.controller.manual_clock import drain
from tests.unit.controller.operator_world import RESYNC, OperatorWorld
from tests.unit.core.world import COMMIT_A, COMMIT_B, KEY

SLEEP = Verdict(Course.SLEEP, Reason.IDLE, "Not used for 2h: asleep; the next request wakes it.")
EXPIRE = Verdict(Course.EXPIRE, Reason.TIME_OVER, "Its time of 7d is over: torn down.")


def queue(position: int) -> Verdict:
    return Verdict(Course.QUEUE, Reason.PREVIEW_LIMIT, "Waits for room.", position, 3)


def told(world: OperatorWorld) -> list[str]:
    """The Events about its life."""
    return [
        event[2]
        for event in world.cluster.events
        if event[2] in {"Sleeping", "Waking", "Queued", "Expired", "Expiring"}
    ]


async def test_another_verdict_cancels_what_runs_under_the_one_before(world: OperatorWorld) -> None:
    world.builder.gate = asyncio.Event()
    world.apply()
    async with world.operator():
        await world.pass_time(1)
        world.lifecycle.decide(KEY, EXPIRE)
        await drain()
        assert len(world.builder.cancelled) == 2
        assert world.read().status.phase is Phase.EXPIRED


async def test_another_place_in_the_queue_cancels_nothing(world: OperatorWorld) -> None:
    world.builder.gate = asyncio.Event()
    world.apply()
    async with world.operator():
        await world.pass_time(1)
        world.lifecycle.decide(KEY, Verdict(Course.RUN, Reason.WANTED, "another sentence"))
        await world.pass_time(1)
        assert world.builder.cancelled == []
        world.builder.gate.set()
        await world.served()


async def test_sleep_and_waking_are_told_once_with_their_reason(world: OperatorWorld) -> None:
    world.apply()
    async with world.operator() as fleet:
        await world.served()
        world.lifecycle.decide(KEY, SLEEP)
        for _ in range(3):
            fleet.workers[KEY].wake(Trigger.DRIFT)
            await world.pass_time(30)
        assert world.read().status.phase is Phase.SLEEPING
        assert told(world) == ["Sleeping"]
        assert world.cluster.events[-1] == (KEY, "Normal", "Sleeping", SLEEP.message)
    async with world.operator():
        await world.pass_time(60)
        assert told(world) == ["Sleeping"]
        world.lifecycle.decide(KEY, RUN)
        await world.pass_time(10)
        assert world.read().status.phase is Phase.RUNNING
        assert told(world) == ["Sleeping", "Waking"]
        said = [e.message for e in world.sink.entries if e.message.startswith(("sleeping:", "waking:"))]
        assert said == [f"sleeping: {SLEEP.message}", "waking: It is started again."]


async def test_the_queue_is_told_once_and_every_place_in_it_is_written(world: OperatorWorld) -> None:
    world.lifecycle.admissions[KEY] = world.lifecycle.verdicts[KEY] = queue(3)
    world.apply()
    async with world.operator():
        for position in (3, 2, 1):
            world.lifecycle.admissions[KEY] = queue(position)
            world.lifecycle.decide(KEY, queue(position))
            await world.pass_time(2)
            assert world.read().status.queue_position == position
        assert told(world) == ["Queued"]
        del world.lifecycle.admissions[KEY]
        world.lifecycle.decide(KEY, RUN)
        await world.served()
        assert told(world) == ["Queued"]


async def test_what_is_queued_only_once_its_needs_are_known_is_told_too(world: OperatorWorld) -> None:
    async def full(preview: PreviewKey, footprint: Footprint) -> Verdict:
        return world.lifecycle.verdicts.setdefault(preview, queue(1))

    world.lifecycle.admit = full  # type: ignore[method-assign]
    world.apply()
    async with world.operator():
        await world.pass_time(2)
        assert told(world) == ["Queued"]
        assert world.builder.history == []


async def test_an_end_is_told_and_what_comes_back_too(world: OperatorWorld) -> None:
    world.apply()
    async with world.operator():
        await world.served()
        world.lifecycle.decide(KEY, EXPIRE)
        await world.pass_time(5)
        assert world.runtime.engine.containers == {}
        assert world.read().status.phase is Phase.EXPIRED
        world.lifecycle.decide(KEY, RUN)
        await world.served()
        assert told(world) == ["Expired", "Waking"]


async def test_a_wish_about_its_life_is_looked_at_and_cancels_nothing(world: OperatorWorld) -> None:
    world.builder.gate = asyncio.Event()
    world.apply()
    async with world.operator():
        await world.pass_time(1)
        passes = len(world.reconciler.passes)
        world.annotate("pin", "2026-01-01T00:00:00Z")
        await world.pass_time(1)
        assert world.builder.cancelled == []
        world.builder.gate.set()
        await world.served()
        assert len(world.reconciler.passes) == passes + 1


async def test_the_lifecycle_knows_every_status_and_who_is_worked_on(world: OperatorWorld) -> None:
    world.builder.gate = asyncio.Event()
    world.apply()
    async with world.operator():
        await world.pass_time(1)
        assert world.lifecycle.working == {KEY}
        world.builder.gate.set()
        await world.served()
        await world.pass_time(5)
        assert world.lifecycle.working == set()
        assert world.lifecycle.seen[KEY].status == world.read().status
        world.delete()
        await world.pass_time()
        assert KEY not in world.lifecycle.seen


async def test_what_runs_is_told_at_start_and_at_every_survey(world: OperatorWorld) -> None:
    world.apply()
    async with world.operator():
        await world.served()
    world.lifecycle.running = frozenset()
    async with world.operator():
        assert world.lifecycle.running == {KEY}
        world.runtime.engine.__dict__["_tell"] = lambda *_: None  # from now on its events get lost
        for name in list(world.runtime.engine.containers):
            world.runtime.engine.kill(name)
        await world.pass_time(RESYNC + 1)
        assert world.lifecycle.running == set()
        await world.pass_time(RESYNC + 1)
        assert world.lifecycle.running == {KEY}


async def test_visits_are_written_every_ten_minutes_at_most(world: OperatorWorld) -> None:
    world.apply()
    async with world.operator() as fleet:
        await world.served()
        await world.pass_time(60)
        writes, passes = world.cluster.writes, len(world.reconciler.passes)
        for _ in range(60):
            fleet.visited(KEY, world.clock.now())
            await world.pass_time(60)
        assert 6 <= world.cluster.writes - writes <= 7
        assert len(world.reconciler.passes) == passes
        seen = world.read().status.last_accessed_time
        assert seen is not None
        assert world.clock.now() - seen <= timedelta(minutes=10)


async def test_a_visit_during_work_does_not_write_beside_it(world: OperatorWorld) -> None:
    world.builder.gate = asyncio.Event()
    world.apply()
    async with world.operator() as fleet:
        await world.pass_time(1)
        phases: list[tuple[object, bool]] = []
        patch = world.cluster.patch_status

        async def noted(preview: Preview, status: Mapping[str, object]) -> None:
            phases.append((status["phase"], status["lastAccessedTime"] is not None))
            await patch(preview, status)

        world.cluster.patch_status = noted  # type: ignore[method-assign]
        fleet.visited(KEY, world.clock.now())
        await world.pass_time(30)
        assert phases == []
        world.builder.gate.set()
        await world.served()
        assert phases[-1] == ("Running", True)
        assert world.read().status.commit == COMMIT_A


async def test_a_visit_that_could_not_be_written_is_written_with_the_next(world: OperatorWorld) -> None:
    world.apply()
    async with world.operator() as fleet:
        await world.served()
        await world.pass_time(60)
        world.cluster.available = False
        fleet.visited(KEY, world.clock.now())
        await world.pass_time(60)
        world.cluster.available = True
        assert world.read().status.last_accessed_time is None
        fleet.visited(KEY, world.clock.now())
        await world.pass_time(1)
        assert world.read().status.last_accessed_time is not None


@pytest.mark.parametrize("soon", [False, True])
async def test_the_end_of_its_ttl_stands_in_the_status(world: OperatorWorld, soon: bool) -> None:
    world.apply()
    async with world.operator() as fleet:
        await world.served()
        end = world.clock.now() + timedelta(hours=1)
        for _ in range(2):
            world.lifecycle.ends[KEY] = Expiry(end, soon=soon)
            fleet.reconsider(KEY)
            await world.pass_time(30)
        status = world.read().status
        assert status.expires_time == end
        assert (ConditionType.EXPIRING in {c.type for c in status.conditions}) is soon
        assert told(world) == ["Expiring"] * soon
        del world.lifecycle.ends[KEY]
        fleet.reconsider(KEY)
        await world.pass_time(1)
        status = world.read().status
        assert status.expires_time is None
        assert ConditionType.EXPIRING not in {c.type for c in status.conditions}


async def test_a_newer_commit_goes_on_although_an_earlier_one_is_reconsidered(world: OperatorWorld) -> None:
    world.apply()
    async with world.operator() as fleet:
        await world.served()
        world.apply(COMMIT_B)
        fleet.reconsider(KEY)
        await world.served(COMMIT_B)
