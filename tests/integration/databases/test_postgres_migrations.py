"""Migrations by the server's own client, in a throwaway container."""

from __future__ import annotations

import asyncio
import time

import pytest

from controller.api.errors import InvalidSpec
from controller.databases.postgres import PostgresServer
from controller.databases.postgres_limits import PostgresLimits
from controller.databases.protocol import Migration, Script, ScriptKind
from tests.contract.database_contract import CLAIM, LOGIN, script
from tests.integration.databases.postgres_world import PostgresWorld, admin, login, observed

DUMP = """\
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
CREATE TABLE public.dumped (id int, note text);
COPY public.dumped (id, note) FROM stdin;
1\tone; two
2\t\\N
\\.
"""
FUNCTION = """\
CREATE FUNCTION twice(n int) RETURNS int LANGUAGE plpgsql AS $body$
BEGIN RETURN n * 2; -- a ; in a comment
END; $body$;
CREATE TABLE quoted (text text DEFAULT 'it''s; here');
"""
AWKWARD = (
    script("1_function.sql", FUNCTION),
    script("2_dump.sql", DUMP),
    script("3_loose.sql", "-- made by hand\n-- no-transaction\nCREATE INDEX CONCURRENTLY ON dumped (id);\n"),
    script("4_own_transaction.sql", "BEGIN; CREATE TABLE own (id int); COMMIT;\n"),
    script("5_no_semicolon.sql", "CREATE TABLE unfinished (id int)"),
    script("6_mark.sql", "\ufeffCREATE TABLE marked (id int);\r\n"),
    script('7_it\'s "odd" $name`id`;.sql', "DROP SCHEMA public CASCADE; CREATE SCHEMA public;\n"),
    script("8_settings.sql", "SET standard_conforming_strings = off; SET search_path = nowhere;\n"),
    script("0_seed.sql", "SELECT 1;\n", ScriptKind.SEED),
)


async def migrate(world: PostgresWorld, *scripts: Script, server: PostgresServer | None = None) -> list[str]:
    lines: list[str] = []
    await (server or world.server).migrate(CLAIM, LOGIN, Migration(scripts, lines.append), world.run)
    return lines


async def test_awkward_scripts_run_and_are_recorded(world: PostgresWorld) -> None:
    await world.server.create(CLAIM, LOGIN)
    await migrate(world, *AWKWARD)
    async with await login(CLAIM, LOGIN) as connection:
        rows = await connection.execute(
            "SELECT name, duration_ms BETWEEN 0 AND 60000, applied_at <= now() FROM previewcloud.migrations "
            "ORDER BY applied_at"
        )
        assert await rows.fetchall() == [(given.name, True, True) for given in AWKWARD]


async def test_a_failed_script_leaves_nothing_of_itself(world: PostgresWorld) -> None:
    await world.server.create(CLAIM, LOGIN)
    with pytest.raises(InvalidSpec, match=r'half.sql, line 2: relation "nowhere" does not exist'):
        await migrate(world, script("half.sql", "CREATE TABLE half (id int);\nSELECT * FROM nowhere;\n"))
    async with await login(CLAIM, LOGIN) as connection:
        assert await (await connection.execute("SELECT to_regclass('half')")).fetchone() == (None,)


@pytest.mark.parametrize(
    "text",
    [
        "\\set ON_ERROR_STOP 0\nSELECT * FROM nowhere;\n",
        "\\o /dev/null\n\\! kill -9 $PPID\n",
        "SELECT 1;\n\\c - postgres\n",
        "-- no-transaction\n\\set AUTOCOMMIT off\n",
    ],
    ids=["errors ignored", "client killed", "another login", "nothing committed"],
)
async def test_a_script_cannot_pretend_to_have_succeeded(world: PostgresWorld, text: str) -> None:
    await world.server.create(CLAIM, LOGIN)
    with pytest.raises(InvalidSpec, match=r"sly\.sql"):
        await migrate(world, script("sly.sql", text))
    assert (await observed(world.server)).ledger == ()


async def test_the_job_holds_only_the_previews_own_login(world: PostgresWorld) -> None:
    await world.server.create(CLAIM, LOGIN)
    lines = await migrate(world, script("1.sql", "\\! env; id; ls /job /root /var/run/docker.sock\n"))
    text = "\n".join(lines)
    assert "PGPASSWORD=***" in text
    assert LOGIN.password not in text
    async with await admin() as connection:
        assert str(connection.info.password) not in text
    assert not any(line == "/var/run/docker.sock" for line in lines)


async def test_a_script_without_end_is_stopped_and_the_next_one_is_not_held_up(world: PostgresWorld) -> None:
    await world.server.create(CLAIM, LOGIN)
    hasty = world.another(limits=PostgresLimits(migration_seconds=2))
    endless = script("1.sql", "CREATE TABLE t (id int); SELECT pg_sleep(300);\n")
    with pytest.raises(InvalidSpec, match=r"1\.sql was still running") as failure:
        await migrate(world, endless, server=hasty)
    assert failure.value.reason == "MigrationTimeout"
    begun = time.monotonic()
    await migrate(world, script("1.sql", "CREATE TABLE t (id int);\n"))
    assert time.monotonic() - begun < 8


async def test_a_cancelled_run_can_be_repeated(world: PostgresWorld) -> None:
    await world.server.create(CLAIM, LOGIN)
    slow = script("1.sql", "CREATE TABLE t (id int); SELECT pg_sleep(3);\n")
    running = asyncio.create_task(migrate(world, slow))
    deadline = time.monotonic() + 20
    async with await admin() as connection:
        query = "SELECT 1 FROM pg_stat_activity WHERE usename = %s AND query LIKE '%%pg_sleep%%'"
        while await (await connection.execute(query, [CLAIM.name])).fetchone() is None:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await migrate(world, slow)
    assert [line.name for line in (await observed(world.server)).ledger] == ["1.sql"]
