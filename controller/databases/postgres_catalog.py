"""What PostgreSQL holds of one preview, in SQL: looking at it, making it step by step, removing it.

    registry line ─▶ role without login ─▶ database ─▶ its privileges and content ─▶ login and password
    no login ─▶ database ─▶ role ─▶ registry line

Each step can be the last one before a crash; the next run looks again and goes on. A role that may log in
is the sign of a finished creation: nothing of the preview ever runs before everything is in place. A
database in which nobody was yet is begun anew (`making`, see `postgres_registry`): nothing tells how far its
content came. Role and creator's mark come into being in one transaction, so that of two installations on one
server the second sees that the name is not its own, however they race.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from psycopg import errors, sql

from controller.api.names import PreviewKey
from controller.databases.ownership import not_ours
from controller.databases.postgres_limits import PostgresLimits
from controller.databases.postgres_session import Connection
from controller.databases.protocol import Credentials, DatabaseClaim, DatabaseState

INVALID_DATABASE = -2  # pg_database.datconnlimit of a database whose DROP was interrupted
RETIRED_PREFIX = "previewcloud_retired_"
ROLES_SWEPT = 50  # by one removal
FILE_COPY_BYTES = 16 * 1024 * 1024

_LOOK = """
SELECT g.preview, g.slug, coalesce(g.making, ''), r.oid, r.rolcanlogin, shobj_description(r.oid, 'pg_authid'),
       d.oid IS NOT NULL, coalesce(d.datdba = r.oid, false), coalesce(d.datallowconn, false), d.datconnlimit,
       t.name, t.bytes, n.name, g.wish
FROM (SELECT %(name)s::text AS name WHERE %(name)s::text IS NOT NULL
      UNION SELECT name FROM previews WHERE preview = %(preview)s) n
LEFT JOIN previews g ON g.name = n.name
LEFT JOIN pg_roles r ON r.rolname = n.name
LEFT JOIN pg_database d ON d.datname = n.name
LEFT JOIN templates t ON t.key = %(template)s AND EXISTS (SELECT FROM pg_database s WHERE s.datname = t.name)
"""

_RETIRED = """
SELECT rolname FROM pg_roles r WHERE starts_with(rolname, %s) AND NOT rolcanlogin
AND NOT EXISTS (SELECT FROM pg_shdepend s WHERE s.refclassid = 'pg_authid'::regclass AND s.refobjid = r.oid)
LIMIT %s
"""


@dataclass(frozen=True)
class Template:
    """A finished template: a database that nobody connects to."""

    key: str
    name: str
    """Of the database, and of the role without login that owns what is in it."""
    bytes: int


@dataclass(frozen=True)
class Found:
    """What stands on the server under one claim."""

    claimed: bool
    """The registry says that the name is this preview's."""
    holder: DatabaseClaim | None
    """Another preview that has the name by the registry."""
    role: int | None
    """The role's oid."""
    login: bool
    marked: bool
    """The role was made for this preview, by this installation."""
    database: bool
    owned: bool
    """The database is the role's."""
    open: bool
    broken: bool
    """What an interrupted DROP DATABASE leaves: it can only be dropped."""
    making: bool
    """What there is was never finished, and nobody was in it."""
    template: Template | None
    """What the blueprint's database can be copied from."""

    @property
    def usable(self) -> bool:
        """Everything is there and finished."""
        return self.claimed and self.marked and self.login and self.owned and self.open and not self.broken

    @property
    def kept(self) -> bool:
        """There is a database that somebody may have been in: what is in it stays."""
        return self.database and not (self.broken or self.making)

    @property
    def foreign(self) -> bool:
        """Something holds the name that was not made by `create`."""
        if self.role is not None and not (self.claimed and self.marked):
            return True
        return self.database and not (self.claimed and self.owned)


def mark(installation: str, preview: PreviewKey) -> str:
    """The comment on a role that tells who made it; everybody on the server sees it, so it names nobody."""
    digest = hashlib.sha256(f"{installation}\0{preview}".encode()).hexdigest()
    return f"previewcloud {digest[:32]}"


async def look(connection: Connection, claim: DatabaseClaim, own_mark: str, template: str = "") -> Found:
    """What there is under this claim, and of the template of that key."""
    given = {"name": claim.name, "preview": None, "template": template}
    row = await (await connection.execute(_LOOK, given)).fetchone()
    assert row is not None
    return _found(row, claim, own_mark, template)


async def observe(connection: Connection, preview: PreviewKey, own_mark: str) -> list[DatabaseState]:
    """All lines of a preview, by name; ledgers and extensions are not looked into."""
    given = {"name": None, "preview": str(preview), "template": ""}
    states = []
    for row in await (await connection.execute(_LOOK, given)).fetchall():
        name, wish = row[-2:]
        found = _found(row, DatabaseClaim(name, preview, ""), own_mark, "")
        states.append(DatabaseState(name, exists=found.usable, wish=wish))
    return sorted(states, key=lambda state: state.name)


def _found(row: Sequence[Any], claim: DatabaseClaim, own_mark: str, key: str) -> Found:
    preview, slug, making, role, login, comment, database, owned, is_open, limit, template, size = row[:12]
    claimed = preview == str(claim.preview)
    taken = preview is not None and not claimed
    return Found(
        claimed=claimed,
        holder=DatabaseClaim(claim.name, PreviewKey.parse(preview), slug) if taken else None,
        role=role,
        login=bool(login),
        marked=comment == own_mark,
        database=database,
        owned=owned,
        open=is_open,
        broken=limit == INVALID_DATABASE,
        making=bool(making),
        template=Template(key, template, size) if template is not None else None,
    )


async def create_role(connection: Connection, claim: DatabaseClaim, own_mark: str) -> None:
    """Create the role with its creator's mark; raises Conflict when somebody else was faster."""
    try:
        await connection.execute(
            # one string is one transaction
            sql.SQL("CREATE ROLE {role} NOLOGIN; COMMENT ON ROLE {role} IS {mark}").format(
                role=sql.Identifier(claim.name), mark=sql.Literal(own_mark)
            )
        )
    except (errors.DuplicateObject, errors.UniqueViolation):
        raise not_ours(claim) from None


async def create_database(connection: Connection, claim: DatabaseClaim, template: Template | None) -> None:
    """Create the database, owned by the role and closed to everybody."""
    names = {"name": sql.Identifier(claim.name)}
    if template is None:
        statement = sql.SQL(
            "CREATE DATABASE {name} OWNER {name} TEMPLATE template0 ENCODING 'UTF8' ALLOW_CONNECTIONS false"
        ).format(**names)
    else:
        statement = sql.SQL(
            "CREATE DATABASE {name} OWNER {name} TEMPLATE {template} STRATEGY {strategy} "
            "ALLOW_CONNECTIONS false"
        ).format(
            **names, template=sql.Identifier(template.name), strategy=sql.Identifier(strategy(template.bytes))
        )
    await connection.execute(statement)


def strategy(size: int) -> str:
    """How a database of that size is copied fastest: block by block through the log, or as files."""
    return "file_copy" if size >= FILE_COPY_BYTES else "wal_log"


async def close_to_public(connection: Connection, name: str) -> None:
    """Nobody but its owner connects to a database; also undoes what the owner may have granted or closed."""
    await connection.execute(
        sql.SQL(
            "REVOKE ALL ON DATABASE {name} FROM PUBLIC; ALTER DATABASE {name} ALLOW_CONNECTIONS true"
        ).format(name=sql.Identifier(name))
    )


async def set_password(
    connection: Connection, claim: DatabaseClaim, credentials: Credentials, limits: PostgresLimits
) -> None:
    """Set password and limits; whether the role may log in stays as it is."""
    # hashed here: a password in the statement would reach the server's log
    verifier = connection.pgconn.encrypt_password(
        credentials.password.encode(), claim.name.encode(), b"scram-sha-256"
    ).decode()
    statement = sql.SQL(
        "ALTER ROLE {role} INHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS "
        "CONNECTION LIMIT {connections} PASSWORD {password};"
        "ALTER ROLE {role} SET statement_timeout = {statement};"
        "ALTER ROLE {role} SET idle_in_transaction_session_timeout = '5min';"
        "ALTER ROLE {role} SET client_connection_check_interval = '10s';"
        "ALTER ROLE {role} SET temp_file_limit = {temporary}"
    )
    await connection.execute(
        statement.format(
            role=sql.Identifier(claim.name),
            connections=sql.Literal(limits.connections),
            password=sql.Literal(verifier),
            statement=sql.Literal(f"{limits.statement_seconds}s"),
            temporary=sql.Literal(f"{limits.temporary_megabytes}MB"),
        )
    )


async def allow_login(connection: Connection, claim: DatabaseClaim) -> None:
    """Let the role in, and note that the database is made: both or nothing."""
    await connection.execute(
        sql.SQL("ALTER ROLE {} LOGIN; UPDATE previews SET making = '' WHERE name = {}").format(
            sql.Identifier(claim.name), sql.Literal(claim.name)
        )
    )


async def forbid_login(connection: Connection, claim: DatabaseClaim) -> None:
    """Keep the role from coming back, and end its sessions wherever they are."""
    await connection.execute(sql.SQL("ALTER ROLE {} NOLOGIN").format(sql.Identifier(claim.name)))
    await connection.execute(
        "SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity WHERE usename = %s", [claim.name]
    )


async def drop_database(connection: Connection, name: str) -> None:
    """Drop a database, with whoever is connected."""
    await connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


async def drop_role(connection: Connection, claim: DatabaseClaim, role: int) -> None:
    """Drop the role; one that another preview's database mentions gives up its name and waits for the sweep.

    Any preview can grant something to a role whose name it guesses, and hold the lock that is needed to take
    it back. That must not keep the other preview from being deleted, and the administrator should not have to
    run anything in the database that did it. Without login, the role can do nothing any more.
    """
    try:
        await connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(claim.name)))
    except errors.DependentObjectsStillExist:
        retired = sql.Identifier(f"{RETIRED_PREFIX}{role}")
        await connection.execute(
            sql.SQL("ALTER ROLE {} RENAME TO {}").format(sql.Identifier(claim.name), retired)
        )


async def sweep_roles(connection: Connection) -> None:
    """Drop the roles that waited for another preview's database to go, where it has gone."""
    rows = await connection.execute(_RETIRED, [RETIRED_PREFIX, ROLES_SWEPT])
    for (name,) in await rows.fetchall():
        with suppress(errors.DependentObjectsStillExist, errors.UndefinedObject):
            await connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


async def end_leftover_jobs(connection: Connection, claim: DatabaseClaim, application: str) -> None:
    """End sessions of an earlier migration whose container is gone while its statement still runs."""
    await connection.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        "WHERE usename = %s AND application_name = %s",
        [claim.name, application],
    )
