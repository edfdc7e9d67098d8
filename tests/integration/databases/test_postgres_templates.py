"""Databases that are copied from one in which the same scripts ran, and what must not be copied."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import psycopg
import pytest

from controller.api.errors import BackendUnavailable
from controller.databases.postgres import REGISTRY_PREFIX
from controller.databases.postgres_limits import PostgresLimits
from controller.databases.protocol import Blueprint, Credentials, DatabaseClaim, Migration, Script, ScriptKind
from tests.contract.database_contract import CLAIM, LOGIN, REBUILT, RUN, script
from tests.integration.databases.conftest import NEIGHBOUR_NAME
from tests.integration.databases.postgres_world import (
    PostgresWorld,
    admin,
    login,
    observed,
    registry_rows,
)

KEY = "0123456789abcdef"
BLUEPRINT = Blueprint(template=KEY)
REBUILT_LOGIN = Credentials(REBUILT.name, "second")
NEIGHBOUR = DatabaseClaim(NEIGHBOUR_NAME, CLAIM.preview, CLAIM.slug)
CONTENT = """\
CREATE SCHEMA shop; CREATE TYPE shop.size AS ENUM ('s', 'l'); CREATE DOMAIN shop.code AS text;
CREATE TABLE shop.item (id serial PRIMARY KEY, size shop.size DEFAULT 's', code shop.code);
CREATE INDEX ON shop.item (lower(code)); CREATE VIEW shop.view AS SELECT * FROM shop.item;
CREATE MATERIALIZED VIEW shop.kept AS SELECT * FROM shop.item;
CREATE FUNCTION shop.one() RETURNS int RETURN 1;
ALTER TABLE shop.item ENABLE ROW LEVEL SECURITY; CREATE POLICY everybody ON shop.item USING (true);
GRANT SELECT ON shop.item TO PUBLIC; GRANT UPDATE ON shop.item TO CURRENT_USER;
INSERT INTO shop.item (code) VALUES ('a'); SELECT lo_from_bytea(4711, 'large');
CREATE EXTENSION pg_trgm;
"""
SCRIPTS = (
    script("1.sql", CONTENT),
    script("seed.sql", "INSERT INTO shop.item (code) VALUES ('seeded');\n", ScriptKind.SEED),
)
EVERYTHING = """
DROP VIEW shop.view; DROP MATERIALIZED VIEW shop.kept; ALTER TYPE shop.size ADD VALUE 'm';
ALTER TABLE shop.item ADD note text; DROP FUNCTION shop.one(); ALTER SEQUENCE shop.item_id_seq RESTART;
TRUNCATE shop.item; SELECT lo_unlink(4711); DROP EXTENSION pg_trgm; DROP SCHEMA shop CASCADE;
ALTER SCHEMA public RENAME TO other; CREATE SCHEMA public
"""


async def migrate(
    world: PostgresWorld,
    scripts: tuple[Script, ...] = SCRIPTS,
    claim: DatabaseClaim = CLAIM,
    credentials: Credentials = LOGIN,
    key: str = KEY,
) -> list[str]:
    lines: list[str] = []
    await world.server.migrate(claim, credentials, Migration(scripts, lines.append, key), world.run)
    return lines


async def make_template(world: PostgresWorld, key: str = KEY, claim: DatabaseClaim = CLAIM) -> str:
    """A preview in which everything ran, and the name of the template that was kept of it."""
    known = await world.templates()
    credentials = replace(LOGIN, role=claim.name)
    await world.server.create(claim, credentials)
    await migrate(world, claim=claim, credentials=credentials, key=key)
    (name,) = await world.templates() - known
    return name


async def test_what_ran_before_does_not_run_again(world: PostgresWorld) -> None:
    await make_template(world)
    await world.server.create(REBUILT, REBUILT_LOGIN, BLUEPRINT)
    first, second = await observed(world.server), await observed(world.server, REBUILT)
    assert set(second.ledger) == set(first.ledger)
    assert len(second.ledger) == len(SCRIPTS)
    assert await migrate(world, claim=REBUILT, credentials=REBUILT_LOGIN) == []
    async with await login(REBUILT, REBUILT_LOGIN) as connection:
        rows = await connection.execute("SELECT code FROM shop.item ORDER BY id")
        assert await rows.fetchall() == [("a",), ("seeded",)]
    more = (*SCRIPTS, script("2.sql", "ALTER TABLE shop.item ADD price int;\n"))
    assert "migration 2.sql" in await migrate(world, more, REBUILT, REBUILT_LOGIN)


async def test_all_of_a_copy_belongs_to_its_preview_and_nothing_to_another(world: PostgresWorld) -> None:
    await make_template(world)
    await world.server.create(REBUILT, REBUILT_LOGIN, BLUEPRINT)
    async with await admin(REBUILT.name) as connection:
        rows = await connection.execute(
            "SELECT DISTINCT r.rolname FROM pg_shdepend s JOIN pg_roles r ON r.oid = s.refobjid "
            "JOIN pg_database d ON d.oid = s.dbid WHERE d.datname = current_database()"
        )
        assert await rows.fetchall() == [(REBUILT.name,)]
    async with await login(REBUILT, REBUILT_LOGIN) as connection:
        for statement in EVERYTHING.split(";"):
            await connection.execute(statement)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await connection.execute("DELETE FROM previewcloud.migrations")
    async with await login(CLAIM, LOGIN) as connection:
        for statement in EVERYTHING.split(";"):
            await connection.execute(statement)


async def test_a_copy_lets_in_its_preview_alone(world: PostgresWorld) -> None:
    name = await make_template(world)
    await world.server.create(REBUILT, REBUILT_LOGIN, BLUEPRINT)
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        await login(CLAIM, LOGIN, REBUILT.name)
    for credentials in (LOGIN, REBUILT_LOGIN):
        with pytest.raises(psycopg.OperationalError, match=r"not currently accepting connections|denied"):
            await login(CLAIM, credentials, name)
    with pytest.raises(psycopg.OperationalError, match=r"not permitted to log in|password"):
        await login(CLAIM, replace(LOGIN, role=name))


async def test_previews_go_before_and_after_their_template(world: PostgresWorld) -> None:
    name = await make_template(world)
    await world.server.create(REBUILT, REBUILT_LOGIN, BLUEPRINT)
    await world.server.drop(CLAIM)
    assert not await world.exists(CLAIM.name)
    assert await world.templates() == {name}
    await world.another(limits=PostgresLimits(templates=0)).sweep()
    assert await world.templates() == set()
    assert await world.can_log_in(REBUILT, REBUILT_LOGIN)
    await world.server.drop(REBUILT)


async def test_extensions_that_a_template_lacks_are_added_to_its_copy(world: PostgresWorld) -> None:
    await make_template(world)
    await world.server.create(REBUILT, REBUILT_LOGIN, replace(BLUEPRINT, extensions=("citext", "pg_trgm")))
    assert (await observed(world.server, REBUILT)).extensions == {"citext", "pg_trgm"}


@pytest.mark.parametrize(
    "text",
    [
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC;\n",
        "CREATE TABLE t (id int); CREATE POLICY p ON t TO CURRENT_USER;\n",
        f"CREATE TABLE t (id int); GRANT SELECT ON t TO {NEIGHBOUR_NAME};\n",
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = x', current_database()); END $$;\n",
        "ALTER ROLE CURRENT_USER SET search_path = x;\n",
    ],
    ids=["default privileges", "policy", "another role", "setting of the database", "setting of the role"],
)
async def test_what_a_copy_would_not_take_along_is_not_kept(world: PostgresWorld, text: str) -> None:
    await world.server.create(CLAIM, LOGIN)
    await world.server.create(NEIGHBOUR, replace(LOGIN, role=NEIGHBOUR.name))
    lines = await migrate(world, (script("1.sql", text),))
    assert f"Database {CLAIM.name} is not kept as a template" in lines[-1]
    assert await world.templates() == set()
    assert await world.can_log_in(CLAIM, LOGIN)
    await world.server.drop(CLAIM)
    assert not await world.exists(CLAIM.name)


async def test_a_database_that_somebody_is_in_is_not_kept(world: PostgresWorld) -> None:
    await world.server.create(CLAIM, LOGIN)
    async with await login(CLAIM, LOGIN) as guest:
        lines = await migrate(world)
        assert "somebody is connected" in lines[-1]
        await guest.execute("SELECT 1 FROM shop.item")
    assert await world.templates() == set()
    assert await world.can_log_in(CLAIM, LOGIN)


async def test_a_template_is_nobodys_holding(world: PostgresWorld) -> None:
    template = await make_template(world)
    names = {holding.name for holding in await world.server.holdings()}
    assert CLAIM.name in names
    assert not names & {template, f"{REGISTRY_PREFIX}{world.installations[0]}", "postgres"}


async def test_only_what_began_empty_is_kept(world: PostgresWorld) -> None:
    await world.server.create(CLAIM, LOGIN)
    await migrate(world, SCRIPTS[:1], key="")
    await migrate(world)
    assert await world.templates() == set()


async def test_a_template_too_large_is_not_kept(world: PostgresWorld) -> None:
    world.server = world.another(limits=PostgresLimits(template_bytes=1_000_000))
    await world.server.create(CLAIM, LOGIN)
    lines = await migrate(world)
    assert "more than all templates may" in lines[-1]
    assert await world.templates() == set()


async def test_the_longest_unused_templates_go_first(world: PostgresWorld) -> None:
    first = await make_template(world, "first")
    second = await make_template(world, "second", REBUILT)
    await world.server.create(NEIGHBOUR, replace(LOGIN, role=NEIGHBOUR.name), Blueprint(template="first"))
    await world.server.sweep()
    assert await world.templates() == {first, second}
    await world.another(limits=PostgresLimits(templates=1)).sweep()
    assert await world.templates() == {first}
    await world.another(limits=PostgresLimits(template_bytes=1)).sweep()
    assert await world.templates() == set()
    assert await registry_rows(world, "SELECT * FROM templates") == []


async def test_a_template_dropped_by_hand_is_none(world: PostgresWorld) -> None:
    name = await make_template(world)
    await world.drop_by_hand(name)
    await world.server.create(REBUILT, REBUILT_LOGIN, BLUEPRINT)
    assert (await observed(world.server, REBUILT)).ledger == ()
    await world.server.sweep()
    assert await registry_rows(world, "SELECT * FROM templates") == []
    assert await world.templates() == set()


async def test_a_template_that_cannot_be_copied_is_given_up(world: PostgresWorld) -> None:
    name = await make_template(world)
    async with await admin() as connection:  # so that its objects cannot be given to anybody
        await connection.execute(f'ALTER ROLE "{name}" RENAME TO "{name}x"')
    with pytest.raises(BackendUnavailable):
        await world.server.create(REBUILT, REBUILT_LOGIN, BLUEPRINT)
    assert not (await observed(world.server, REBUILT)).exists
    await world.server.create(REBUILT, REBUILT_LOGIN, BLUEPRINT)
    state = await observed(world.server, REBUILT)
    assert (state.exists, state.ledger) == (True, ())


async def test_two_operators_keep_one_template(world: PostgresWorld) -> None:
    await world.server.create(CLAIM, LOGIN)
    await world.server.create(REBUILT, REBUILT_LOGIN)
    lines = await asyncio.gather(migrate(world), migrate(world, SCRIPTS, REBUILT, REBUILT_LOGIN))
    assert not [line for each in lines for line in each if "not kept" in line]
    assert len(await world.templates()) == 1
    for claim, credentials in ((CLAIM, LOGIN), (REBUILT, REBUILT_LOGIN)):
        assert await world.can_log_in(claim, credentials)


async def test_templates_of_another_installation_are_not_used_nor_swept(world: PostgresWorld) -> None:
    await make_template(world)
    claim = replace(NEIGHBOUR, name=f"pr_3x{RUN}_db")
    credentials = replace(LOGIN, role=claim.name)
    await world.neighbour.create(claim, credentials, BLUEPRINT)
    assert (await observed(world.neighbour, claim)).ledger == ()
    await world.neighbour.drop(claim)
    await world.another(world.installations[1], PostgresLimits(templates=0)).sweep()
    assert len(await world.templates()) == 1


TRAPS = f"""\
CREATE FUNCTION worse() RETURNS int LANGUAGE plpgsql AS $$
BEGIN EXECUTE 'ALTER ROLE {CLAIM.name} SUPERUSER'; RETURN 1; EXCEPTION WHEN OTHERS THEN RETURN 1; END $$;
CREATE FUNCTION evil(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN public.worse(); END $$;
CREATE TABLE t (id int DEFAULT evil(1) CHECK (evil(id) > 0)); INSERT INTO t VALUES (1), (2);
CREATE INDEX ON t (evil(id)) WHERE evil(1) = 1; CREATE STATISTICS s ON (evil(id)), id FROM t;
CREATE TABLE p (id int) PARTITION BY RANGE (evil(id));
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
CREATE DOMAIN d AS int DEFAULT evil(1) CHECK (evil(VALUE) > 0); CREATE TABLE used (d d);
CREATE VIEW pg_class AS SELECT evil(1); CREATE MATERIALIZED VIEW m AS SELECT evil(2);
CREATE VIEW migrations AS SELECT evil(1) AS kind;
CREATE FUNCTION current_database() RETURNS int RETURN evil(1);
CREATE FUNCTION lower(int) RETURNS int RETURN evil(1);
"""


async def test_no_code_of_a_template_runs_with_the_operators_rights(world: PostgresWorld) -> None:
    await world.server.create(CLAIM, LOGIN)
    await migrate(world, (script("1.sql", TRAPS),))
    (name,) = await world.templates()
    await world.server.create(REBUILT, REBUILT_LOGIN, replace(BLUEPRINT, extensions=("citext",)))
    assert len((await observed(world.server, REBUILT)).ledger) == 1
    await world.server.sweep()
    query = "SELECT count(*) FROM pg_roles WHERE rolsuper AND rolname = ANY (%s)"
    async with await admin(REBUILT.name) as connection:
        names = [[CLAIM.name, REBUILT.name, name]]
        assert await (await connection.execute(query, names)).fetchone() == (0,)
        await connection.execute("SELECT public.evil(1)")
        assert await (await connection.execute(query, names)).fetchone() == (1,)  # the trap is one
