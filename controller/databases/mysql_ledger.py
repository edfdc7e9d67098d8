"""The ledger inside a preview's own MySQL database: the table `previewcloud_migrations`.

The preview's role writes it, in the job of a migration: a line says `running` before its script runs, and
`done` after it. MySQL cannot undo half a script, so a line that still runs tells that nobody knows how far it
came: the database is dirty.

The administrator reads it: `observe` has no login of the preview. The preview may have put anything
in the table's place, and a view or a function in it would run with the reader's rights. So the table is
locked first, which runs nothing, then looked at, and read only where it is a plain table of InnoDB without
computed columns; the lock keeps it from being exchanged meanwhile. Triggers do not fire on reading. Number
and lengths of the lines are bounded, also the time.
"""

from __future__ import annotations

from dataclasses import dataclass

from mysql.connector import Error

from controller.api.errors import BackendUnavailable
from controller.databases.ledger import NAME_MAX, SCRIPTS_MAX
from controller.databases.mysql_session import Link, Row, connection_lost
from controller.databases.protocol import Applied, Script, ScriptKind

TABLE = "previewcloud_migrations"
LINES_MAX = 4 * SCRIPTS_MAX
READ_SECONDS = 5.0
DONE = "done"
HELD = (1205, 1213, 3024, 1969)
"""Waited for a lock, gave way in a deadlock; too slow, on MySQL and on MariaDB."""

CREATE = f"""\
CREATE TABLE IF NOT EXISTS {TABLE} (
    kind varchar(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    name varchar({NAME_MAX}) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    checksum char(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    state varchar(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    applied_at datetime(6) NOT NULL,
    duration_ms bigint NOT NULL,
    PRIMARY KEY (kind, name)) ENGINE = InnoDB;
""".encode()

_PLAIN = """
SELECT 1 FROM information_schema.TABLES
WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s AND TABLE_TYPE = 'BASE TABLE' AND ENGINE = 'InnoDB'
AND NOT EXISTS (SELECT 1 FROM information_schema.COLUMNS
    WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s AND GENERATION_EXPRESSION <> '')
"""

_READ = (
    "SELECT {hint} kind, name, checksum, state FROM `{database}`.{table} "
    "WHERE kind IN ('migration', 'seed') AND state IN ('running', 'done') "
    "AND octet_length(name) <= {name} AND octet_length(checksum) = 64 LIMIT {lines}"
)

_BEGINNING = (
    "INSERT INTO previewcloud_migrations (kind, name, checksum, state, applied_at, duration_ms) "
    "VALUES ('{kind}', {name}, '{checksum}', 'running', UTC_TIMESTAMP(6), 0)"
)
# a script that emptied the table, as one that begins anew may, has its line all the same
_ENDING = """\
INSERT INTO previewcloud_migrations (kind, name, checksum, state, applied_at, duration_ms)
VALUES ('{kind}', {name}, '{checksum}', 'done', UTC_TIMESTAMP(6), 0)
ON DUPLICATE KEY UPDATE state = 'done',
    duration_ms = TIMESTAMPDIFF(MICROSECOND, applied_at, UTC_TIMESTAMP(6)) DIV 1000,
    applied_at = UTC_TIMESTAMP(6);
COMMIT;
"""


@dataclass(frozen=True)
class Ledger:
    """What a ledger says."""

    done: tuple[Applied, ...] = ()
    running: str = ""
    """A script that began and did not end."""


async def read_ledger(link: Link, database: str) -> Ledger:
    """The ledger's lines in a database; none when it is not there or cannot be trusted.

    Raises:
        BackendUnavailable: LedgerLocked, the preview holds it or made it endless.
        Error: the driver's, when the connection is lost.
    """
    try:
        await link.execute(f"LOCK TABLES `{database}`.{TABLE} READ")
        try:
            rows = await _read(link, database)
        finally:
            await link.execute("UNLOCK TABLES")
    except Error as error:
        if connection_lost(error):
            raise
        if error.errno in HELD:
            raise BackendUnavailable(
                "LedgerLocked",
                f"Table {TABLE} of database {database} cannot be read: the preview holds a lock on it, or "
                "filled it; trying again.",
            ) from None
        return Ledger()
    return _parsed(rows)


async def _read(link: Link, database: str) -> list[Row]:
    if not await link.execute(_PLAIN, [database, TABLE, database, TABLE]):
        return []
    hint = "" if link.mariadb else f"/*+ MAX_EXECUTION_TIME({int(READ_SECONDS * 1000)}) */"
    query = _READ.format(hint=hint, database=database, table=TABLE, name=NAME_MAX, lines=LINES_MAX)
    if link.mariadb:
        query = f"SET STATEMENT max_statement_time = {READ_SECONDS} FOR {query}"
    return await link.execute(query)


def _parsed(rows: list[Row]) -> Ledger:
    kinds = {kind.value: kind for kind in ScriptKind}
    done, running = [], ""
    for kind, name, checksum, state in rows:
        if not (isinstance(name, str) and isinstance(checksum, str) and kind in kinds):
            continue  # columns of other types: not the table that a job makes
        if state == DONE:
            done.append(Applied(kinds[kind], name, checksum))
        else:
            running = name
    return Ledger(tuple(done), running)


def beginning(script: Script) -> str:
    """What runs before a script, in its connection. The name goes in hex: no quoting to get wrong."""
    return _BEGINNING.format(kind=script.kind.value, name=_name(script), checksum=script.checksum)


def ending(script: Script) -> bytes:
    """What runs after a script, in a connection of its own: whatever the script set does not hold there."""
    return _ENDING.format(kind=script.kind.value, name=_name(script), checksum=script.checksum).encode()


def _name(script: Script) -> str:
    return f"CONVERT(0x{script.name.encode().hex()} USING utf8mb4)"
