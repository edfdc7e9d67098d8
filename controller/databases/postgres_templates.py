"""Templates: copies of databases in which everything ran; the next ones of the same content come from them.

    a preview's new database ── make ──▶ template ── (CREATE DATABASE) ──▶ copy ── adopt ──▶ a preview's

What is in a preview's database is hostile. In a template all of it belongs to a role without login, no other
role is mentioned, and nobody connects; the administrator only changes owners and privileges in it, which runs
no code of the database. A template is taken while the preview's login is known to nobody but its own
migrations, and its line in the registry is written last: one without a line is what an interruption left.

Whoever makes or removes a template holds a lock of its name, which goes with the connection.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from contextlib import suppress

import psycopg
from psycopg import errors, sql

from controller.databases import postgres_catalog as catalog
from controller.databases.postgres_job import APPLICATION as JOB_APPLICATION
from controller.databases.postgres_limits import PostgresLimits
from controller.databases.postgres_session import APPLICATION, AdminSession, Connection
from controller.databases.protocol import DatabaseClaim

PREFIX = "previewcloud_template_"
COPY_SECONDS = 900.0
STATEMENT_SECONDS = 120
LEAVING_SECONDS, POLL_SECONDS = 2.0, 0.01
_OWN_SETTINGS = [
    "statement_timeout",
    "idle_in_transaction_session_timeout",
    "client_connection_check_interval",
    "temp_file_limit",
]

_SESSIONS = """
SELECT a.usename = current_user AND a.application_name = %(operator)s
    OR a.usename = %(name)s AND a.application_name = %(job)s
FROM pg_stat_activity a WHERE a.datname = %(name)s AND a.backend_type = 'client backend'
"""

_SETTINGS = """
SELECT FROM pg_db_role_setting s LEFT JOIN pg_database d ON d.oid = s.setdatabase
LEFT JOIN pg_roles r ON r.oid = s.setrole, unnest(s.setconfig) c
WHERE d.datname = %(name)s OR r.rolname = %(name)s AND split_part(c, '=', 1) <> ALL (%(own)s) LIMIT 1
"""

_SURRENDER = """
REASSIGN OWNED BY {role} TO {template};
ALTER DATABASE {role} OWNER TO {role};
REVOKE ALL ON previewcloud.migrations FROM {role};
REVOKE ALL ON SCHEMA previewcloud FROM {role}
"""

_MENTIONS = """
SELECT FROM pg_shdepend s JOIN pg_database d ON d.oid = s.dbid JOIN pg_roles r ON r.oid = s.refobjid
WHERE d.datname = current_database() AND s.refclassid = 'pg_authid'::regclass
AND r.rolname NOT IN (%s, current_user) LIMIT 1
"""

_ADOPT = """
REASSIGN OWNED BY {template} TO {role};
GRANT USAGE ON SCHEMA previewcloud TO {role};
GRANT SELECT, INSERT ON previewcloud.migrations TO {role}
"""

_BEYOND = """
SELECT name FROM (SELECT name, row_number() OVER newest AS number, sum(bytes) OVER newest AS total
    FROM templates WINDOW newest AS (ORDER BY used_at DESC, key)) t
WHERE number > %s OR total > %s
"""

_LEFT = """
SELECT name FROM (SELECT datname AS name FROM pg_database UNION SELECT rolname FROM pg_roles
    UNION SELECT name FROM templates) n
WHERE starts_with(name, %s) AND NOT EXISTS (
    SELECT FROM templates t JOIN pg_database d ON d.datname = t.name WHERE t.name = n.name)
"""


class NotCopied(Exception):
    """The database is of a kind that is not copied."""


class Templates:
    """The templates of one installation on one server.

    Args:
        session: the administrator's connections.
        installation: whose templates these are.
        limits: how many there may be, and how large together.
    """

    def __init__(self, session: AdminSession, installation: str, limits: PostgresLimits) -> None:
        self._session = session
        self._prefix = prefix(installation)
        self._limits = limits

    async def make(self, claim: DatabaseClaim, key: str) -> None:
        """Keep a copy of a preview's database; nothing happens when there is one, or somebody is at it.

        Raises:
            NotCopied: the database is of a kind that is not copied.
            BackendUnavailable: the server would not.
        """
        name = f"{self._prefix}{_hash(key, 24)}"
        async with self._session.alone(COPY_SECONDS) as connection:
            if not await _lock(connection, name):
                return
            known = await connection.execute("SELECT FROM templates WHERE key = %s", [key])
            if await known.fetchone() is not None:
                return
            try:
                await remove(connection, name)
                size = await self._check(connection, claim)
                await self._copy(connection, claim, name, size)
                await connection.execute(
                    "INSERT INTO templates (key, name, bytes) VALUES (%s, %s, %s)", [key, name, size]
                )
            except BaseException:
                with suppress(psycopg.Error):
                    await remove(connection, name)
                raise

    async def sweep(self) -> None:
        """Remove what is beyond the limits, longest unused first, and what interruptions left."""
        limits = [self._limits.templates, self._limits.template_bytes]
        async with self._session.alone(COPY_SECONDS) as connection:
            beyond = await (await connection.execute(_BEYOND, limits)).fetchall()
            left = await (await connection.execute(_LEFT, [self._prefix])).fetchall()
            for (name,) in [*beyond, *left]:
                if await _lock(connection, name):
                    with suppress(errors.ObjectInUse, errors.LockNotAvailable):
                        await remove(connection, name)

    async def _check(self, connection: Connection, claim: DatabaseClaim) -> int:
        row = await (await connection.execute("SELECT pg_database_size(%s)", [claim.name])).fetchone()
        size = int(row[0]) if row else 0
        if size > self._limits.template_bytes:
            raise _not_copied(
                claim,
                f"it holds {size:,} bytes, more than all templates may ({self._limits.template_bytes:,})",
            )
        given = {"name": claim.name, "own": _OWN_SETTINGS}
        if await (await connection.execute(_SETTINGS, given)).fetchone() is not None:
            raise _not_copied(claim, "it has settings of its own, which no copy takes along")
        return size

    async def _copy(self, connection: Connection, claim: DatabaseClaim, name: str, size: int) -> None:
        with suppress(errors.DuplicateObject):
            await connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(name)))
        await _copy_while_closed(connection, claim, name, size)
        await catalog.close_to_public(connection, name)
        async with self._session.visit(name, COPY_SECONDS, STATEMENT_SECONDS) as inside, inside.transaction():
            await inside.execute(_owners(_SURRENDER, claim, name))
            if await (await inside.execute(_MENTIONS, [name])).fetchone() is not None:
                raise _not_copied(
                    claim, "something in it names a role (a grant, a policy, default privileges)"
                )
        await _close(connection, name)
        # the next copy would wait for our own visit to be gone
        await connection.execute(
            "SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity WHERE datname = %s", [name]
        )


async def _copy_while_closed(connection: Connection, claim: DatabaseClaim, name: str, size: int) -> None:
    """The server copies what nobody is connected to; nobody gets in between the look and the copy."""
    await _close(connection, claim.name)
    try:
        await _until_left(connection, claim)
        await connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY {} ALLOW_CONNECTIONS false").format(
                sql.Identifier(name), sql.Identifier(claim.name), sql.Identifier(catalog.strategy(size))
            )
        )
    finally:
        # after a crash here, the database counts as not there, and `create` opens it again
        await connection.execute(
            sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(sql.Identifier(claim.name))
        )


async def _until_left(connection: Connection, claim: DatabaseClaim) -> None:
    """Sessions of the migrations, and the operator's own, end a moment after they were closed."""
    given = {"name": claim.name, "operator": APPLICATION, "job": JOB_APPLICATION}
    deadline = time.monotonic() + LEAVING_SECONDS
    while rows := await (await connection.execute(_SESSIONS, given)).fetchall():
        if not all(leaving for (leaving,) in rows) or time.monotonic() > deadline:
            raise _not_copied(claim, "somebody is connected to it")
        await asyncio.sleep(POLL_SECONDS)


async def adopt(inside: Connection, claim: DatabaseClaim, template: catalog.Template) -> None:
    """Everything in the copy that the connection is in becomes the preview's."""
    await inside.execute(_owners(_ADOPT, claim, template.name))


async def forget(connection: Connection, template: catalog.Template) -> None:
    """Take no more copies of a template that was not good for one; the sweep removes it."""
    await connection.execute("DELETE FROM templates WHERE key = %s", [template.key])


async def remove(connection: Connection, name: str) -> None:
    """Remove a template, its line first; its role stays as long as something half made belongs to it."""
    await connection.execute("DELETE FROM templates WHERE name = %s", [name])
    await catalog.drop_database(connection, name)
    with suppress(errors.DependentObjectsStillExist):
        await connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(name)))


async def _lock(connection: Connection, name: str) -> bool:
    query = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"
    row = await (await connection.execute(query, [name])).fetchone()
    return row is not None and bool(row[0])


async def _close(connection: Connection, name: str) -> None:
    await connection.execute(
        sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(name))
    )


def _owners(statement: str, claim: DatabaseClaim, template: str) -> sql.Composed:
    return sql.SQL(statement).format(role=sql.Identifier(claim.name), template=sql.Identifier(template))


def _not_copied(claim: DatabaseClaim, why: str) -> NotCopied:
    return NotCopied(f"Database {claim.name} is not kept as a template: {why}.")


def prefix(installation: str) -> str:
    """How the names of all templates of an installation begin."""
    return f"{PREFIX}{_hash(installation, 12)}_"


def _hash(text: str, digits: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:digits]
