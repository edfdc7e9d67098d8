"""A preview that slept is woken on the twins: at once, as it was, whatever happened meanwhile."""

from __future__ import annotations

import pytest

from controller.api.names import WAKE
from controller.api.status import Phase
from controller.core.actions import Action
from controller.core.execute import Moment
from controller.lifecycle.protocol import Course, Reason, Verdict
from controller.runtime.memory_model import CRASHES, Behaviour
from controller.runtime.protocol import InstanceState
from tests.unit.core.resting import LATER, LONE, asleep, conditions, served, shown, states
from tests.unit.core.world import COMMIT_A, COMMIT_B, FILES, KEY


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


@pytest.mark.parametrize("files", [FILES, LONE], ids=["two services", "one service"])
@pytest.mark.parametrize("restarted", [False, True], ids=["remembered", "restarted"])
@pytest.mark.parametrize("wanted", ["the same", "a push", "a broken push", "what failed before"])
async def test_told_to_run_it_starts_nothing_before_it_was_let_in(
    files: dict[str, bytes], restarted: bool, wanted: str
) -> None:
    world = await served(files)
    broken = {**FILES, "preview.yaml": b"services: {web: {prot: 1}}"}
    world.source.add("acme/shop", COMMIT_B, files if wanted == "a push" else broken)
    if wanted == "what failed before":
        world.apply(COMMIT_B)
        await world.settle()
    world.decide(Course.SLEEP)
    await world.settle()
    if restarted:
        world.restart()
    if "push" in wanted:
        world.apply(COMMIT_B)
    world.wish(WAKE, LATER)
    world.decide()
    world.lifecycle.admissions[KEY] = Verdict(Course.QUEUE, Reason.PREVIEW_LIMIT, "No room.", 1, 1)
    assert await world.settle() == []
    assert (states(world), world.read().status.phase) == ({InstanceState.EXITED}, Phase.QUEUED)
    del world.lifecycle.admissions[KEY]
    await world.settle()
    assert states(world) == {InstanceState.RUNNING}
    assert conditions(world)["Ready"] == ("True", "Serving")
    assert world.read().status.phase is (Phase.RUNNING if wanted in {"the same", "a push"} else Phase.FAILED)


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
