"""Templates made and copied, cut off before and after every statement; then another operator goes on."""

from __future__ import annotations

from dataclasses import replace

import psycopg
import pytest

from controller.databases.postgres_limits import PostgresLimits
from controller.databases.protocol import Blueprint, Credentials, DatabaseClaim, Migration
from controller.runtime.protocol import JobResult, JobSpec, LineSink
from tests.contract.database_contract import CLAIM, LOGIN, REBUILT, applied, script
from tests.integration.databases.postgres_world import (
    PostgresWorld,
    login,
    login_url,
    observed,
    registry_rows,
)
from tests.integration.databases.test_postgres_interruptions import (
    STATEMENTS_MAX,
    Cut,
    Statements,
    assert_gone,
    counted,
    cut_create,
)

KEY = "0123456789abcdef"
BLUEPRINT = Blueprint(template=KEY)
REBUILT_LOGIN = Credentials(REBUILT.name, "second")
SCRIPT = script("1.sql", "CREATE TABLE item (id int);")


async def run(spec: JobSpec, on_line: LineSink) -> JobResult:
    """What the job does, without a container; its statements are not the operator's."""
    claim = replace(CLAIM, name=spec.env["PGDATABASE"])
    credentials = Credentials(claim.name, spec.env["PGPASSWORD"])
    line = "INSERT INTO previewcloud.migrations VALUES (%s, %s, %s, now(), 1)"
    with psycopg.connect(login_url(claim, credentials)) as connection:
        connection.execute(SCRIPT.content)
        connection.execute(line, [SCRIPT.kind.value, SCRIPT.name, SCRIPT.checksum])
    return JobResult(0, ())


async def make(world: PostgresWorld, claim: DatabaseClaim = CLAIM, credentials: Credentials = LOGIN) -> None:
    """A database in which everything ran, and its template."""
    await world.server.create(claim, credentials)
    await world.server.migrate(claim, credentials, Migration((SCRIPT,), print, KEY), run)


async def cut_make(world: PostgresWorld, statements: Statements) -> bool:
    """Whether the migration of a new database was cut off, the making of its template included."""
    await world.server.create(CLAIM, LOGIN)
    try:
        with counted(statements):
            await world.another().migrate(CLAIM, LOGIN, Migration((SCRIPT,), print, KEY), run)
    except Cut:
        return True
    return False


async def assert_full(world: PostgresWorld, claim: DatabaseClaim, credentials: Credentials) -> None:
    """Everything ran, and all of it is the preview's."""
    await world.server.migrate(claim, credentials, Migration((SCRIPT,), print, KEY), run)
    state = await observed(world.server, claim)
    assert (state.exists, state.ledger) == (True, (applied(SCRIPT),))
    async with await login(claim, credentials) as connection:
        await connection.execute("ALTER TABLE item ADD note text; DROP TABLE item")
        closed = await connection.execute(
            "SELECT NOT has_database_privilege('pg_monitor', current_database(), 'CONNECT')"
        )
        assert await closed.fetchone() == (True,)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_a_copy_cut_off_anywhere_is_finished(world: PostgresWorld, after: bool) -> None:
    await make(world, REBUILT, REBUILT_LOGIN)
    for number in range(STATEMENTS_MAX):
        if not await cut_create(world, Statements(number, after), blueprint=BLUEPRINT):
            break
        await assert_nothing_half_made(world)
        await world.server.create(CLAIM, LOGIN, BLUEPRINT)
        assert (await observed(world.server)).ledger == (applied(SCRIPT),)
        await assert_full(world, CLAIM, LOGIN)
        await world.server.drop(CLAIM)
    assert 5 < number < STATEMENTS_MAX - 1


async def assert_nothing_half_made(world: PostgresWorld) -> None:
    """What passes for finished is."""
    for state in await world.server.observe(CLAIM.preview):
        if state.exists:
            assert state.ledger == (applied(SCRIPT),)
    if await world.can_log_in(CLAIM, LOGIN):
        assert (await observed(world.server)).exists


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_a_copy_cut_off_anywhere_can_be_removed(world: PostgresWorld, after: bool) -> None:
    await make(world, REBUILT, REBUILT_LOGIN)
    (template,) = await world.templates()
    for number in range(STATEMENTS_MAX):
        if not await cut_create(world, Statements(number, after), blueprint=BLUEPRINT):
            break
        await world.server.drop(CLAIM)
        assert not await world.exists(CLAIM.name)
        assert await world.templates() == {template}
    assert 5 < number < STATEMENTS_MAX - 1


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_a_template_cut_off_anywhere_is_whole_or_none(world: PostgresWorld, after: bool) -> None:
    for number in range(STATEMENTS_MAX):
        if not await cut_make(world, Statements(number, after)):
            break
        await world.server.create(REBUILT, REBUILT_LOGIN, BLUEPRINT)
        await assert_full(world, REBUILT, REBUILT_LOGIN)
        await world.server.create(CLAIM, LOGIN)  # as for every database that counts as not there
        await assert_full(world, CLAIM, LOGIN)
        await world.server.sweep()
        kept = {name for (name,) in await registry_rows(world, "SELECT name FROM templates")}
        assert await world.templates() == kept
        await world.another(limits=PostgresLimits(templates=0)).sweep()
        assert await world.templates() == set()
        await world.server.drop(REBUILT)
        await world.server.drop(CLAIM)
        await assert_gone(world)
    assert 15 < number < STATEMENTS_MAX - 1
