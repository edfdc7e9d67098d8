"""A preview falls asleep on the twins: what stops, what stays, and what is said."""

from __future__ import annotations

from datetime import timedelta

from controller.api.names import SLEEP, WAKE
from controller.api.status import Phase
from controller.core.actions import Action
from controller.core.execute import Moment
from controller.lifecycle.protocol import Course, Reason
from controller.runtime.protocol import InstanceState
from tests.unit.core.resting import LATER, asleep, conditions, served, shown, states
from tests.unit.core.world import COMMIT_A, COMMIT_B, World


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
