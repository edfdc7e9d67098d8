"""One worker per Preview: it coalesces, cancels, backs off, and says what it knows."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from controller.alarm import BACKOFF_MAX, backoff
from controller.api.errors import BackendUnavailable
from controller.api.preview import Preview
from controller.api.status import Phase
from controller.core.actions import Action
from controller.core.execute import Moment
from controller.passes import Trigger
from tests.unit.controller.manual_clock import drain
from tests.unit.controller.operator_world import OperatorWorld
from tests.unit.controller.reading import condition, left
from tests.unit.core.world import COMMIT_A, COMMIT_B, KEY


async def test_a_hundred_wakes_are_two_passes(world: OperatorWorld) -> None:
    world.apply()
    async with world.operator() as fleet:
        await world.served()
        world.reconciler.passes.clear()
        for _ in range(100):
            fleet.workers[KEY].wake(Trigger.DRIFT)
        await asyncio.sleep(0)
        for _ in range(100):
            fleet.workers[KEY].wake(Trigger.DRIFT)
        await world.pass_time()
        assert 1 <= len(world.reconciler.passes) <= 2


async def test_a_newer_commit_cancels_the_build_of_the_older_at_once(world: OperatorWorld) -> None:
    world.builder.gate = asyncio.Event()
    world.apply()
    async with world.operator():
        assert {build.commit for build in world.builder.history} == {COMMIT_A}
        world.apply(COMMIT_B)
        await drain()
        assert {build.commit for build in world.builder.cancelled} == {COMMIT_A}
        world.builder.gate.set()
        await world.served(COMMIT_B)
        assert not any(COMMIT_A[:12] in image for image in world.runtime.engine.images)


async def test_a_deletion_cancels_what_runs_and_leaves_nothing(world: OperatorWorld) -> None:
    world.builder.gate = asyncio.Event()
    world.apply()
    async with world.operator() as fleet:
        world.delete()
        await drain()
        assert len(world.builder.cancelled) == 2
        assert left(world) == {}
        await world.pass_time()
        assert fleet.workers[KEY].finished


async def test_a_change_that_asks_for_nothing_new_wakes_nobody(world: OperatorWorld) -> None:
    world.apply()
    async with world.operator():
        await world.served()
        await world.pass_time(60)
        world.reconciler.passes.clear()
        world.cluster.bodies[KEY]["metadata"]["labels"] = {"team": "shop"}
        world.cluster.told("MODIFIED", KEY)
        await drain()
        assert world.reconciler.passes == []


async def test_an_absent_engine_keeps_the_object_until_it_is_let_go_by_hand(world: OperatorWorld) -> None:
    world.apply()
    async with world.operator() as fleet:
        await world.served()
        world.runtime.engine.unavailable = True
        world.delete()
        await world.pass_time(90)
        assert world.read().held
        assert world.read().status.phase is Phase.DESTROYING
        assert condition(world, "Reconciling") == ("True", "EngineUnavailable")
        world.annotate("abandon", "2026-01-01T00:00:00Z")
        await drain()
        assert KEY not in world.cluster.bodies
        (event,) = [e for e in world.cluster.events if e[2] == "Abandoned"]
        for thing in (
            "pr-1-*",
            "pr_1_db",
            "pr-1-database",
            "previewcloud/acme-shop/web",
            "EngineUnavailable",
        ):
            assert thing in event[3]
        assert list(world.router.table.routes()) == []
        assert fleet.workers[KEY].finished


async def test_an_engine_that_comes_back_lets_the_deletion_through(world: OperatorWorld) -> None:
    world.apply()
    async with world.operator():
        await world.served()
        world.runtime.engine.unavailable = True
        world.delete()
        await world.pass_time(300)
        world.runtime.engine.unavailable = False
        await world.pass_time(BACKOFF_MAX + 1)
        assert left(world) == {}


def test_the_backoff_grows_and_is_bounded() -> None:
    waits = [backoff(failures) for failures in range(1, 40)]
    assert waits[0] == 1
    assert waits == sorted(waits)
    assert waits[-1] == BACKOFF_MAX


async def test_what_fails_is_tried_less_and_less_often_and_written_once(world: OperatorWorld) -> None:
    world.source.unavailable = True
    world.apply()
    async with world.operator():
        await world.pass_time(30)
        writes = world.cluster.writes
        assert len(world.reconciler.passes) <= 7
        await world.pass_time(600)
        assert len(world.reconciler.passes) <= 19
        assert world.cluster.writes == writes
        world.source.unavailable = False
        await world.pass_time(BACKOFF_MAX)
        assert world.read().status.phase is Phase.RUNNING


async def test_an_api_server_that_is_down_at_the_release_is_asked_again(world: OperatorWorld) -> None:
    world.apply()
    async with world.operator():
        await world.served()

        async def on_action(action: Action, moment: Moment) -> None:
            world.cluster.available = False

        world.fleet.workers[KEY]._tools.ears.__dict__["announce"] = on_action
        world.delete()
        await world.pass_time(5)
        assert world.runtime.engine.containers == {}
        assert KEY in world.cluster.bodies
        world.fleet.workers[KEY]._tools.ears.__dict__["announce"] = None
        world.cluster.available = True
        await world.pass_time(BACKOFF_MAX)
        assert left(world) == {}


async def test_a_bug_shows_in_the_status_and_is_tried_again(world: OperatorWorld) -> None:
    world.apply()
    async with world.operator():
        await world.served()
        world.reconciler.bug = KeyError("secret-password-1")
        world.apply(COMMIT_B)
        await drain()
        assert condition(world, "Reconciling") == ("True", "InternalError")
        assert condition(world, "Ready") == ("True", "Serving")
        assert "secret-password-1" not in str(world.read().status)
        world.reconciler.bug = None
        await world.served(COMMIT_B)
        assert condition(world, "Reconciling") == ("False", "Done")


async def test_a_bug_of_the_worker_itself_is_survived(world: OperatorWorld) -> None:
    world.apply()
    claim, calls = world.cluster.claim, 0

    async def broken(preview: Preview, slug: str) -> None:
        nonlocal calls
        calls += 1
        if calls < 3:
            raise ZeroDivisionError
        await claim(preview, slug)

    world.cluster.claim = broken  # type: ignore[method-assign]
    async with world.operator():
        await world.served()


async def test_progress_that_cannot_be_written_stops_neither_the_work_nor_later_progress(
    world: OperatorWorld,
) -> None:
    world.builder.gate = asyncio.Event()
    world.apply()
    async with world.operator():
        world.cluster.available = False
        await world.pass_time(2)
        world.cluster.available = True
        await world.pass_time(5)
        assert world.read().status.phase is Phase.CREATING
        assert (world.read().status.step or "").startswith("build")
        assert world.read().status.slug == "pr-1"
        world.builder.gate.set()
        await world.served()


async def test_a_write_whose_answer_was_lost_is_made_again(world: OperatorWorld) -> None:
    """The API server has "Updating" and the operator never heard so: the end is not taken for written."""
    world.apply()
    async with world.operator():
        await world.served()
        await world.pass_time(60)
        patch, lost = world.cluster.patch_status, 0

        async def deaf(preview: Preview, status: Mapping[str, object]) -> None:
            nonlocal lost
            await patch(preview, status)
            if lost == 0:
                lost += 1
                raise BackendUnavailable("ClusterUnavailable", "No answer.")

        world.cluster.patch_status = deaf  # type: ignore[method-assign]
        world.builder.gate = asyncio.Event()
        for image in list(world.runtime.engine.images):
            del world.runtime.engine.images[image]
        world.fleet.workers[KEY].wake(Trigger.DRIFT)
        await world.pass_time(1)
        assert world.read().status.phase is Phase.UPDATING
        world.builder.gate.set()
        await world.pass_time(1)
        assert lost == 1
        assert world.read().status.phase is Phase.RUNNING
