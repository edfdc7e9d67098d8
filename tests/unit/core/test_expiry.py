"""A preview whose time is over, on the twins: everything goes but the resource, and it comes back whole."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from controller.api.names import REDEPLOY, SLEEP, WAKE
from controller.api.status import Phase
from controller.core.actions import Action
from controller.core.execute import Moment
from controller.lifecycle.protocol import Course, Reason
from tests.unit.core.world import COMMIT_A, COMMIT_B, FILES, KEY, World

LATER = "2026-01-05T00:00:00Z"


async def served() -> World:
    world = World()
    world.apply()
    await world.settle()
    return world


async def expired() -> World:
    world = await served()
    world.decide(Course.EXPIRE)
    await world.settle()
    return world


def left(world: World) -> dict[str, Any]:
    """All that is there but the resource."""
    return {name: found for name, found in world.snapshot().items() if name != "previews"}


def conditions(world: World) -> dict[str, tuple[str, str]]:
    return dict(world.told()["conditions"])


def days(world: World, days: int) -> None:
    world.clock.time += timedelta(days=days)  # type: ignore[attr-defined]


async def test_nothing_is_left_of_it_but_the_resource_and_its_finalizer() -> None:
    empty = left(World())
    world = await expired()
    assert left(world) == empty
    assert world.read().held
    status = world.read().status
    assert (status.phase, status.slug) == (Phase.EXPIRED, "pr-1")
    assert (status.url, status.services, status.database, status.commit) == (None, (), None, None)


async def test_kstatus_holds_it_to_be_as_it_should_be_and_it_says_why() -> None:
    world = await expired()
    assert conditions(world) == {"Reconciling": ("False", "Idle"), "Stalled": ("False", "Idle")}
    assert world.read().status.observed_generation == world.read().metadata.generation


async def test_it_is_left_alone_then() -> None:
    world = await expired()
    writes = world.cluster.writes
    world.decide(Course.EXPIRE, Reason.TIME_OVER, message="other words")
    assert await world.settle() == []
    world.restart()
    assert await world.settle() == []
    assert world.cluster.writes == writes


async def test_the_phase_is_known_before_anything_goes() -> None:
    world = await served()
    phases: set[tuple[Phase | None, tuple[str, str]]] = set()

    async def look(action: Action, moment: Moment) -> None:
        phases.add((world.read().status.phase, conditions(world)["Reconciling"]))

    world.on_action = look
    world.decide(Course.EXPIRE, Reason.TIME_OVER)
    await world.settle()
    assert phases == {(Phase.EXPIRED, ("True", "TimeOver"))}


async def test_a_server_that_is_away_keeps_it_expiring_and_restores_nothing() -> None:
    world = await served()
    world.postgres.unavailable = True
    world.decide(Course.EXPIRE)
    for _ in range(2):
        outcome = await world.reconcile()
        assert outcome.error is not None and not outcome.final
        assert world.read().status.phase is Phase.EXPIRED
        assert conditions(world)["Reconciling"] == ("True", "DatabaseUnavailable")
        assert "Ready" not in conditions(world)
        world.restart()
    world.postgres.unavailable = False
    await world.settle()
    assert left(world) == left(World())
    assert conditions(world)["Reconciling"] == ("False", "Idle")


async def test_while_it_cannot_be_taken_away_nothing_of_it_is_started_again() -> None:
    world = await served()
    killed = sorted(world.runtime.engine.containers)[0]
    world.runtime.engine.kill(killed)
    world.postgres.unavailable = True
    world.decide(Course.EXPIRE)
    done = list[str]()
    with world.listening(done):
        await world.reconcile()
    assert not [action for action in done if action.startswith("start")]


async def test_what_comes_back_by_itself_goes_again() -> None:
    world = await expired()
    world.runtime.add_image(next(iter((await served()).runtime.engine.images.values())), KEY)
    assert left(world) != left(World())
    await world.settle()
    assert left(world) == left(World())


async def test_a_push_a_redeploy_and_a_wake_bring_it_back_whole() -> None:
    for wish in ("push", REDEPLOY, WAKE):
        world = await served()
        before = world.snapshot()
        alive = world.read().status.alive_since
        world.decide(Course.EXPIRE)
        await world.settle()
        days(world, 3)
        back = world.clock.now()
        if wish == "push":
            world.apply(COMMIT_B)
        else:
            world.wish(wish, LATER)
        world.decide()
        await world.settle()
        status = world.read().status
        assert (status.phase, conditions(world)["Ready"]) == (Phase.RUNNING, ("True", "Serving"))
        assert world.snapshot()["databases"] == before["databases"]
        assert status.alive_since is not None and alive is not None
        assert status.alive_since >= back > alive
        assert status.last_activity_time is not None and status.last_activity_time >= back
        assert status.wake_handled == (LATER if wish == WAKE else None)


async def test_coming_back_is_told_before_anything_is_made() -> None:
    world = await expired()
    days(world, 3)
    phases: set[Phase | None] = set()

    async def look(action: Action, moment: Moment) -> None:
        phases.add(world.read().status.phase)

    world.on_action = look
    world.wish(WAKE, LATER)
    world.decide()
    await world.reconcile()
    assert phases == {Phase.CREATING}


async def test_coming_back_with_a_broken_file_fails_like_any_other() -> None:
    world = await expired()
    world.source.add("acme/shop", COMMIT_B, {**FILES, "preview.yaml": b"services: {web: {prot: 1}}"})
    days(world, 3)
    world.apply(COMMIT_B)
    world.decide()
    await world.settle()
    status = world.read().status
    assert (status.phase, conditions(world)["Stalled"][0]) == (Phase.FAILED, "True")
    assert status.alive_since is not None and status.alive_since >= world.clock.now() - timedelta(minutes=1)


async def test_coming_back_it_may_have_to_wait() -> None:
    world = await expired()
    world.apply(COMMIT_B)
    world.decide(Course.QUEUE, position=1, waiting=1)
    assert await world.settle() == []
    assert (world.read().status.phase, conditions(world)["Ready"]) == (Phase.QUEUED, ("False", "Queued"))
    world.decide()
    await world.settle()
    assert world.read().status.commit == COMMIT_B


async def test_a_push_that_expiry_overtook_still_counts_as_new() -> None:
    world = await served()
    known = world.read().status.attempt
    world.apply(COMMIT_B)
    world.decide(Course.EXPIRE)
    await world.settle()
    assert (world.read().status.phase, world.read().status.attempt) == (Phase.EXPIRED, known)


async def test_a_wish_to_sleep_is_met_by_being_gone() -> None:
    world = await served()
    world.wish(SLEEP, LATER)
    world.decide(Course.EXPIRE)
    await world.settle()
    assert world.read().status.sleep_handled == LATER


async def test_one_that_sleeps_or_waits_expires_too() -> None:
    for first in (Course.SLEEP, Course.QUEUE):
        world = World()
        world.apply()
        if first is Course.SLEEP:
            await world.settle()
        world.decide(first)
        await world.settle()
        world.decide(Course.EXPIRE, Reason.SLEEPING_LIMIT)
        await world.settle()
        assert left(world) == left(World())
        assert conditions(world) == {
            "Reconciling": ("False", "SleepingLimit"),
            "Stalled": ("False", "SleepingLimit"),
        }


async def test_one_that_is_deleted_after_it_expired_is_let_go() -> None:
    world = await expired()
    world.delete()
    assert (await world.reconcile()).released
    assert KEY not in world.cluster.bodies


async def test_a_failure_for_good_expires_as_well() -> None:
    world = World()
    world.source.add("acme/shop", COMMIT_A, {**FILES, "migrations/002.sql": b"FAIL\n"})
    world.apply()
    await world.settle()
    assert world.read().status.phase is Phase.FAILED
    world.decide(Course.EXPIRE)
    await world.settle()
    assert left(world) == left(World())
    assert (world.read().status.phase, conditions(world)["Stalled"]) == (Phase.EXPIRED, ("False", "Idle"))
