"""A preview that waits for room on the twins, and one that is too big for it."""

from __future__ import annotations

from dataclasses import replace

from controller.api.names import WAKE
from controller.api.status import Phase
from controller.lifecycle.protocol import Course, Reason
from controller.runtime.protocol import InstanceState
from tests.unit.core.resting import LATER, asleep, conditions, served, shown, states
from tests.unit.core.world import COMMIT_B, KEY, World


async def test_one_that_waits_starts_nothing_and_tells_its_place() -> None:
    world = World()
    world.apply()
    world.decide(Course.QUEUE, position=3, waiting=7)
    assert await world.settle() == []
    status = world.read().status
    assert (status.phase, status.queue_position, status.queue_length) == (Phase.QUEUED, 3, 7)
    told = conditions(world)
    assert (told["Ready"], told["Reconciling"]) == (("False", "Queued"), ("True", "Queued"))
    since = status.phase_since
    world.decide(Course.QUEUE, position=1, waiting=5)
    await world.settle()
    assert (world.read().status.queue_position, world.read().status.phase_since) == (1, since)
    world.decide()
    await world.settle()
    status = world.read().status
    assert (status.phase, status.queue_position, status.queue_length) == (Phase.RUNNING, None, None)


async def test_what_it_needs_is_told_before_it_is_let_in() -> None:
    world = World()
    world.apply()
    waits = replace(world.lifecycle.verdict(KEY), course=Course.QUEUE, position=1, waiting=1)
    world.lifecycle.admissions[KEY] = waits
    assert await world.settle() == []
    needs = world.lifecycle.needs[KEY]
    assert (needs.cpu_millis, needs.memory_bytes) == (1000, 1024**3)
    assert world.read().status.phase is Phase.QUEUED
    del world.lifecycle.admissions[KEY]
    await world.settle()
    assert world.read().status.phase is Phase.RUNNING


async def test_one_that_sleeps_and_has_to_wait_stays_asleep_with_its_containers() -> None:
    world = await asleep()
    before = world.snapshot()
    world.wish(WAKE, LATER)
    world.decide(Course.QUEUE, position=1, waiting=1)
    await world.settle()
    assert (world.snapshot(), world.read().status.phase) == (before, Phase.QUEUED)
    world.restart()
    assert await world.settle() == []
    assert shown(world) == [None]
    world.decide()
    await world.settle()
    assert (world.read().status.phase, world.read().status.wake_handled) == (Phase.RUNNING, LATER)
    assert states(world) == {InstanceState.RUNNING}


async def test_an_update_that_has_to_wait_leaves_what_serves() -> None:
    world = await served()
    before = world.snapshot()
    world.apply(COMMIT_B)
    world.decide(Course.QUEUE, Reason.MEMORY_LIMIT, position=1, waiting=1)
    await world.settle()
    assert world.snapshot() == before
    assert conditions(world)["Ready"] == ("True", "Serving")
    world.decide()
    await world.settle()
    assert world.read().status.commit == COMMIT_B


async def test_one_that_is_too_big_fails_for_good_until_it_is_not() -> None:
    world = World()
    world.apply()
    world.lifecycle.admissions[KEY] = replace(
        world.lifecycle.verdict(KEY), course=Course.REFUSE, reason=Reason.TOO_BIG, message="Lower it."
    )
    outcome = await world.reconcile()
    assert outcome.final
    assert (world.read().status.phase, conditions(world)["Stalled"]) == (Phase.FAILED, ("True", "TooBig"))
    world.decide(Course.REFUSE)
    writes = world.cluster.writes
    assert await world.settle() == []
    assert world.cluster.writes == writes
    world.lifecycle.admissions.clear()
    world.decide()
    await world.settle()
    assert world.read().status.phase is Phase.RUNNING


async def test_an_update_that_is_too_big_leaves_what_serves() -> None:
    world = await served()
    before = world.snapshot()
    world.apply(COMMIT_B)
    world.decide(Course.REFUSE)
    await world.settle()
    assert world.snapshot() == before
    assert (conditions(world)["Ready"][0], conditions(world)["Stalled"]) == ("True", ("True", "TooBig"))
