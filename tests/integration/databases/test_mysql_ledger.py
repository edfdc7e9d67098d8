"""The ledger in a preview's own MySQL database, when the preview puts there what it likes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from mysql.connector import Error

from controller.api.errors import BackendUnavailable
from controller.api.names import PreviewKey
from controller.databases import mysql_ledger
from controller.databases.mysql_ledger import LINES_MAX
from controller.databases.mysql_session import Link
from controller.databases.protocol import Credentials, DatabaseClaim, JobRunner, Migration
from tests.contract.database_contract import CLAIM, LOGIN, RUN, SHOP, script
from tests.integration.databases.mysql_world import KINDS, NEIGHBOUR_NAME, MysqlWorld, connected, open_world

NEIGHBOUR = DatabaseClaim(NEIGHBOUR_NAME, PreviewKey("default", f"pr-2-{RUN}"), "pr-2")
DEADLOCK = 1213


@pytest.fixture(params=KINDS)
async def world(request: pytest.FixtureRequest, run: JobRunner) -> AsyncIterator[MysqlWorld]:
    async with open_world(request.param, run) as opened:
        await opened.server.create(CLAIM, LOGIN)
        await opened.server.create(NEIGHBOUR, Credentials(NEIGHBOUR.name, "theirs"))
        yield opened


@pytest.fixture
async def preview(world: MysqlWorld) -> AsyncIterator[Link]:
    async with connected(world.login(LOGIN), CLAIM.name) as link:
        yield link


EVIL = (
    "CREATE FUNCTION evil() RETURNS varchar(64) CHARACTER SET ascii MODIFIES SQL DATA SQL SECURITY INVOKER "
    "BEGIN DELETE FROM previewcloud_registry.previews; RETURN repeat('a', 64); END"
)
EVIL_VIEW = (
    "CREATE SQL SECURITY INVOKER VIEW previewcloud_migrations AS "
    "SELECT 'migration' AS kind, '1.sql' AS name, evil() AS checksum, 'done' AS state"
)


async def test_nothing_planted_runs_with_the_operators_rights(world: MysqlWorld, preview: Link) -> None:
    await preview.execute(EVIL)
    await preview.execute(EVIL_VIEW)
    (state,) = await world.server.observe(SHOP)
    assert (state.exists, state.ledger, state.dirty) == (True, (), "")
    await world.server.create(CLAIM, LOGIN)
    assert await world.server.survey() == {CLAIM.name, NEIGHBOUR.name}


async def test_a_ledger_with_computed_columns_is_not_read(world: MysqlWorld, preview: Link) -> None:
    await preview.execute(
        "CREATE TABLE previewcloud_migrations (kind varchar(20), checksum char(64), state varchar(10), "
        "name varchar(100) AS (concat('by ', checksum)) VIRTUAL) ENGINE = InnoDB"
    )
    await preview.execute(
        "INSERT INTO previewcloud_migrations (kind, checksum, state) "
        "VALUES ('migration', REPEAT('a', 64), 'done')"
    )
    (state,) = await world.server.observe(SHOP)
    assert (state.exists, state.ledger) == (True, ())


async def test_a_ledger_cannot_be_exchanged_between_the_look_and_the_reading(
    world: MysqlWorld, preview: Link
) -> None:
    await preview.execute(EVIL)
    await preview.execute("CREATE TABLE plain (kind int, name int, checksum int, state int) ENGINE = InnoDB")
    stop = asyncio.Event()

    async def exchange() -> int:
        rounds = 0
        while not stop.is_set():
            for statement in (
                "RENAME TABLE plain TO previewcloud_migrations",
                "RENAME TABLE previewcloud_migrations TO plain",
                EVIL_VIEW,
                "DROP VIEW previewcloud_migrations",
            ):
                while await deadlocked(preview, statement):
                    pass
            rounds += 1
        return rounds

    exchanging = asyncio.create_task(exchange())
    for _ in range(150):
        (state,) = await world.server.observe(SHOP)
        assert state.exists and state.ledger == ()
    stop.set()
    assert await exchanging > 5
    assert len(await world.server.survey()) == 2


async def deadlocked(link: Link, statement: str) -> bool:
    """Run one statement; whether the server gave it up for the sake of another session."""
    try:
        await link.execute(statement)
    except Error as error:
        if error.errno != DEADLOCK:
            raise
        return True
    return False


async def test_a_flooded_ledger_is_read_up_to_a_bound(world: MysqlWorld, preview: Link) -> None:
    await preview.execute(
        "CREATE TABLE previewcloud_migrations (kind text, name longtext, checksum longtext, state text)"
    )
    await preview.execute(
        "INSERT INTO previewcloud_migrations "
        "VALUES ('migration', REPEAT('n', 5000000), REPEAT('a', 64), 'done')"
    )
    await preview.execute(
        "INSERT INTO previewcloud_migrations VALUES ('migration', '1.sql', REPEAT('a', 64), 'done')"
    )
    for _ in range(14):
        await preview.execute(
            "INSERT INTO previewcloud_migrations SELECT kind, name, checksum, state "
            "FROM previewcloud_migrations WHERE name = '1.sql'"
        )
    (state,) = await world.server.observe(SHOP)
    assert len(state.ledger) == LINES_MAX


async def test_an_endless_ledger_hinders_neither_the_look_nor_the_removal(
    world: MysqlWorld, preview: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mysql_ledger, "READ_SECONDS", 0.01)
    await preview.execute(
        "CREATE TABLE previewcloud_migrations (kind text, name text, checksum text, state text)"
    )
    for name in ("1.sql", "n" * 300):
        await preview.execute(
            "INSERT INTO previewcloud_migrations VALUES ('migration', %s, REPEAT('a', 64), 'done')", [name]
        )
        for _ in range(8 if name == "1.sql" else 16):
            await preview.execute(
                "INSERT INTO previewcloud_migrations SELECT kind, name, checksum, state "
                "FROM previewcloud_migrations WHERE name = %s",
                [name],
            )
    for _ in range(3):
        (state,) = await world.server.observe(SHOP)
        assert (state.exists, state.ledger) == (True, ())
    with pytest.raises(BackendUnavailable) as locked:
        await world.server.migrate(CLAIM, LOGIN, Migration((script("1.sql", ";"),), print), world.run)
    assert locked.value.reason == "LedgerLocked"
    await world.server.drop(CLAIM)


async def test_a_locked_ledger_hinders_neither_the_look_nor_the_removal(
    world: MysqlWorld, preview: Link
) -> None:
    await preview.execute("CREATE TABLE previewcloud_migrations (id int) ENGINE = InnoDB")
    await preview.execute("LOCK TABLES previewcloud_migrations WRITE")
    assert (await world.server.observe(SHOP))[0].exists
    await world.server.drop(CLAIM)
    assert not await world.exists(CLAIM.name)
    with pytest.raises(Error):
        await preview.execute("SELECT 1")
