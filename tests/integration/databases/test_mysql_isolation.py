"""What a preview can do with its own login on MySQL, and what the operator may safely do in its database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest
from mysql.connector import Error

from controller.api.names import PreviewKey
from controller.databases.mysql_catalog import role_of
from controller.databases.mysql_limits import MysqlLimits
from controller.databases.mysql_session import Link
from controller.databases.protocol import Credentials, DatabaseClaim, JobRunner, Migration
from tests.contract.database_contract import CLAIM, LOGIN, RUN, SHOP, script
from tests.integration.databases.mysql_world import (
    KINDS,
    LOOKALIKE_NAME,
    NEIGHBOUR_NAME,
    MysqlWorld,
    connected,
    open_world,
)

NEIGHBOUR = DatabaseClaim(NEIGHBOUR_NAME, PreviewKey("default", f"pr-2-{RUN}"), "pr-2")
LOOKALIKE = DatabaseClaim(LOOKALIKE_NAME, PreviewKey("default", f"pr-3-{RUN}"), "pr-3")
SECRET = "a-secret-of-the-neighbour"
OTHERS = (NEIGHBOUR, LOOKALIKE)
REFUSED = {1044, 1045, 1142, 1143, 1227, 1290, 1370, 1396, 1410, 1419, 3619, 1141}
"""Access denied, in its many numbers; 1290 is about files."""


def login_of(claim: DatabaseClaim) -> Credentials:
    return Credentials(role_of(claim.name), SECRET)


@pytest.fixture(params=KINDS)
async def world(request: pytest.FixtureRequest, run: JobRunner) -> AsyncIterator[MysqlWorld]:
    async with open_world(request.param, run) as opened:
        await opened.server.create(CLAIM, LOGIN)
        for other in OTHERS:
            await opened.server.create(other, login_of(other))
            async with connected(opened.login(login_of(other)), other.name) as link:
                await link.execute("CREATE TABLE private (text varchar(100))")
                await link.execute("INSERT INTO private VALUES (%s)", [SECRET])
        yield opened


@pytest.fixture
async def preview(world: MysqlWorld) -> AsyncIterator[Link]:
    async with connected(world.login(LOGIN), CLAIM.name) as link:
        yield link


STATEMENTS = (
    *(f"USE {other.name}" for other in OTHERS),
    *(f"SELECT * FROM {other.name}.private" for other in OTHERS),
    *(f"CREATE TABLE {other.name}.mine (id int)" for other in OTHERS),
    *(f"INSERT INTO {other.name}.private VALUES ('x')" for other in OTHERS),
    *(f"DROP DATABASE {other.name}" for other in OTHERS),
    "CREATE DATABASE another",
    "CREATE DATABASE test",
    "CREATE TABLE test.mine (id int)",
    f"CREATE DATABASE {CLAIM.name}x",
    "CREATE USER another",
    f"GRANT SELECT ON {CLAIM.name}.* TO {NEIGHBOUR.name}",
    f"GRANT ALL ON *.* TO {CLAIM.name}",
    f"ALTER USER {CLAIM.name} WITH MAX_USER_CONNECTIONS 1000",
    f"ALTER USER {NEIGHBOUR.name} IDENTIFIED BY 'mine'",
    f"SET PASSWORD FOR {NEIGHBOUR.name} = 'x'",
    f"DROP USER {NEIGHBOUR.name}",
    "SELECT * FROM mysql.user",
    "SELECT * FROM previewcloud_registry.previews",
    "SELECT 'x' INTO OUTFILE '/tmp/previewcloud-out'",
    "CREATE TABLE t (line text)|LOAD DATA INFILE '/etc/passwd' INTO TABLE t",
    "SET GLOBAL max_connections = 10",
    "SET GLOBAL log_bin_trust_function_creators = 0",
    "CREATE EVENT mine ON SCHEDULE EVERY 1 SECOND DO SELECT 1",
    "CREATE DEFINER = root@'%' VIEW mine AS SELECT 1",
    "CREATE DEFINER = root@'%' PROCEDURE mine() SELECT 1",
    "SHOW ENGINE INNODB STATUS",
    "SHOW BINARY LOGS",
    "FLUSH PRIVILEGES",
    "INSTALL PLUGIN x SONAME 'x.so'",
    "CREATE FUNCTION udf RETURNS STRING SONAME 'x.so'",
    "SELECT * FROM information_schema.INNODB_TRX",
)


async def test_what_it_is_not_allowed(preview: Link) -> None:
    unexpected = []
    for statement in STATEMENTS:
        *before, last = statement.split("|")
        for each in before:
            await preview.execute(each)
        try:
            await preview.execute(last)
        except Error as error:
            if error.errno not in REFUSED:
                unexpected.append(f"{last}: {error}")
        else:
            unexpected.append(f"{last}: allowed")
    assert unexpected == []


async def test_it_sees_its_own_database_alone(preview: Link) -> None:
    shown = {str(name) for (name,) in await preview.execute("SHOW DATABASES")}
    assert shown <= {CLAIM.name, "information_schema", "performance_schema"}
    assert CLAIM.name in shown
    for view in ("SCHEMATA WHERE SCHEMA_NAME", "TABLES WHERE TABLE_SCHEMA", "COLUMNS WHERE TABLE_SCHEMA"):
        for other in OTHERS:
            assert await preview.execute(f"SELECT 1 FROM information_schema.{view} = %s", [other.name]) == []


async def test_files_of_the_server_are_not_read(preview: Link) -> None:
    assert await preview.execute("SELECT LOAD_FILE('/etc/passwd')") == [(None,)]


async def test_it_has_no_privilege_beyond_its_database(preview: Link) -> None:
    granted = [str(line) for (line,) in await preview.execute("SHOW GRANTS")]
    everywhere = [line for line in granted if " ON *.* " in line]
    assert len(granted) == 2 and len(everywhere) == 1
    assert everywhere[0].startswith("GRANT USAGE ON *.*")
    assert not any("GRANT OPTION" in line or "EVENT" in line for line in granted)


async def test_statements_of_others_are_not_seen(world: MysqlWorld, preview: Link) -> None:
    async with connected(world.login(login_of(NEIGHBOUR)), NEIGHBOUR.name) as other:
        sleeping = asyncio.create_task(other.execute(f"SELECT SLEEP(2), '{SECRET}'"))
        (number,) = await running(world, NEIGHBOUR.name)
        seen = await preview.execute("SHOW FULL PROCESSLIST")
        seen += await preview.execute("SELECT * FROM information_schema.PROCESSLIST")
        assert {row[1] for row in seen} == {CLAIM.name}
        assert SECRET not in str(seen)
        with pytest.raises(Error) as refused:
            await preview.execute(f"KILL {number}")
        assert refused.value.errno in (1095, 1094)
        await sleeping


async def running(world: MysqlWorld, user: str) -> list[int]:
    """Sessions of a user that run a statement, once there is one."""
    query = "SELECT ID FROM information_schema.PROCESSLIST WHERE USER = %s AND COMMAND = 'Query'"
    async with connected(world.root) as link, asyncio.timeout(10):
        while not (found := await link.execute(query, [user])):
            pass
    return [int(number) for (number,) in found]


async def test_its_own_database_is_its_own(preview: Link) -> None:
    for statement in (
        "CREATE TABLE t (id int PRIMARY KEY, other int REFERENCES t (id))",
        "CREATE VIEW v AS SELECT * FROM t",
        "CREATE FUNCTION f() RETURNS int DETERMINISTIC RETURN 1",
        "CREATE PROCEDURE p() SELECT f()",
        "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.other = f()",
        "CREATE TEMPORARY TABLE temporary (id int)",
        "INSERT INTO t (id) VALUES (1)",
        "CREATE INDEX i ON t (other)",
        "ALTER TABLE t ADD more text",
        "LOCK TABLES t WRITE",
        "UNLOCK TABLES",
        "DROP PROCEDURE p",
        "TRUNCATE t",
        f"ALTER DATABASE {CLAIM.name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
    ):
        await preview.execute(statement)


async def test_it_cannot_use_up_the_connections(world: MysqlWorld) -> None:
    server = world.another(limits=MysqlLimits(connections=3))
    await server.create(CLAIM, LOGIN)
    async with AsyncExitStack() as held:
        for _ in range(3):
            await held.enter_async_context(connected(world.login(LOGIN)))
        with pytest.raises(Error, match=r"max_user_connections|active connections"):
            await held.enter_async_context(connected(world.login(LOGIN)))
        assert (await server.observe(SHOP))[0].exists


async def test_a_container_of_the_preview_reaches_no_other_database(world: MysqlWorld) -> None:
    lines: list[str] = []
    peek = script("1.sql", "SHOW DATABASES;\nSELECT * FROM information_schema.SCHEMATA;\nSHOW PROCESSLIST;\n")
    await world.server.migrate(CLAIM, LOGIN, Migration((peek,), lines.append), world.run)
    shown = "\n".join(lines)
    assert CLAIM.name in shown
    for hidden in (NEIGHBOUR.name, LOOKALIKE.name, "previewcloud_registry", SECRET):
        assert hidden not in shown
    for number, other in enumerate(OTHERS):
        cross = script(f"{number + 2}.sql", f"SELECT * FROM {other.name}.private;\n")
        with pytest.raises(Exception, match=r"SELECT command denied|broke off"):
            await world.server.migrate(CLAIM, LOGIN, Migration((cross,), lines.append), world.run)
        await world.server.drop(CLAIM)
        await world.server.create(CLAIM, LOGIN)
    assert SECRET not in "\n".join(lines)


async def test_the_password_never_reaches_the_server_in_the_clear(world: MysqlWorld) -> None:
    secret = replace(LOGIN, password="very-secret-indeed")
    sent: list[str] = []
    original = Link.execute

    async def noted(link: Link, statement: str, values: object = ()) -> object:
        sent.append(f"{statement} {values}")
        return await original(link, statement, values)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Link, "execute", noted)
        await world.server.create(CLAIM, secret)
    assert any("ALTER USER" in statement for statement in sent)
    assert not any(secret.password in statement for statement in sent)
    assert await world.can_log_in(CLAIM, secret)


async def test_what_a_server_gives_to_everybody_is_closed(world: MysqlWorld) -> None:
    async with connected(world.root) as link:
        await link.execute("CREATE USER IF NOT EXISTS ''@'nowhere.invalid'")
        await link.execute("GRANT ALL ON `test%`.* TO ''@'nowhere.invalid'")
        await world.another().survey()
        assert await link.execute("SELECT 1 FROM mysql.user WHERE User = ''") == []
        assert await link.execute("SELECT 1 FROM mysql.db WHERE User IN ('', 'PUBLIC')") == []
