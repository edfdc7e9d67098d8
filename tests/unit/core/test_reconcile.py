"""One Preview from apply to gone, on the twins."""

from controller.api.errors import BackendUnavailable
from controller.api.status import Phase
from controller.build.memory import BuildOutcome
from controller.runtime.memory_model import CRASHES, NEVER_LISTENS
from tests.unit.core.world import COMMIT_A, COMMIT_B, COMMIT_C, FILES, World


def ready(world: World) -> dict[str, str]:
    return {str(c.type): str(c.status) for c in world.read().status.conditions}


async def test_apply_ends_in_a_served_preview_with_its_own_database() -> None:
    world = World()
    world.apply()
    outcome = await world.reconcile()
    assert outcome.error is None
    status = world.read().status
    assert (status.phase, status.slug, status.commit) == (Phase.RUNNING, "pr-1", COMMIT_A)
    assert status.url == "http://pr-1-acme.web.localhost"
    assert {service.name: service.url for service in status.services} == {"web": status.url, "api": None}
    assert world.postgres.server.databases.keys() == {"pr_1_db"}
    assert [a.name for a in world.postgres.server.databases["pr_1_db"].ledger] == ["001_items.sql"]
    (route,) = world.router.table.routes()
    assert route.host == "pr-1-acme.web.localhost"
    assert route.instance in world.runtime.engine.containers


async def test_a_second_pass_does_nothing() -> None:
    world = World()
    world.apply()
    await world.reconcile()
    before, writes = world.snapshot(), world.cluster.writes
    actions: list[str] = []

    async def on_action(action: object, moment: object) -> None:
        actions.append(str(action))

    world.on_action = on_action
    await world.reconcile()
    assert actions == []
    assert (world.snapshot(), world.cluster.writes) == (before, writes)


async def test_a_restarted_operator_adopts_what_runs_without_a_write() -> None:
    world = World()
    world.apply()
    await world.reconcile()
    before, writes = world.snapshot(), world.cluster.writes
    world.restart()
    await world.reconcile()
    assert (world.snapshot(), world.cluster.writes) == (before, writes)


async def test_an_update_replaces_all_instances_and_leaves_nothing_of_the_old_version() -> None:
    world = World()
    world.apply()
    await world.reconcile()
    old = set(world.runtime.engine.containers)
    world.apply(COMMIT_B)
    await world.reconcile()
    new = set(world.runtime.engine.containers)
    assert len(new) == 2 and not new & old
    assert world.read().status.commit == COMMIT_B
    assert len(world.snapshot()["images"]) == 2
    assert len(world.snapshot()["networks"]) == 1


async def test_a_failed_update_leaves_the_old_version_serving_and_says_why() -> None:
    world = World()
    world.apply()
    await world.reconcile()
    before = world.snapshot()
    world.source.add("acme/shop", COMMIT_B, {**FILES, "migrations/002.sql": b"FAIL\n"})
    world.apply(COMMIT_B)
    await world.reconcile()
    status = world.read().status
    assert ready(world)["Ready"] == "True" and ready(world)["Stalled"] == "True"
    assert status.commit == COMMIT_A
    stalled = next(c for c in status.conditions if c.type == "Stalled")
    assert stalled.reason == "MigrationFailed"
    after = world.snapshot()
    assert (after["containers"], after["routes"]) == (before["containers"], before["routes"])


async def test_an_instance_that_crashes_is_taken_away_and_the_old_version_serves() -> None:
    world = World()
    world.apply()
    await world.reconcile()
    before = world.snapshot()
    bad = ((COMMIT_B, CRASHES, "CrashLoop"), (COMMIT_C, NEVER_LISTENS, "NeverListening"))
    for commit, behaviour, reason in bad:
        world.builder.outcome = lambda _, behaviour=behaviour: BuildOutcome(behaviour=behaviour)
        world.apply(commit)
        await world.reconcile()
        stalled = next(c for c in world.read().status.conditions if c.type == "Stalled")
        assert stalled.reason == reason
        assert world.snapshot()["containers"] == before["containers"]
        assert world.snapshot()["routes"] == before["routes"]


async def test_what_is_given_up_is_not_tried_again_until_something_changes() -> None:
    world = World()
    world.source.add("acme/shop", COMMIT_B, {**FILES, "preview.yaml": b"services: {web: {prot: 1}}"})
    world.apply(COMMIT_B)
    await world.reconcile()
    writes = world.cluster.writes
    assert (await world.reconcile()).final
    assert world.cluster.writes == writes
    world.apply(COMMIT_A)
    await world.reconcile()
    assert world.read().status.phase is Phase.RUNNING


async def test_drift_is_repaired() -> None:
    world = World()
    world.apply()
    await world.reconcile()
    before = world.snapshot()
    names = sorted(world.runtime.engine.containers)
    world.runtime.engine.kill(names[0])
    world.runtime.engine.remove(names[1])
    await world.reconcile()
    assert world.snapshot() == before
    world.postgres.drop_by_hand("pr_1_db")
    await world.reconcile()
    assert world.snapshot() == before


async def test_a_deletion_leaves_nothing() -> None:
    world = World()
    empty = world.snapshot()
    world.apply()
    await world.reconcile()
    world.delete()
    outcome = await world.reconcile()
    assert outcome.released
    assert world.snapshot() == empty


async def test_an_unreachable_engine_keeps_the_preview_and_says_so() -> None:
    world = World()
    world.apply()
    await world.reconcile()
    world.delete()
    world.runtime.engine.unavailable = True
    outcome = await world.reconcile()
    assert isinstance(outcome.error, BackendUnavailable) and not outcome.final
    assert world.read().held
    assert world.read().status.phase is Phase.DESTROYING
