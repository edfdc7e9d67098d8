"""One worker per Preview: it coalesces, cancels, backs off, and says what it knows."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from controller.api.errors import BackendUnavailable
from controller.api.names import PreviewKey
from controller.api.preview import Preview
from controller.api.status import Phase
from controller.core.actions import Action, BuildImage, RetireInstance
from controller.core.execute import Moment
from controller.worker import BACKOFF_MAX, backoff
from tests.unit.controller.manual_clock import drain
from tests.unit.controller.operator_world import OperatorWorld
from tests.unit.core.world import COMMIT_A, COMMIT_B, COMMIT_C, FILES, KEY


@pytest.fixture
def world() -> OperatorWorld:
    return OperatorWorld()


def condition(world: OperatorWorld, kind: str, key: PreviewKey = KEY) -> tuple[str, str]:
    found = next(c for c in world.read(key).status.conditions if c.type == kind)
    return str(found.status), found.reason


def left(world: OperatorWorld) -> dict[str, object]:
    return {kind: things for kind, things in world.snapshot().items() if things}


async def test_a_hundred_wakes_are_two_passes(world: OperatorWorld) -> None:
    world.apply()
    async with world.operator() as fleet:
        await world.served()
        world.reconciler.passes.clear()
        for _ in range(100):
            fleet.workers[KEY].wake()
        await asyncio.sleep(0)
        for _ in range(100):
            fleet.workers[KEY].wake()
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
        world.fleet.workers[KEY].wake()
        await world.pass_time(1)
        assert world.read().status.phase is Phase.UPDATING
        world.builder.gate.set()
        await world.pass_time(1)
        assert lost == 1
        assert world.read().status.phase is Phase.RUNNING


async def test_a_pass_cut_off_while_the_old_version_retires_leaves_the_new_one_public(
    world: OperatorWorld,
) -> None:
    """Retiring stops in the middle, the next commit takes long to build: the hosts lead to what runs."""
    retired, hold = asyncio.Event(), asyncio.Event()

    async def on_action(action: Action, moment: Moment) -> None:
        if isinstance(action, RetireInstance) and moment is Moment.AFTER:
            retired.set()
            await hold.wait()

    world.apply()
    async with world.operator():
        await world.served()
    world.on_action = on_action
    world.apply(COMMIT_B)
    async with world.operator():
        await world.pass_time(5)
        assert retired.is_set()
        world.builder.gate = asyncio.Event()
        world.apply(COMMIT_C)
        await world.pass_time(5)
        assert {build.commit for build in world.builder.history} >= {COMMIT_C}
        (route,) = world.router.table.routes()
        assert route.instance is not None
        assert world.runtime.ready(route.instance)
        hold.set()
        world.builder.gate.set()
        await world.served(COMMIT_C)


async def test_what_serves_is_repaired_while_the_new_commit_cannot_be_fetched(world: OperatorWorld) -> None:
    world.apply()
    async with world.operator():
        await world.served()
        before = world.snapshot()["containers"]
        world.source.unavailable = True
        world.apply(COMMIT_B)
        await world.pass_time(120)
        for number, name in enumerate(list(before)):
            getattr(world.runtime.engine, ("kill", "remove")[number])(name)
        await world.pass_time(5)
        assert world.snapshot()["containers"] == before
        assert condition(world, "Ready")[0] == "True"


async def test_a_container_that_is_killed_while_a_pass_ends_is_repaired(world: OperatorWorld) -> None:
    """Events during a pass count: it may have looked before."""
    world.apply()
    async with world.operator():
        await world.served()
        await world.pass_time(60)
        world.annotate("redeploy", "2026-01-01T00:00:00Z")
        seen = asyncio.Event()

        async def late(preview: Preview, status: Mapping[str, object]) -> None:
            if status["phase"] == "Running" and not seen.is_set():
                seen.set()
                world.runtime.engine.kill(sorted(world.runtime.engine.containers)[0])
            await type(world.cluster).patch_status(world.cluster, preview, status)

        world.cluster.patch_status = late  # type: ignore[method-assign]
        await world.pass_time(5)
        assert seen.is_set()
        assert all(c.state == "running" for c in world.runtime.engine.containers.values())


async def test_a_live_service_that_crashes_is_not_given_up(world: OperatorWorld) -> None:
    world.apply()
    async with world.operator():
        await world.served()
        name = next(n for n in world.runtime.engine.containers if n.startswith("pr-1-web"))
        container = world.runtime.engine.containers[name]
        container.behaviour = type(container.behaviour)(crash=1)
        world.runtime.engine.kill(name)
        await world.pass_time(30)
        assert condition(world, "Reconciling") == ("True", "CrashLoop")
        assert condition(world, "Stalled")[0] == "False"
        container.behaviour = type(container.behaviour)()
        world.runtime.engine.run(name)
        await world.pass_time(BACKOFF_MAX + 1)
        assert condition(world, "Ready") == ("True", "Serving")
        assert condition(world, "Reconciling")[0] == "False"


async def test_a_preview_created_anew_right_after_its_end_starts_over(world: OperatorWorld) -> None:
    world.apply()
    async with world.operator():
        await world.served()
        world.wipe()
        world.apply(COMMIT_B)
        world.cluster.bodies[KEY]["metadata"]["uid"] = "another"
        world.cluster.told("ADDED", KEY)
        await world.served(COMMIT_B)
        assert world.read().held


async def test_what_is_gone_without_a_teardown_is_torn_down(world: OperatorWorld) -> None:
    world.apply()
    async with world.operator() as fleet:
        await world.served()
        world.wipe()
        await world.pass_time()
        assert left(world) == {}
        assert fleet.workers[KEY].finished


async def test_a_missing_secret_is_waited_for(world: OperatorWorld) -> None:
    from controller.cluster.protocol import SecretData

    world.apply(source={"credentialsSecretRef": {"name": "login"}})
    async with world.operator():
        await world.pass_time(10)
        assert condition(world, "Ready") == ("False", "SecretMissing")
        labels = {"previewcloud.io/repository": "acme.shop"}
        world.cluster.secrets["default", "login"] = SecretData("login", labels, {"password": "token-of-git"})
        await world.pass_time(BACKOFF_MAX)
        assert condition(world, "Ready") == ("True", "Serving")


async def test_an_update_that_fails_is_told_once_and_left_alone(world: OperatorWorld) -> None:
    world.source.add("acme/shop", COMMIT_B, {**FILES, "preview.yaml": b"services: {web: {prot: 1}}"})
    world.apply()
    async with world.operator():
        await world.served()
        world.apply(COMMIT_B)
        await world.pass_time(600)
        told = [event for event in world.cluster.events if event[1] == "Warning"]
        assert [event[2] for event in told] == ["PreviewFileInvalid"]
        assert condition(world, "Stalled") == ("True", "PreviewFileInvalid")
        assert condition(world, "Ready") == ("True", "Serving")


async def test_progress_is_announced_by_actions_that_really_run(world: OperatorWorld) -> None:
    heard: list[tuple[str, Moment]] = []

    async def on_action(action: Action, moment: Moment) -> None:
        if isinstance(action, BuildImage):
            heard.append((action.image.service, moment))

    world.on_action = on_action
    world.apply()
    async with world.operator():
        await world.served()
    assert sorted(heard) == [
        (name, when) for name in ("api", "web") for when in (Moment.AFTER, Moment.BEFORE)
    ]
