"""One Preview from apply to gone, on the twins."""

import contextlib

from controller.api.errors import BackendUnavailable
from controller.api.status import Phase
from controller.build.memory import BuildOutcome
from controller.runtime.memory_model import CRASHES, NEVER_LISTENS
from tests.unit.core.world import COMMIT_A, COMMIT_B, COMMIT_C, FILES, KEY, World

LONE = b"services: {web: {dockerfile: Dockerfile, context: web, port: 8080}}"


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


async def test_until_the_switch_is_confirmed_the_old_version_stays_and_is_gone_back_to() -> None:
    world = World()
    world.apply()
    await world.reconcile()
    before = world.snapshot()
    world.router.never_confirms = True
    world.apply(COMMIT_B)
    for _ in range(3):
        outcome = await world.reconcile()
        assert outcome.error is not None and outcome.error.reason == "RouteNotLive"
        assert before["containers"].items() <= world.snapshot()["containers"].items()
        assert world.snapshot()["routes"] == before["routes"]
        assert (ready(world)["Ready"], world.read().status.commit) == ("True", COMMIT_A)
    world.router.never_confirms = False
    await world.reconcile()
    assert world.read().status.commit == COMMIT_B
    assert len(world.runtime.engine.containers) == 2


async def test_a_preview_that_is_suspended_is_left_as_it_is() -> None:
    world = World()
    world.apply()
    await world.reconcile()
    world.apply(COMMIT_B, suspend=True)
    world.runtime.engine.kill(sorted(world.runtime.engine.containers)[0])
    before = world.snapshot()
    outcome = await world.reconcile()
    assert outcome.error is None
    assert world.snapshot() == before
    assert next(c.reason for c in world.read().status.conditions if c.type == "Reconciling") == "Suspended"
    world.apply(COMMIT_B)
    await world.reconcile()
    assert world.read().status.commit == COMMIT_B


async def test_an_image_that_two_previews_share_goes_with_the_last() -> None:
    world = World()
    first, second = world.apply(), world.apply(name="pr-2", source={"pullRequest": 2})
    for key in (first, second):
        await world.reconcile(key)
    shared = set(world.runtime.engine.images)
    assert len(shared) == 2
    world.apply(COMMIT_B)
    assert (await world.reconcile(first)).error is None
    assert shared < set(world.runtime.engine.images)
    world.delete(first)
    assert (await world.reconcile(first)).released
    assert set(world.runtime.engine.images) == shared
    world.delete(second)
    assert (await world.reconcile(second)).released
    assert not world.runtime.engine.images


async def test_a_redeploy_starts_the_same_commit_anew() -> None:
    world = World()
    world.apply()
    await world.reconcile()
    before = set(world.runtime.engine.containers)
    world.cluster.bodies[KEY]["metadata"]["annotations"]["previewcloud.io/redeploy"] = "2026-01-01T00:00:00Z"
    await world.reconcile()
    after = set(world.runtime.engine.containers)
    assert len(after) == 2
    assert not after & before
    assert len(world.builder.history) == 2


async def test_a_database_whose_create_was_cut_off_goes_although_it_is_not_wanted_any_more() -> None:
    """Nothing of it is in the status yet: the Secret tells."""
    world = World()
    world.apply()
    world.runtime.engine.__dict__["run"] = None
    with contextlib.suppress(BaseException):
        await world.reconcile()
    del world.runtime.engine.__dict__["run"]
    world.cluster.bodies[KEY].pop("status", None)
    assert world.postgres.server.databases
    world.restart()
    world.source.add("acme/shop", COMMIT_B, {**FILES, "preview.yaml": LONE})
    world.apply(COMMIT_B)
    await world.settle()
    assert (world.postgres.server.databases, world.cluster.secrets) == ({}, {})


async def test_the_password_of_the_database_shows_up_nowhere() -> None:
    world = World()
    world.source.add("acme/shop", COMMIT_B, {**FILES, "migrations/002.sql": b"secret-password-1 FAIL\n"})
    world.apply()
    await world.reconcile()
    world.apply(COMMIT_B)
    await world.reconcile()
    shown = [str(world.cluster.bodies), str(world.cluster.events), world.sink.text()]
    assert "plan:" in world.sink.text()
    assert all("secret-password-1" not in text for text in shown)
