"""All workers of an operator: who is woken by what, and when the router may speak."""

from __future__ import annotations

from collections.abc import AsyncIterator

from controller import fleet as fleets
from controller.api.names import PreviewKey
from controller.api.status import Phase
from controller.cluster.protocol import Body
from controller.runtime.memory import MemoryRuntime
from tests.unit.controller.manual_clock import drain
from tests.unit.controller.operator_world import RESYNC, SECOND, OperatorWorld, two
from tests.unit.controller.reading import condition
from tests.unit.core.world import COMMIT_A, KEY


def deaf(world: OperatorWorld) -> None:
    """From now on the engine's events get lost."""
    world.runtime.engine.__dict__["_tell"] = lambda *_: None


async def test_a_minute_of_quiet_with_fifty_previews_writes_and_changes_nothing(world: OperatorWorld) -> None:
    keys = [world.apply(name=f"pr-{n}", source={"pullRequest": n}) for n in range(1, 51)]
    async with world.operator():
        await world.pass_time(120)
        assert {world.read(key).status.phase for key in keys} == {Phase.RUNNING}
        writes, changes = world.cluster.writes, world.runtime.engine.changes.copy()
        await world.pass_time(60)
        assert (world.cluster.writes, world.runtime.engine.changes) == (writes, changes)


async def test_a_new_operator_adopts_what_runs_without_a_write(world: OperatorWorld) -> None:
    await two(world)
    before, writes, changes = world.snapshot(), world.cluster.writes, world.runtime.engine.changes.copy()
    async with world.operator():
        await world.pass_time(120)
        assert world.snapshot() == before
        assert (world.cluster.writes, world.runtime.engine.changes) == (writes, changes)


async def test_an_event_wakes_the_worker_that_it_concerns_and_no_other(world: OperatorWorld) -> None:
    await two(world)
    async with world.operator():
        await world.pass_time(60)
        world.reconciler.passes.clear()
        name = next(n for n in world.runtime.engine.containers if n.startswith("pr-2-"))
        world.runtime.engine.kill(name)
        await drain()
        assert set(world.reconciler.passes) == {SECOND}
        assert world.runtime.engine.containers[name].state == "running"


async def test_a_survey_finds_what_no_event_told(world: OperatorWorld) -> None:
    await two(world)
    before = world.snapshot()
    async with world.operator():
        await world.pass_time(60)
        deaf(world)
        for name in list(world.runtime.engine.containers)[:3]:
            world.runtime.engine.remove(name)
        await drain()
        assert world.snapshot() != before
        await world.pass_time(RESYNC + 1)
        assert world.snapshot() == before


async def test_an_engine_that_comes_back_is_surveyed_at_once(world: OperatorWorld) -> None:
    await two(world)
    before = world.snapshot()
    async with world.operator():
        await world.pass_time(60)
        deaf(world)
        world.runtime.engine.kill(sorted(world.runtime.engine.containers)[0])
        world.runtime.engine.__dict__.pop("_tell")
        world.runtime.engine.lose_events()
        await drain()
        assert world.snapshot() == before


async def test_a_database_dropped_by_hand_is_noticed(world: OperatorWorld) -> None:
    await two(world)
    before = world.snapshot()
    async with world.operator():
        await world.pass_time(60)
        world.postgres.drop_by_hand("pr_2_db")
        await world.pass_time(RESYNC + 5)
        assert world.snapshot() == before


async def test_a_database_server_that_is_down_does_not_blind_the_survey(world: OperatorWorld) -> None:
    await two(world)
    before = world.snapshot()["containers"]
    async with world.operator():
        await world.pass_time(60)
        deaf(world)
        world.postgres.unavailable = True
        world.runtime.engine.kill(sorted(world.runtime.engine.containers)[0])
        await world.pass_time(RESYNC + 5)
        assert world.snapshot()["containers"] == before


class Flaky(MemoryRuntime):
    """Its watch breaks with something that nobody expected."""

    broken = 2

    async def watch(self) -> AsyncIterator[PreviewKey | None]:
        if self.broken:
            self.broken -= 1
            raise ZeroDivisionError
        async for key in super().watch():
            yield key


async def test_a_server_that_goes_away_is_told_by_those_who_use_it_and_then_that_it_is_back(
    world: OperatorWorld,
) -> None:
    await two(world)
    async with world.operator():
        await world.pass_time(60)
        world.reconciler.passes.clear()
        world.postgres.unavailable = True
        await world.pass_time(RESYNC + 5)
        assert condition(world, "DatabaseReady") == ("False", "DatabaseUnavailable")
        assert condition(world, "Ready") == ("True", "Serving")
        world.postgres.unavailable = False
        await world.pass_time(RESYNC + 5)
        assert condition(world, "DatabaseReady") == ("True", "Done")


async def test_a_preview_that_is_gone_without_an_event_is_let_go_and_takes_nothing_along(
    world: OperatorWorld,
) -> None:
    await two(world)
    async with world.operator() as fleet:
        await world.pass_time(60)
        before = world.snapshot()["containers"]
        del world.cluster.bodies[SECOND]
        await world.pass_time(2 * fleets.SWEEP_SECONDS)
        assert set(fleet.workers) == {KEY}
        assert world.snapshot()["containers"] == before
        name = next(name for name in before if name.startswith("pr-2-"))
        world.runtime.engine.remove(name)  # as the sweep does
        await world.pass_time(60)
        assert name not in world.runtime.engine.containers


async def test_when_all_previews_are_gone_at_once_they_are_waited_for(world: OperatorWorld) -> None:
    await two(world)
    async with world.operator() as fleet:
        await world.pass_time(60)
        world.cluster.bodies.clear()
        await world.pass_time(2 * fleets.SWEEP_SECONDS)
        assert set(fleet.workers) == {KEY, SECOND}


async def test_a_watch_that_breaks_begins_again(world: OperatorWorld) -> None:
    await two(world)
    world.runtime.__class__ = Flaky
    async with world.operator():
        await world.pass_time(30)
        name = sorted(world.runtime.engine.containers)[0]
        world.runtime.engine.kill(name)
        await drain()
        assert world.runtime.engine.containers[name].state == "running"


async def test_the_cache_of_repositories_is_bounded_again_and_again(world: OperatorWorld) -> None:
    swept: list[float] = []

    async def sweep() -> int:
        swept.append(world.clock.seconds)
        if len(swept) == 1:
            raise OSError("no space left on device")
        return 0

    world.sweep = sweep
    async with world.operator():
        await world.pass_time(3600)
    assert 6 <= len(swept) <= 8


async def test_what_cannot_be_read_is_left_alone(world: OperatorWorld) -> None:
    world.apply()
    bad = {"metadata": {"name": "pr-2", "namespace": "default", "uid": "x"}, "spec": {}}

    async def previews() -> tuple[Body, ...]:
        return (bad, *await type(world.cluster).previews(world.cluster))

    world.cluster.previews = previews  # type: ignore[method-assign]
    async with world.operator() as fleet:
        fleet.see("MODIFIED", {"metadata": {}, "spec": {"source": None}})
        await world.served()
        assert fleet.workers.keys() == {KEY}


async def test_an_event_of_an_earlier_object_of_the_name_is_ignored(world: OperatorWorld) -> None:
    world.apply()
    async with world.operator() as fleet:
        await world.served()
        old = {
            **world.cluster.bodies[KEY],
            "metadata": {**world.cluster.bodies[KEY]["metadata"], "uid": "old"},
        }
        fleet.see("DELETED", old)
        await world.pass_time(60)
        assert world.read().status.phase is Phase.RUNNING
        assert world.runtime.engine.containers


async def test_a_second_preview_of_one_source_is_a_conflict_until_the_first_is_gone(
    world: OperatorWorld,
) -> None:
    world.apply()
    async with world.operator():
        await world.served()
        before = world.snapshot()
        world.apply(name="pr-2")
        await world.pass_time(5)
        told = world.told(SECOND)
        assert told["conditions"]["Stalled"] == ("True", "SourceTaken")
        assert told["phase"] is Phase.FAILED
        assert not world.read(SECOND).held
        assert {**world.snapshot(), "previews": None} == {**before, "previews": None}
        world.delete()
        await world.pass_time(40)
        assert KEY not in world.cluster.bodies
        assert world.told(SECOND)["phase"] is Phase.RUNNING
        assert world.told(SECOND)["conditions"]["Stalled"][0] == "False"


async def test_a_copy_of_a_preview_with_all_its_metadata_is_deleted_without_harm(
    world: OperatorWorld,
) -> None:
    """kubectl get -o yaml, another name, kubectl apply: finalizer and slug are copied too."""
    world.apply()
    async with world.operator():
        await world.served()
        before = world.snapshot()
        world.apply(name="pr-2")
        body = world.cluster.bodies[SECOND]["metadata"]
        body["finalizers"] = list(world.cluster.bodies[KEY]["metadata"]["finalizers"])
        body["annotations"] = dict(world.cluster.bodies[KEY]["metadata"]["annotations"])
        await world.pass_time(5)
        assert world.told(SECOND)["conditions"]["Stalled"] == ("True", "SourceTaken")
        world.delete(SECOND)
        await world.pass_time(5)
        assert SECOND not in world.cluster.bodies
        assert world.snapshot() == before


async def test_two_repositories_with_the_same_number_live_side_by_side(world: OperatorWorld) -> None:
    world.source.add("blue/shop", COMMIT_A, world.files)
    world.apply()
    other = world.apply(name="blue", source={"repository": "blue/shop"})
    async with world.operator():
        await world.served()
        await world.served(key=other)
        assert world.read().slug == "pr-1"
        slug = world.read(other).slug
        assert slug is not None
        assert slug.startswith("pr-1x")
        assert len(world.runtime.engine.containers) == 4
        assert len({r.host for r in world.router.table.routes()}) == 2
        world.delete()
        await world.pass_time()
        assert world.postgres.server.databases.keys() == {f"{slug.replace('-', '_')}_db"}
        assert all(name.startswith(slug) for name in world.runtime.engine.containers)
    async with world.operator():
        await world.pass_time(60)
        assert world.read(other).slug == slug


async def test_a_forged_slug_is_not_believed(world: OperatorWorld) -> None:
    world.source.add("blue/shop", COMMIT_A, world.files)
    other = world.apply(name="blue", source={"repository": "blue/shop", "pullRequest": 7})
    body = world.cluster.bodies[other]["metadata"]
    body["creationTimestamp"], body["annotations"] = "2020-01-01T00:00:00Z", {"previewcloud.io/slug": "pr-1"}
    body["finalizers"] = ["previewcloud.io/teardown"]
    world.apply()
    async with world.operator():
        await world.served()
        await world.served(key=other)
        assert (world.read().slug, world.read(other).slug) == ("pr-1", "pr-7")
