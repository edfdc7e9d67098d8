"""The ledger inside a preview's own PostgreSQL database: `previewcloud.migrations`.

Schema and table belong to the administrator; the preview's role may read lines and add them. That is what
makes it safe to read them as a superuser in a database full of hostile things: whoever owns a table can
hang a view, a policy, a trigger or an index expression on its name, and PostgreSQL would run that with the
reader's rights (an index expression even while planning a plain SELECT). The table is made before the role
can log in, so its names cannot be taken first, and only tables owned by a superuser are read. The lines'
contents stay untrusted: their number and lengths are bounded, and what is no line of a ledger is left out.
"""

from __future__ import annotations

from psycopg import errors, sql

from controller.databases.ledger import NAME_MAX, SCRIPTS_MAX
from controller.databases.postgres_session import Connection
from controller.databases.protocol import Applied, DatabaseClaim, Script, ScriptKind

LINES_MAX = 4 * SCRIPTS_MAX

_CREATE = """
CREATE SCHEMA IF NOT EXISTS previewcloud;
CREATE TABLE IF NOT EXISTS previewcloud.migrations (
    kind text NOT NULL, name text NOT NULL, checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(), duration_ms bigint NOT NULL,
    PRIMARY KEY (kind, name));
GRANT USAGE ON SCHEMA previewcloud TO {role};
GRANT SELECT, INSERT ON previewcloud.migrations TO {role}
"""

_TRUSTED = """
SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_roles t ON t.oid = c.relowner JOIN pg_roles s ON s.oid = n.nspowner
WHERE n.nspname = 'previewcloud' AND c.relname = 'migrations' AND c.relkind = 'r'
AND t.rolsuper AND s.rolsuper
"""

_READ = """
SELECT kind, name, checksum FROM previewcloud.migrations
WHERE octet_length(kind) <= 20 AND octet_length(name) <= %s AND octet_length(checksum) = 64 LIMIT %s
"""

_LINE = """\\set ON_ERROR_STOP 1
INSERT INTO previewcloud.migrations (kind, name, checksum, duration_ms)
SELECT '{kind}', pg_catalog.convert_from(pg_catalog.decode('{name}', 'hex'), 'UTF8'), '{checksum}',
    (extract(epoch FROM pg_catalog.clock_timestamp() - backend_start) * 1000)::bigint
FROM pg_catalog.pg_stat_activity WHERE pid = pg_catalog.pg_backend_pid();
"""


async def create_ledger(connection: Connection, claim: DatabaseClaim) -> None:
    """Make schema and table, in one transaction, and let the role add lines."""
    await connection.execute(sql.SQL(_CREATE).format(role=sql.Identifier(claim.name)))


async def read_ledger(connection: Connection) -> tuple[Applied, ...]:
    """The ledger's lines in the connection's database; none when it cannot be trusted or read in time."""
    if await (await connection.execute(_TRUSTED)).fetchone() is None:
        return ()
    try:
        rows = await (await connection.execute(_READ, [NAME_MAX, LINES_MAX])).fetchall()
    except errors.QueryCanceled:
        return ()
    kinds = {kind.value: kind for kind in ScriptKind}
    return tuple(Applied(kinds[kind], name, checksum) for kind, name, checksum in rows if kind in kinds)


def ledger_line(script: Script) -> bytes:
    """What psql runs after a script, in its transaction. The name goes in hex: no quoting to get wrong."""
    name = script.name.encode().hex()
    return _LINE.format(kind=script.kind.value, name=name, checksum=script.checksum).encode()
