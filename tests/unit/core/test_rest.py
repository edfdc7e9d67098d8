"""A preview that does not run, on the twins: asleep, woken, waiting, refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from controller.api.names import SLEEP, WAKE
from controller.api.status import Phase
from controller.core.actions import Action
from controller.core.execute import Moment
from controller.lifecycle.protocol import Course, Reason
from controller.runtime.memory_model import CRASHES, Behaviour
from controller.runtime.protocol import InstanceState
from tests.unit.core.world import COMMIT_A, COMMIT_B, FILES, KEY, World

LATER = "2026-01-01T09:00:00Z"
LONE = {**FILES, "preview.yaml": b"services: {web: {dockerfile: Dockerfile, context: web, port: 8080}}"}


async def served(files: dict[str, bytes] = FILES) -> World:
    world = World()
    world.source.add("acme/shop", COMMIT_A, files)
    world.apply()
    await world.settle()
    return world


async def asleep(files: dict[str, bytes] = FILES) -> World:
    world = await served(files)
    world.decide(Course.SLEEP)
    await world.settle()
    return world


def states(world: World) -> set[InstanceState]:
    return {container.state for container in world.runtime.engine.containers.values()}


def conditions(world: World) -> dict[str, tuple[str, str]]:
    return dict(world.told()["conditions"])


def shown(world: World) -> list[str | None]:
    return [route.instance for route in world.router.table.routes()]


async def test_asleep_its_containers_are_stopped_and_all_else_is_there() -> None:
    world = await served()
    before = world.snapshot()
    world.decide(Course.SLEEP)
    done = await world.settle()
    after = world.snapshot()
    assert states(world) == {InstanceState.EXITED}
    assert {name: after[name] for name in after if name not in {"containers", "routes"}} == {
        name: before[name] for name in before if name not in {"containers", "routes"}
    }
    assert after["containers"].keys() == before["containers"].keys()
    assert after["routes"] == [("pr-1-acme.web.localhost", None)]
    stopped = [action for action in done if action.startswith("stop")]
    assert [action.split("-")[2] for action in stopped] == ["web", "api"]


async def test_asleep_it_is_ready_and_says_why_it_sleeps() -> None:
    world = await asleep()
    status = world.read().status
    assert (status.phase, status.commit, status.url) == (
        Phase.SLEEPING,
        COMMIT_A,
        "http://pr-1-acme.web.localhost",
    )
    told = conditions(world)
    assert (told["Ready"], told["Reconciling"]) == (("True", "Asleep"), ("False", "Idle"))
    assert told["Stalled"][0] == "False"
    assert {service.name: service.state for service in status.services} == {"web": "exited", "api": "exited"}
    assert all(service.instance in world.runtime.engine.containers for service in status.services)


async def test_a_preview_that_sleeps_is_left_alone() -> None:
    world = await asleep()
    writes = world.cluster.writes
    world.decide(Course.SLEEP, Reason.EVICTED, message="other words")
    assert await world.settle() == []
    world.restart()
    assert await world.settle() == []
    assert world.cluster.writes == writes
    assert shown(world) == [None]


async def test_the_phase_is_known_before_the_page_stands_there_and_that_before_anything_stops() -> None:
    world = await served()
    seen: list[tuple[str, Phase | None, list[str | None], set[InstanceState]]] = []

    async def look(action: Action, moment: Moment) -> None:
        if moment is Moment.BEFORE:
            name = type(action).__name__
            seen.append((name, world.read().status.phase, shown(world), states(world)))

    world.on_action = look
    world.decide(Course.SLEEP)
    await world.reconcile()
    assert [name for name, *_ in seen] == [
        "PublishPage",
        "ConfirmPage",
        "Linger",
        "StopInstance",
        "StopInstance",
    ]
    assert {phase for _, phase, _, _ in seen} == {Phase.SLEEPING}
    assert seen[0][2] != [None] and seen[1][2] == [None]
    assert all(running == {InstanceState.RUNNING} for *_, running in seen[:4])


async def test_where_the_page_does_not_answer_it_does_not_fall_asleep() -> None:
    world = await served()
    before = world.snapshot()
    world.router.never_confirms = True
    world.decide(Course.SLEEP)
    for _ in range(2):
        outcome = await world.reconcile()
        assert outcome.error is not None and outcome.error.reason == "RouteNotLive"
        assert world.snapshot() == before
        assert conditions(world)["Ready"] == ("True", "Serving")
        assert world.read().status.phase is Phase.UPDATING
    world.router.never_confirms = False
    await world.settle()
    assert states(world) == {InstanceState.EXITED}


async def test_what_somebody_starts_by_hand_is_stopped_again() -> None:
    world = await asleep()
    for names in (sorted(world.runtime.engine.containers)[:1], sorted(world.runtime.engine.containers)):
        for name in names:
            world.runtime.engine.run(name)
        await world.settle()
        assert states(world) == {InstanceState.EXITED}
        assert world.read().status.phase is Phase.SLEEPING


async def test_an_engine_that_goes_away_while_it_falls_asleep_leaves_it_falling_asleep() -> None:
    world = await served()
    world.decide(Course.SLEEP)

    async def unplug(action: Action, moment: Moment) -> None:
        if type(action).__name__ == "Linger":
            world.runtime.engine.unavailable = True

    world.on_action = unplug
    outcome = await world.reconcile()
    assert outcome.error is not None and not outcome.final
    assert (world.read().status.phase, conditions(world)["Ready"]) == (Phase.SLEEPING, ("True", "Asleep"))
    assert conditions(world)["Reconciling"] == ("True", "EngineUnavailable")
    world.on_action, world.runtime.engine.unavailable = None, False
    await world.settle()
    assert (states(world), conditions(world)["Reconciling"]) == ({InstanceState.EXITED}, ("False", "Idle"))


@pytest.mark.parametrize("files", [FILES, LONE], ids=["two services", "one service"])
@pytest.mark.parametrize("restarted", [False, True], ids=["remembered", "restarted"])
async def test_woken_it_is_as_it_was_with_nothing_made_anew(files: dict[str, bytes], restarted: bool) -> None:
    world = await served(files)
    before = (world.snapshot(), world.told())
    builds = len(world.builder.history)
    world.decide(Course.SLEEP)
    await world.settle()
    if restarted:
        world.restart()
    world.wish(WAKE, LATER)
    world.decide()
    done = await world.settle()
    assert (world.snapshot(), world.told()) == before
    assert len(world.builder.history) == builds
    assert not [action for action in done if action.startswith(("create", "build", "retire", "run"))]
    status = world.read().status
    assert status.wake_handled == LATER
    assert status.last_activity_time is not None


async def test_it_is_started_before_its_source_is_read_dependencies_first() -> None:
    world = await asleep()
    world.source.unavailable = True
    world.apply(COMMIT_B)
    world.decide()
    done = list[str]()
    with world.listening(done):
        outcome = await world.reconcile()
    assert outcome.error is not None
    assert [action.split("-")[2] for action in done if action.startswith("start")] == ["api", "web"]
    assert conditions(world)["Ready"] == ("True", "Serving")
    assert all(world.runtime.ready(name) for name in shown(world) if name)


async def test_the_moment_it_answers_again_is_written_before_the_proxy_is_waited_for() -> None:
    world = await asleep()
    before: list[tuple[Phase | None, set[str | None]]] = []

    async def look(action: Action, moment: Moment) -> None:
        if moment is Moment.BEFORE and type(action).__name__ in {"ResumeInstance", "ConfirmRoutes"}:
            status = world.read().status
            before.append((status.phase, {service.state for service in status.services}))
            if type(action).__name__ == "ConfirmRoutes":
                ready = {service.instance for service in status.services}
                assert ready == set(world.runtime.engine.containers)

    world.on_action = look
    world.wish(WAKE, LATER)
    world.decide()
    await world.reconcile()
    asleep_, running = (Phase.SLEEPING, {"exited"}), (Phase.RUNNING, {"running"})
    assert before == [asleep_, asleep_, running]


async def test_a_wake_that_fails_destroys_nothing_and_is_tried_again() -> None:
    world = await asleep()
    names = set(world.runtime.engine.containers)
    for container in world.runtime.engine.containers.values():
        container.behaviour = CRASHES
    world.wish(WAKE, LATER)
    world.decide()
    outcome = await world.reconcile()
    assert outcome.error is not None and outcome.error.reason == "CrashLoop" and not outcome.final
    assert set(world.runtime.engine.containers) == names
    assert conditions(world)["Ready"][0] == "False"
    assert world.read().status.wake_handled == LATER
    for container in world.runtime.engine.containers.values():
        container.behaviour = Behaviour()
        container.state = InstanceState.RUNNING
    await world.settle()
    assert (world.read().status.phase, set(world.runtime.engine.containers)) == (Phase.RUNNING, names)


async def test_an_engine_that_is_away_leaves_it_asleep_and_the_wish_unmet() -> None:
    world = await asleep()
    world.wish(WAKE, LATER)
    world.decide()
    world.runtime.engine.unavailable = True
    await world.reconcile()
    status = world.read().status
    assert (status.phase, status.wake_handled) == (Phase.SLEEPING, None)
    assert conditions(world)["Ready"] == ("True", "Asleep")
    world.runtime.engine.unavailable = False
    await world.settle()
    assert world.read().status.phase is Phase.RUNNING


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_push_wakes_what_served_and_then_replaces_it(restarted: bool) -> None:
    world = await asleep()
    if restarted:
        world.restart()
    old = set(world.runtime.engine.containers)
    readiness: list[bool] = []

    async def look(action: Action, moment: Moment) -> None:
        if type(action).__name__ == "BuildImage":
            readiness.append({name for name in shown(world)} <= old and None not in shown(world))

    world.on_action = look
    world.apply(COMMIT_B)
    world.decide()
    await world.settle()
    assert readiness and all(readiness)
    assert (world.read().status.phase, world.read().status.commit) == (Phase.RUNNING, COMMIT_B)
    assert not old & set(world.runtime.engine.containers)


async def test_a_push_that_fails_leaves_the_version_that_slept_serving() -> None:
    for restarted in (False, True):
        world = await asleep()
        if restarted:
            world.restart()
        world.source.add("acme/shop", COMMIT_B, {**FILES, "preview.yaml": b"services: {web: {prot: 1}}"})
        world.apply(COMMIT_B)
        world.decide()
        await world.settle()
        status = world.read().status
        assert (status.phase, status.commit) == (Phase.FAILED, COMMIT_A)
        assert conditions(world)["Ready"] == ("True", "Serving")
        assert conditions(world)["Stalled"][0] == "True"
        assert states(world) == {InstanceState.RUNNING}
        assert None not in shown(world)


async def test_a_failed_update_sleeps_and_wakes_with_what_served_and_stays_failed() -> None:
    for restarted in (False, True):
        world = await served()
        world.source.add("acme/shop", COMMIT_B, {**FILES, "migrations/002.sql": b"FAIL\n"})
        world.apply(COMMIT_B)
        await world.settle()
        failed = world.told()
        world.decide(Course.SLEEP)
        await world.settle()
        assert conditions(world)["Stalled"] == ("True", "MigrationFailed")
        assert (conditions(world)["Ready"], states(world)) == (("True", "Asleep"), {InstanceState.EXITED})
        if restarted:
            world.restart()
        world.wish(WAKE, LATER)
        world.decide()
        await world.settle()
        assert world.told() == failed
        assert None not in shown(world)


async def test_containers_that_went_while_it_slept_are_made_again() -> None:
    for restarted, gone in ((False, 1), (False, 2), (True, 1), (True, 2)):
        world = await served()
        before = world.snapshot()
        world.decide(Course.SLEEP)
        await world.settle()
        for name in sorted(world.runtime.engine.containers)[:gone]:
            world.runtime.engine.remove(name)
        if restarted:
            world.restart()
        await world.settle()
        assert shown(world) == [None]
        world.wish(WAKE, LATER)
        world.decide()
        await world.settle()
        assert world.snapshot() == before


async def test_an_update_that_sleep_overtook_leaves_only_what_served() -> None:
    world = await served()
    kept = set(world.runtime.engine.containers)
    world.router.never_confirms = True
    world.apply(COMMIT_B)
    await world.reconcile()
    assert len(world.runtime.engine.containers) == 4
    world.router.never_confirms = False
    world.decide(Course.SLEEP, Reason.ASKED)
    await world.settle()
    assert set(world.runtime.engine.containers) == kept
    assert len(world.runtime.engine.networks) == 1
    assert world.read().status.attempt is not None


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


async def test_of_two_wishes_the_later_is_met_and_the_other_with_it() -> None:
    world = await asleep()
    world.wish(WAKE, "2026-01-01T08:00:00Z")
    world.wish(SLEEP, LATER)
    world.decide(Course.SLEEP, Reason.ASKED)
    await world.settle()
    status = world.read().status
    assert (status.wake_handled, status.sleep_handled) == ("2026-01-01T08:00:00Z", LATER)
    world.wish(WAKE, "2026-01-01T10:00:00Z")
    world.decide()
    await world.settle()
    assert world.read().status.wake_handled == "2026-01-01T10:00:00Z"


async def test_a_suspended_one_that_sleeps_sleeps_on() -> None:
    world = await asleep()
    before = world.snapshot()
    world.apply(suspend=True)
    world.decide()
    await world.settle()
    assert world.snapshot() == before
    assert (world.read().status.phase, conditions(world)["Ready"]) == (Phase.SLEEPING, ("True", "Asleep"))


async def test_one_that_sleeps_is_deleted_like_any_other() -> None:
    world = World()
    empty = world.snapshot()
    world.apply()
    await world.settle()
    world.decide(Course.SLEEP)
    await world.settle()
    world.delete()
    assert (await world.reconcile()).released
    assert world.snapshot() == empty


async def test_since_when_it_is_so_is_told() -> None:
    world = await served()
    world.clock.time += timedelta(hours=2)  # type: ignore[attr-defined]
    fell = world.clock.now()
    world.decide(Course.SLEEP)
    await world.settle()
    world.clock.time += timedelta(hours=2)  # type: ignore[attr-defined]
    await world.settle()
    status = world.read().status
    assert status.phase_since is not None
    assert timedelta() <= status.phase_since - fell < timedelta(minutes=1)
    assert status.alive_since is not None and status.alive_since < fell
