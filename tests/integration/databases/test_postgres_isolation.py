"""What a preview can do with its own login, and what the operator may safely do in a preview's database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import psycopg
import pytest
from psycopg.rows import TupleRow

from controller.api.names import PreviewKey
from controller.databases.postgres import REGISTRY_PREFIX
from controller.databases.postgres_catalog import RETIRED_PREFIX
from controller.databases.postgres_ledger import LINES_MAX
from controller.databases.postgres_limits import PostgresLimits
from controller.databases.protocol import Credentials, DatabaseClaim
from tests.contract.database_contract import CLAIM, LOGIN
from tests.integration.databases.conftest import NEIGHBOUR_NAME
from tests.integration.databases.postgres_world import PostgresWorld, admin, login, observed

Preview = psycopg.AsyncConnection[TupleRow]
NEIGHBOUR = DatabaseClaim(NEIGHBOUR_NAME, PreviewKey("default", "pr-2"), "pr-2")
NEIGHBOUR_LOGIN = Credentials(NEIGHBOUR_NAME, "neighbour")

RAISE_MYSELF = """
CREATE FUNCTION public.{name} RETURNS {gives} LANGUAGE plpgsql AS $$
BEGIN EXECUTE format('ALTER ROLE %I SUPERUSER', '{role}'); RETURN {value}; END $$
"""


@pytest.fixture
async def preview(world: PostgresWorld) -> AsyncIterator[Preview]:
    await world.server.create(CLAIM, LOGIN)
    async with await login(CLAIM, LOGIN) as connection:
        yield connection


async def is_superuser(role: str) -> bool:
    async with await admin() as connection:
        row = await (
            await connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = %s", [role])
        ).fetchone()
    assert row is not None
    return bool(row[0])


async def retired_roles() -> set[str]:
    query = "SELECT rolname FROM pg_roles WHERE starts_with(rolname, %s)"
    async with await admin() as connection:
        return {name for (name,) in await (await connection.execute(query, [RETIRED_PREFIX])).fetchall()}


async def test_no_other_database_lets_it_in(world: PostgresWorld, preview: Preview) -> None:
    await world.server.create(NEIGHBOUR, NEIGHBOUR_LOGIN)
    registry = f"{REGISTRY_PREFIX}{world.installations[0]}"
    for database in (NEIGHBOUR.name, "postgres", "template1", registry):
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            await login(CLAIM, LOGIN, database)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE ROLE another",
        "CREATE DATABASE another",
        f"ALTER ROLE {CLAIM.name} SUPERUSER",
        f"ALTER ROLE {CLAIM.name} CONNECTION LIMIT 1000",
        f"COMMENT ON ROLE {CLAIM.name} IS 'mine'",
        f"ALTER DATABASE {CLAIM.name} RENAME TO another",
        "SET ROLE postgres",
        "SET temp_file_limit = '1TB'",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT pg_ls_dir('/')",
        "SELECT lo_import('/etc/passwd')",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "CREATE TABLE t (line text); COPY t FROM '/etc/passwd'",
        "SELECT rolpassword FROM pg_authid",
        "CREATE EXTENSION dblink",
        "CREATE SUBSCRIPTION s CONNECTION 'host=127.0.0.1' PUBLICATION p",
        "DELETE FROM previewcloud.migrations",
        "UPDATE previewcloud.migrations SET name = 'x'",
        "DROP TABLE previewcloud.migrations",
        "ALTER SCHEMA previewcloud RENAME TO another",
        "CREATE TABLE previewcloud.another ()",
        "CREATE INDEX ON previewcloud.migrations ((name || 'x'))",
    ],
)
async def test_it_is_not_allowed(preview: Preview, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await preview.execute(statement)


async def test_its_own_database_is_its_own(preview: Preview) -> None:
    await preview.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public; CREATE SCHEMA more")
    await preview.execute("CREATE TABLE more.things (id int); CREATE TEMP TABLE t (id int)")


async def test_it_cannot_use_up_the_connections(world: PostgresWorld) -> None:
    server = world.another(limits=PostgresLimits(connections=2))
    await server.create(CLAIM, LOGIN)
    async with await login(CLAIM, LOGIN), await login(CLAIM, LOGIN):
        with pytest.raises(psycopg.OperationalError, match="too many connections for role"):
            await login(CLAIM, LOGIN)
        assert (await observed(server)).exists


async def test_settings_of_its_database_do_not_reach_the_operator(
    world: PostgresWorld, preview: Preview
) -> None:
    for value in (
        f"search_path = {CLAIM.name}",
        "statement_timeout = 1",
        "default_transaction_read_only = on",
        f"role = {CLAIM.name}",
    ):
        await preview.execute(f"ALTER DATABASE {CLAIM.name} SET {value}")
    await preview.execute(
        "INSERT INTO previewcloud.migrations VALUES ('migration', '1.sql', repeat('a', 64), now(), 1)"
    )
    ledger = (await observed(world.another())).ledger
    assert [line.name for line in ledger] == ["1.sql"]


async def test_nothing_planted_runs_with_the_operators_rights(world: PostgresWorld, preview: Preview) -> None:
    for name, gives, value in (
        ("octet_length(text)", "int", "1"),
        ("evil(int)", "int", "1"),
        ("evil_trigger()", "trigger", "NULL"),
    ):
        await preview.execute(RAISE_MYSELF.format(name=name, gives=gives, value=value, role=CLAIM.name))
    await preview.execute("CREATE VIEW public.pg_class AS SELECT public.evil(1)")
    await preview.execute("CREATE VIEW public.migrations AS SELECT public.evil(1) AS kind")
    await preview.execute(f"ALTER DATABASE {CLAIM.name} SET search_path = public, pg_catalog")
    await preview.execute(
        "INSERT INTO previewcloud.migrations VALUES ('migration', '1.sql', repeat('a', 64), now(), 1)"
    )
    server = world.another()
    assert len((await observed(server)).ledger) == 1
    await server.create(CLAIM, LOGIN)
    assert not await is_superuser(CLAIM.name)


async def test_a_ledger_that_is_not_the_operators_is_not_read(world: PostgresWorld, preview: Preview) -> None:
    async with await admin(CLAIM.name) as connection:
        await connection.execute("DROP SCHEMA previewcloud CASCADE")
    await preview.execute(RAISE_MYSELF.format(name="evil()", gives="text", value="'x'", role=CLAIM.name))
    await preview.execute("CREATE SCHEMA previewcloud")
    await preview.execute(
        "CREATE VIEW previewcloud.migrations AS "
        "SELECT public.evil() AS kind, 'a' AS name, repeat('b', 64) AS checksum"
    )
    state = await observed(world.server)
    assert state.exists
    assert state.ledger == ()
    assert not await is_superuser(CLAIM.name)


async def test_a_flooded_ledger_is_read_up_to_a_bound(world: PostgresWorld, preview: Preview) -> None:
    await preview.execute(
        "INSERT INTO previewcloud.migrations SELECT kind, kind || n, repeat('a', 64), now(), 1 "
        "FROM generate_series(1, %s) n, (VALUES ('migration'), ('nonsense')) k (kind)",
        [2 * LINES_MAX],
    )
    await preview.execute(
        "INSERT INTO previewcloud.migrations VALUES ('migration', 'huge', repeat('a', 50000000), now(), 1)"
    )
    assert 0 < len((await observed(world.server)).ledger) <= LINES_MAX


async def test_a_database_that_was_closed_by_hand_is_opened_again(world: PostgresWorld) -> None:
    await world.server.create(CLAIM, LOGIN)
    async with await admin() as connection:
        await connection.execute(f"ALTER DATABASE {CLAIM.name} ALLOW_CONNECTIONS false")
    assert not (await observed(world.server)).exists
    await world.server.create(CLAIM, LOGIN)
    assert (await observed(world.server)).exists
    assert await world.can_log_in(CLAIM, LOGIN)


async def test_a_guest_in_another_preview_can_still_be_dropped(
    world: PostgresWorld, preview: Preview
) -> None:
    await world.server.create(NEIGHBOUR, NEIGHBOUR_LOGIN)
    await preview.execute(f"GRANT ALL ON DATABASE {CLAIM.name} TO {NEIGHBOUR.name}")
    await preview.execute("CREATE TABLE mine (id int)")
    await preview.execute("BEGIN; GRANT SELECT ON mine TO public; LOCK TABLE mine")
    async with await login(CLAIM, NEIGHBOUR_LOGIN) as guest:
        await guest.execute("CREATE SCHEMA guest; CREATE TABLE guest.things (id int)")
        await world.server.drop(NEIGHBOUR)
    assert not await world.exists(NEIGHBOUR.name)
    await world.server.create(NEIGHBOUR, NEIGHBOUR_LOGIN)
    await world.server.drop(NEIGHBOUR)
    await preview.execute("COMMIT; SELECT * FROM mine")


async def test_a_role_that_others_mention_goes_with_the_last_of_them(
    world: PostgresWorld, preview: Preview
) -> None:
    await world.server.create(NEIGHBOUR, NEIGHBOUR_LOGIN)
    await preview.execute(f"CREATE TABLE mine (id int); GRANT SELECT ON mine TO {NEIGHBOUR.name}")
    before = await retired_roles()
    await world.server.drop(NEIGHBOUR)
    (left,) = await retired_roles() - before
    with pytest.raises(psycopg.OperationalError, match="not permitted to log in"):
        await login(CLAIM, replace(NEIGHBOUR_LOGIN, role=left))
    await world.server.drop(CLAIM)
    assert left not in await retired_roles()


async def test_a_drop_ends_open_connections(world: PostgresWorld, preview: Preview) -> None:
    await preview.execute("BEGIN; CREATE TABLE t (id int)")
    await world.server.drop(CLAIM)
    assert not await world.exists(CLAIM.name)
    with pytest.raises(psycopg.OperationalError):
        await preview.execute("SELECT 1")


async def test_the_password_never_reaches_the_server_in_the_clear(world: PostgresWorld) -> None:
    secret = replace(LOGIN, password="very-secret-indeed")
    async with await admin() as connection:
        await world.server.create(CLAIM, secret)
        seen = await (await connection.execute("SELECT query FROM pg_stat_activity")).fetchall()
        stored = await (
            await connection.execute("SELECT rolpassword FROM pg_authid WHERE rolname = %s", [CLAIM.name])
        ).fetchone()
    assert stored is not None
    assert stored[0].startswith("SCRAM-SHA-256$")
    assert not [query for (query,) in seen if secret.password in query]
