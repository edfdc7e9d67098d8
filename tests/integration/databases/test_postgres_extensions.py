"""Extensions that a blueprint asks for."""

from __future__ import annotations

import psycopg
import pytest

from controller.api.errors import InvalidSpec
from controller.databases.protocol import Blueprint
from tests.contract.database_contract import CLAIM, LOGIN, script
from tests.integration.databases.postgres_world import PostgresWorld, login, observed
from tests.integration.databases.test_postgres_migrations import migrate

UNTRUSTED = "pageinspect"


async def test_extensions_are_there_before_the_first_migration(world: PostgresWorld) -> None:
    await world.server.create(CLAIM, LOGIN, Blueprint(extensions=("citext", "uuid-ossp")))
    await migrate(world, script("1.sql", "CREATE TABLE t (id uuid DEFAULT uuid_generate_v4(), n citext);\n"))
    state = await observed(world.server)
    assert state.extensions == {"citext", "uuid-ossp"}


async def test_an_extension_asked_for_later_is_added_to_what_is_there(world: PostgresWorld) -> None:
    await world.server.create(CLAIM, LOGIN)
    await migrate(world, script("1.sql", "CREATE TABLE kept (id int);\n"))
    for _ in range(2):
        await world.server.create(CLAIM, LOGIN, Blueprint(extensions=("hstore",)))
    state = await observed(world.server)
    assert (state.extensions, len(state.ledger)) == ({"hstore"}, 1)
    async with await login(CLAIM, LOGIN) as connection:
        await connection.execute("SELECT 'a=>1'::hstore, * FROM kept")


async def test_what_is_not_on_the_list_is_refused(world: PostgresWorld) -> None:
    with pytest.raises(InvalidSpec, match="POSTGRES_EXTENSIONS") as refused:
        await world.server.create(CLAIM, LOGIN, Blueprint(extensions=("dblink",)))
    assert refused.value.reason == "ExtensionRefused"
    assert "citext" in refused.value.message
    assert not await world.exists(CLAIM.name)


async def test_what_the_server_does_not_have_is_named_and_can_be_corrected(world: PostgresWorld) -> None:
    server = world.another(extensions=("no_such_thing", "citext"))
    with pytest.raises(InvalidSpec, match="no_such_thing") as missing:
        await server.create(CLAIM, LOGIN, Blueprint(extensions=("no_such_thing",)))
    assert missing.value.reason == "ExtensionMissing"
    assert not (await observed(server)).exists
    await server.create(CLAIM, LOGIN, Blueprint(extensions=("citext",)))
    assert (await observed(server)).extensions == {"citext"}


async def test_one_that_postgres_does_not_trust_is_installed_only_while_nobody_was_in(
    world: PostgresWorld,
) -> None:
    server = world.another(extensions=(UNTRUSTED,))
    await server.create(CLAIM, LOGIN)
    with pytest.raises(InvalidSpec, match="reset-database") as refused:
        await server.create(CLAIM, LOGIN, Blueprint(extensions=(UNTRUSTED,)))
    assert refused.value.reason == "ExtensionRefused"
    await server.drop(CLAIM)
    await server.create(CLAIM, LOGIN, Blueprint(extensions=(UNTRUSTED,)))
    assert (await observed(server)).extensions == {UNTRUSTED}
    async with await login(CLAIM, LOGIN) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await connection.execute(f"DROP EXTENSION {UNTRUSTED}")


async def test_what_is_in_the_way_of_an_extension_is_told(world: PostgresWorld) -> None:
    await world.server.create(CLAIM, LOGIN)
    async with await login(CLAIM, LOGIN) as connection:
        await connection.execute("CREATE TYPE citext AS (mine int)")
    with pytest.raises(InvalidSpec, match='type "citext" already exists') as refused:
        await world.server.create(CLAIM, LOGIN, Blueprint(extensions=("citext",)))
    assert refused.value.reason == "ExtensionRefused"
    assert (await observed(world.server)).exists
