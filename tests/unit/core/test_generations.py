"""Databases made anew beside the one that serves, emptied, given other passwords; and several at once."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from controller.api.errors import BackendUnavailable
from controller.api.migrations import Changed
from controller.api.names import RESET_DATABASE, ROTATE_CREDENTIALS, database_secret_name
from controller.api.status import Phase
from controller.core.inputs import Rules
from controller.core.reconcile import Reconciler
from controller.core.status import patch
from controller.databases.memory import MemoryDatabases
from controller.lifecycle.protocol import Course
from tests.unit.core.world import COMMIT_B, COMMIT_C, FILES, KEY, World

CHANGED = {**FILES, "migrations/001_items.sql": b"create table other ();\n"}
BROKEN = {**CHANGED, "migrations/002_bad.sql": b"\nFAIL\n"}
SEVERAL = b"""
services: {web: {dockerfile: Dockerfile, context: web, port: 8080, env: {M: "${MAIN_DATABASE_URL}"}}}
databases: {main: {type: postgres, migrations: ./migrations}, cache: {type: mysql}}
"""
FIRST, LATER = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"


def databases(server: MemoryDatabases) -> list[str]:
    return sorted(server.server.databases)


def env(world: World) -> dict[str, str]:
    """The environment of the one `web` that there is."""
    (found,) = [
        c.spec for c in world.runtime.engine.containers.values() if c.spec and c.spec.service == "web"
    ]
    return dict(found.env)


def secret(world: World) -> dict[str, str]:
    return dict(world.cluster.secrets["default", database_secret_name(KEY.name)].data)


async def served(world: World, files: dict[str, bytes] = FILES) -> World:
    world.source.add("acme/shop", "a" * 40, files)
    world.apply()
    await world.settle()
    return world


async def update(world: World, files: dict[str, bytes], commit: str = COMMIT_B) -> list[str]:
    world.source.add("acme/shop", commit, files)
    world.apply(commit)
    return await world.settle()


async def test_a_changed_migration_gets_an_empty_database_which_goes_live_with_its_containers() -> None:
    world = await served(World())
    await update(world, CHANGED)
    assert databases(world.postgres) == ["pr_1_db_r2"]
    assert "/pr_1_db_r2" in env(world)["DATABASE_URL"]
    assert secret(world)["DATABASE_URL"] == env(world)["DATABASE_URL"]
    status = world.read().status
    assert status.database is not None and status.database.name == "pr_1_db_r2"
    assert await world.settle() == []


async def test_scripts_do_not_stay_in_memory() -> None:
    world = await served(World())
    assert "create table items" not in repr(asdict(world.memory[KEY]))


async def test_while_the_new_one_cannot_be_made_the_old_one_serves_with_its_data() -> None:
    world = await served(World())
    before = env(world)["DATABASE_URL"]
    await update(world, BROKEN)
    assert world.told()["conditions"]["Ready"] == ("True", "Serving")
    assert world.told()["conditions"]["Stalled"] == ("True", "MigrationFailed")
    assert "pr_1_db" in databases(world.postgres)
    assert env(world)["DATABASE_URL"] == before == secret(world)["DATABASE_URL"]
    await update(world, FILES, COMMIT_C)
    assert databases(world.postgres) == ["pr_1_db"]
    assert world.told()["conditions"]["Stalled"][0] == "False"


async def test_an_installation_may_have_a_changed_migration_stalled() -> None:
    world = await served(World())
    rules = Rules("test", "localhost", changed_migrations=Changed.STALL)
    world.reconciler = Reconciler(world.backends, world.reconciler._sources, rules)
    await update(world, CHANGED)
    assert world.told()["conditions"]["Stalled"] == ("True", "MigrationChanged")
    assert world.told()["conditions"]["DatabaseReady"] == ("False", "MigrationChanged")
    assert databases(world.postgres) == ["pr_1_db"]


async def test_a_database_left_dirty_is_made_anew_with_the_correction() -> None:
    files = {**FILES, "preview.yaml": FILES["preview.yaml"].replace(b"postgres", b"mysql")}
    broken = {**files, "migrations/002_bad.sql": b"FAIL\n"}
    world = await served(World(), broken)
    assert world.told()["conditions"]["Stalled"] == ("True", "MigrationFailed")
    await update(world, {**files, "migrations/002_bad.sql": b"good\n"})
    assert databases(world.mysql) == ["pr_1_db_r2"]
    assert world.told()["conditions"]["Ready"][0] == "True"


async def test_a_wish_for_an_empty_database_is_done_once_per_value() -> None:
    world = await served(World())
    for value, name in ((FIRST, "pr_1_db_r2"), (LATER, "pr_1_db_r3")):
        world.wish(RESET_DATABASE, value)
        assert f"create database {name}" in await world.settle()
        assert databases(world.postgres) == [name]
        assert f"/{name}" in env(world)["DATABASE_URL"]
        world.restart()
        assert not [action for action in await world.settle() if "database" in action]


async def test_new_passwords_reach_server_secret_and_containers_once_per_value() -> None:
    world = await served(World())
    world.password = "secret-password-2"
    world.wish(ROTATE_CREDENTIALS, FIRST)
    await world.settle()
    assert world.postgres.server.roles == {"pr_1_db": "secret-password-2"}
    assert secret(world)["password"] == "secret-password-2"
    assert "secret-password-2" in env(world)["DATABASE_URL"]
    world.password = "secret-password-3"
    world.restart()
    assert not [action for action in await world.settle() if "store" in action]
    assert secret(world)["password"] == "secret-password-2"


async def test_several_databases_stand_beside_each_other_each_with_its_login() -> None:
    world = await served(World(), {**FILES, "preview.yaml": SEVERAL})
    assert databases(world.postgres) == ["pr_1_main_db"]
    assert databases(world.mysql) == ["pr_1_cache_db"]
    names = {name for name in env(world) if "DATABASE" in name}
    assert names == {
        "MAIN_DATABASE_URL",
        "MAIN_DATABASE_TYPE",
        "CACHE_DATABASE_URL",
        "CACHE_DATABASE_TYPE",
    }
    assert env(world)["M"] == env(world)["MAIN_DATABASE_URL"] == secret(world)["MAIN_DATABASE_URL"]
    status = world.read().status
    assert [(d.label, d.type, d.name) for d in status.databases] == [
        ("main", "postgres", "pr_1_main_db"),
        ("cache", "mysql", "pr_1_cache_db"),
    ]
    await update(world, FILES)
    assert (databases(world.postgres), databases(world.mysql)) == (["pr_1_db"], [])
    world.delete()
    await world.settle()
    assert (databases(world.postgres), databases(world.mysql)) == ([], [])
    assert world.cluster.secrets == {}


async def test_another_kind_of_database_takes_the_place_of_the_first() -> None:
    world = await served(World())
    await update(world, {**FILES, "preview.yaml": FILES["preview.yaml"].replace(b"postgres", b"mysql")})
    assert (databases(world.postgres), databases(world.mysql)) == ([], ["pr_1_db"])


async def test_nothing_is_left_on_a_kind_of_server_that_never_came_to_serve() -> None:
    """Neither by the attempt that takes another kind, nor by a deletion in between."""
    broken = {**FILES, "migrations/001_items.sql": b"FAIL\n"}
    on_mysql = {**broken, "preview.yaml": FILES["preview.yaml"].replace(b"postgres", b"mysql")}
    for deleted in (False, True):
        world = await served(World(), broken)
        await update(world, on_mysql)
        assert (databases(world.postgres), databases(world.mysql)) == (["pr_1_db"], ["pr_1_db"])
        if deleted:
            world.restart()
            world.delete()
            await world.settle()
            assert (databases(world.postgres), databases(world.mysql)) == ([], [])
        else:
            await update(world, FILES, COMMIT_C)
            assert (databases(world.postgres), databases(world.mysql)) == (["pr_1_db"], [])
            assert secret(world)["KINDS"] == "postgres"


@pytest.mark.parametrize("during", ["create", "update", "delete"])
async def test_a_server_that_is_down_holds_up_nobody_who_does_not_use_it(during: str) -> None:
    world = World()
    world.mysql.unavailable = during == "create"
    await served(world)
    world.mysql.unavailable = True
    if during == "update":
        await update(world, CHANGED)
    elif during == "delete":
        world.delete()
        outcome = await world.reconcile()
        assert outcome.released
        return
    assert world.told()["conditions"]["Ready"][0] == "True"


async def test_a_server_that_is_down_is_told_under_the_databases_condition() -> None:
    world = World()
    world.postgres.unavailable = True
    world.apply()
    await world.reconcile()
    assert world.told()["conditions"]["DatabaseReady"] == ("False", "DatabaseUnavailable")
    assert world.told()["conditions"]["Reconciling"] == ("True", "DatabaseUnavailable")


async def test_a_restored_preview_of_which_nothing_is_known_is_looked_for_everywhere() -> None:
    world = await served(World(), {**FILES, "preview.yaml": SEVERAL})
    del world.cluster.bodies[KEY]["status"]
    world.cluster.secrets.clear()
    world.mysql.unavailable = True
    world.delete()
    outcome = await world.reconcile()
    assert isinstance(outcome.error, BackendUnavailable) and not outcome.released
    world.mysql.unavailable = False
    await world.settle()
    assert (databases(world.postgres), databases(world.mysql)) == ([], [])


async def test_a_database_whose_kind_is_not_served_any_more_is_not_forgotten() -> None:
    world = await served(World(), {**FILES, "preview.yaml": SEVERAL})
    world.backends.databases.pop("mysql")  # type: ignore[attr-defined]
    world.delete()
    outcome = await world.reconcile()
    assert outcome.error is not None and outcome.error.reason == "DatabaseServerMissing"
    assert databases(world.mysql) == ["pr_1_cache_db"]


def lose_server(world: World) -> None:
    """Another one stands at its address, with nothing in it."""
    world.postgres.server.databases.clear()
    world.postgres.server.roles.clear()
    world.postgres.registry.clear()


async def test_on_a_server_that_lost_everything_nothing_is_made_until_its_dump_is_back() -> None:
    world = await served(World())
    dump, registry = dict(world.postgres.server.databases), dict(world.postgres.registry)
    lose_server(world)
    assert await world.settle() == []
    assert databases(world.postgres) == []
    assert world.told()["conditions"]["DatabaseReady"] == ("False", "DatabaseLost")
    assert world.told()["conditions"]["Ready"] == ("True", "Serving")
    world.postgres.server.databases |= dump
    world.postgres.registry |= registry
    await world.settle()
    assert world.told()["conditions"]["DatabaseReady"] == ("True", "Done")
    assert databases(world.postgres) == ["pr_1_db"]


async def test_without_a_dump_a_new_wish_makes_an_empty_one_and_an_old_one_does_not() -> None:
    world = await served(World())
    world.wish(RESET_DATABASE, FIRST)
    await world.settle()
    lose_server(world)
    await world.settle()
    assert world.told()["conditions"]["DatabaseReady"] == ("False", "DatabaseLost")
    world.wish(RESET_DATABASE, LATER)
    await world.settle()
    assert databases(world.postgres) == ["pr_1_db"]
    assert world.told()["conditions"]["Ready"] == ("True", "Serving")


async def test_what_expired_comes_back_also_when_nobody_wrote_that_its_end_was_reached() -> None:
    world = await served(World())
    world.decide(Course.EXPIRE)
    before = world.read().status
    await world.settle()
    expiring = before.model_copy(update={"phase": Phase.EXPIRED})
    await world.cluster.patch_status(world.read(), patch(expiring))
    world.restart()
    world.decide(Course.RUN)
    world.apply(COMMIT_B)
    await world.settle()
    assert world.told()["conditions"]["Ready"] == ("True", "Serving")
    assert databases(world.postgres) == ["pr_1_db"]
