"""The registry: a database that only the administrator reaches. It says which databases are whose, and which
templates are finished.

    previews   a line per database: its preview, the wish it was made for, and what it is being made from
    templates  a line per finished template

`making` is written before a database is created and emptied in the transaction that lets its role in: as long
as it holds anything, nobody was ever in that database, and what stands under the name is half made.
"""

from __future__ import annotations

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from controller.databases.holdings import Registered
from controller.databases.protocol import DatabaseClaim

FROM_NOTHING = "-"
"""What a database is being made from, where it is no template."""

TABLES = """
SELECT pg_advisory_xact_lock(50160);
CREATE TABLE IF NOT EXISTS previews (
    name text PRIMARY KEY, preview text NOT NULL, slug text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now());
ALTER TABLE previews ADD COLUMN IF NOT EXISTS wish text NOT NULL DEFAULT '',
    ADD COLUMN IF NOT EXISTS making text NOT NULL DEFAULT '';
CREATE INDEX IF NOT EXISTS previews_of_preview ON previews (preview);
CREATE TABLE IF NOT EXISTS templates (
    key text PRIMARY KEY, name text NOT NULL UNIQUE, bytes bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(), used_at timestamptz NOT NULL DEFAULT now())
"""

_SURVEY = """
SELECT g.name FROM previews g JOIN pg_roles r ON r.rolname = g.name
JOIN pg_database d ON d.datname = g.name AND d.datdba = r.oid
WHERE r.rolcanlogin AND d.datallowconn AND d.datconnlimit <> -2
"""

_EVERYTHING = """
SELECT g.name, g.preview, d.datname FROM previews g FULL JOIN pg_database d ON d.datname = g.name
"""

_REGISTER = """
WITH used AS (UPDATE templates SET used_at = now() WHERE key = %s)
INSERT INTO previews (name, preview, slug, wish, making) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (name) DO UPDATE SET wish = excluded.wish, making = excluded.making
WHERE previews.preview = excluded.preview
"""


async def survey(connection: AsyncConnection[TupleRow]) -> frozenset[str]:
    """All databases of the registry that exist and can be used."""
    return frozenset(name for (name,) in await (await connection.execute(_SURVEY)).fetchall())


async def everything(
    connection: AsyncConnection[TupleRow], installation: str
) -> tuple[list[Registered], list[str]]:
    """All lines of the registry, which has this installation's alone, and the names of all databases."""
    rows = await (await connection.execute(_EVERYTHING)).fetchall()
    lines = [Registered(name, installation, preview) for name, preview, _ in rows if name is not None]
    return lines, [there for _, _, there in rows if there is not None]


async def register(connection: AsyncConnection[TupleRow], claim: DatabaseClaim, making: str) -> bool:
    """Write the line of a database that is about to be made, from that template or from nothing.

    False when another preview was faster.
    """
    values = [making, claim.name, str(claim.preview), claim.slug, claim.wish, making]
    return (await connection.execute(_REGISTER, values)).rowcount == 1


async def unregister(connection: AsyncConnection[TupleRow], claim: DatabaseClaim) -> None:
    """Remove the line."""
    await connection.execute("DELETE FROM previews WHERE name = %s", [claim.name])
