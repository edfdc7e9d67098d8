"""Workers and what serves already: switched whole, repaired, kept through what fails."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from controller.alarm import BACKOFF_MAX
from controller.api.preview import Preview
from controller.core.actions import Action, BuildImage, RetireInstance
from controller.core.execute import Moment
from tests.unit.controller.operator_world import OperatorWorld
from tests.unit.controller.reading import condition, left
from tests.unit.core.world import COMMIT_B, COMMIT_C, FILES, KEY


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
