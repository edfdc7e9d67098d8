"""Migrations by MySQL's and MariaDB's own clients, in a throwaway container."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import AsyncIterator

import pytest

from controller.api.errors import InvalidSpec
from controller.databases.mysql import MysqlServer
from controller.databases.mysql_limits import MysqlLimits
from controller.databases.protocol import DatabaseState, JobRunner, Migration, Script, ScriptKind
from tests.contract.database_contract import CLAIM, LOGIN, SHOP, script
from tests.integration.databases.mysql_world import KINDS, MysqlWorld, connected, open_world
from tests.integration.databases.postgres_world import setting

ROUTINES = """\
-- written by hand
DELIMITER //
CREATE FUNCTION twice(n int) RETURNS int DETERMINISTIC
BEGIN
  -- a ; in a comment, and it's odd
  RETURN n * 2;
END//
CREATE TRIGGER doubled BEFORE INSERT ON item FOR EACH ROW BEGIN SET NEW.n = twice(NEW.n); END//
DELIMITER ;
INSERT INTO item VALUES (4, 'it''s; here \\\\ "there" -- no comment');
"""
AWKWARD = (
    script("01_item.sql", "CREATE TABLE item (n int, note text);\n"),
    script("02_routines.sql", ROUTINES),
    script(
        "03_windows.sql", ROUTINES.replace("twice", "thrice").replace("doubled", "more").replace("\n", "\r\n")
    ),
    script("04_no_semicolon.sql", "CREATE TABLE unfinished (id int)"),
    script("05_mark.sql", "\ufeffCREATE TABLE marked (id int);\r\n"),
    script('06_it\'s "odd" $name`id`;ä.sql', "CREATE VIEW seen AS SELECT * FROM item;\n"),
    script("08_modes.sql", "SET sql_mode = 'ANSI_QUOTES';\nSET autocommit = 0;\nSET NAMES latin1;\n"),
    script("09_utf8.sql", "CREATE TABLE letters AS SELECT '\U0001f600ä' AS text;\n"),
    script(
        "10_big.sql", f"CREATE TABLE big (text longtext);\nINSERT INTO big VALUES ('{'x' * 3_000_000}');\n"
    ),
    script("00_seed.sql", "/* only a comment */\n", ScriptKind.SEED),
)
SHOP_TABLES = """\
CREATE TABLE product (id int AUTO_INCREMENT PRIMARY KEY, name varchar(50) NOT NULL, data blob, UNIQUE (name));
INSERT INTO product (name, data) VALUES ('it''s; \\\\ odd', 0x00010DFF0A27), ('\U0001f600', NULL);
"""


@pytest.fixture(params=KINDS)
async def world(request: pytest.FixtureRequest, run: JobRunner) -> AsyncIterator[MysqlWorld]:
    async with open_world(request.param, run) as opened:
        await opened.server.create(CLAIM, LOGIN)
        yield opened


async def migrate(world: MysqlWorld, *scripts: Script, server: MysqlServer | None = None) -> list[str]:
    lines: list[str] = []
    await (server or world.server).migrate(CLAIM, LOGIN, Migration(scripts, lines.append), world.run)
    return lines


async def state(world: MysqlWorld) -> DatabaseState:
    (found,) = await world.server.observe(SHOP)
    return found


async def test_awkward_scripts_run_and_are_recorded(world: MysqlWorld) -> None:
    await migrate(world, *AWKWARD)
    async with connected(world.login(LOGIN), CLAIM.name) as link:
        rows = await link.execute(
            "SELECT name, state, duration_ms BETWEEN 0 AND 60000, applied_at <= UTC_TIMESTAMP(6) "
            "FROM previewcloud_migrations ORDER BY applied_at"
        )
        assert rows == [(given.name, "done", 1, 1) for given in AWKWARD]
        assert await link.execute("SELECT n, note FROM seen LIMIT 1") == [
            (8, 'it\'s; here \\ "there" -- no comment')
        ]
        assert await link.execute("SELECT text FROM letters") == [("\U0001f600ä",)]
        assert await link.execute("SELECT length(text) FROM big") == [(3_000_000,)]
        assert await link.execute("SHOW TABLES LIKE 'unfinished'")
        assert await link.execute("SHOW TABLES LIKE 'marked'")


async def test_a_failure_is_told_with_the_servers_words_and_leaves_the_database_dirty(
    world: MysqlWorld,
) -> None:
    broken = script("half.sql", "CREATE TABLE half (id int);\n\nSELECT *\nFROM nowhere;\nSELECT 1;\n")
    with pytest.raises(InvalidSpec, match=r"half\.sql, line \d: Table '.*nowhere' doesn't exist") as failure:
        await migrate(world, broken)
    assert any("half.sql:" in line and "ERROR 1146 (42S02)" in line for line in failure.value.lines)
    found = await state(world)
    assert (found.exists, found.ledger, found.dirty) == (True, (), "half.sql")
    with pytest.raises(InvalidSpec, match=r"half\.sql") as refused:
        await migrate(world, broken)
    assert refused.value.reason == "DatabaseDirty"


async def test_a_kill_in_the_middle_leaves_the_database_dirty(world: MysqlWorld) -> None:
    slow = script("slow.sql", "CREATE TABLE half (id int);\nDO SLEEP(60);\n")
    running = asyncio.create_task(migrate(world, slow))
    deadline = time.monotonic() + 30
    while (await state(world)).dirty != "slow.sql":
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (await state(world)).dirty == "slow.sql"
    begun = time.monotonic()
    await world.server.drop(CLAIM)
    assert time.monotonic() - begun < 10


async def test_scripts_that_take_too_long_are_ended(world: MysqlWorld) -> None:
    server = world.another(limits=MysqlLimits(migration_seconds=3))
    with pytest.raises(InvalidSpec, match=r"slow\.sql") as failure:
        await migrate(world, script("slow.sql", "DO SLEEP(60);\n"), server=server)
    assert failure.value.reason == "MigrationTimeout"


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM nowhere;\n-- ",
        "SELECT 1;\nINSERT INTO t VALUES ('never closed);\n",
        "SELECT 1;\n/* never closed\nSELECT 2;\n",
        "DROP TABLE previewcloud_migrations;\n",
        "SELECT 1;\nKILL CONNECTION_ID();\nSELECT 2;\n",
    ],
    ids=["error", "open string", "open comment", "ledger dropped", "connection killed"],
)
async def test_a_script_cannot_pretend_to_have_succeeded(world: MysqlWorld, text: str) -> None:
    with pytest.raises(Exception, match=r"bad\.sql|lost the database"):
        await migrate(world, script("bad.sql", text), script("z_after.sql", "CREATE TABLE after (id int);\n"))
    assert (await state(world)).ledger == ()
    async with connected(world.login(LOGIN), CLAIM.name) as link:
        assert await link.execute("SHOW TABLES LIKE 'after'") == []


async def test_a_script_that_empties_the_ledger_has_its_own_line(world: MysqlWorld) -> None:
    first, emptying = script("1.sql", "SELECT 1;\n"), script("2.sql", "TRUNCATE previewcloud_migrations;\n")
    await migrate(world, first)
    await migrate(world, emptying)
    assert [line.name for line in (await state(world)).ledger] == ["2.sql"]


@pytest.mark.parametrize(
    "command", ["\\! touch /tmp/x", "system touch /tmp/x", "source /etc/passwd", "\\q", "quit"]
)
async def test_commands_of_the_client_do_not_work(world: MysqlWorld, command: str) -> None:
    with pytest.raises(InvalidSpec, match=r"odd\.sql, line 1: (You have an error in|Unknown command)"):
        await migrate(world, script("odd.sql", f"{command}\n;\nCREATE TABLE x (id int);\n"))


async def test_the_password_is_nowhere_in_what_is_shown(world: MysqlWorld) -> None:
    found = await migrate(world, script("1.sql", f"SELECT '{LOGIN.password}' AS mine;\n"))
    assert "***" in found
    assert LOGIN.password not in "".join(found)


async def test_what_mysqldump_wrote_is_a_seed(world: MysqlWorld) -> None:
    await migrate(world, script("1.sql", SHOP_TABLES))
    dump = ScriptKind.SEED, dumped(world)
    await world.server.drop(CLAIM)
    await world.server.create(CLAIM, LOGIN)
    await migrate(world, script("dump.sql", dump[1].decode(), dump[0]))
    async with connected(world.login(LOGIN), CLAIM.name) as link:
        assert await link.execute("SELECT id, name, HEX(data) FROM product ORDER BY id") == [
            (1, "it's; \\ odd", "00010DFF0A27"),
            (2, "\U0001f600", None),
        ]
    assert [line.name for line in (await state(world)).ledger] == ["dump.sql"]


def dumped(world: MysqlWorld) -> bytes:
    """One table, by the server's own program, as its author would write it."""
    host, _, port = setting(f"{world.kind}_PREVIEW_ADDRESS").rpartition(":")
    program = (
        "mysqldump --hex-blob --no-tablespaces --set-gtid-purged=OFF --get-server-public-key"
        if world.kind == "MYSQL"
        else "mariadb-dump --hex-blob"
    )
    ran = subprocess.run(
        [
            "docker",
            "run",
            "--rm",
            "--network=host",
            "--entrypoint=sh",
            "-e",
            f"MYSQL_PWD={LOGIN.password}",
            setting(f"{world.kind}_CLIENT_IMAGE"),
            "-c",
            f"{program} -h {host} -P {port} -u {LOGIN.role} {CLAIM.name} product",
        ],
        capture_output=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert b"CREATE TABLE `product`" in ran.stdout
    return ran.stdout
