"""What MySQL or MariaDB holds of one preview, in SQL: looking at it, making it step by step, removing it.

    registry line ─▶ locked account ─▶ database ─▶ its grants ─▶ password, account open ─▶ line says ready
    line says dropping ─▶ account locked, its sessions ended ─▶ database ─▶ account ─▶ registry line

Each step can be the last one before a crash; the next run looks again and goes on. That the line says ready
is the sign of a finished creation; the line is also the first thing to be there and the last to go, and
its name is a key: of two that race for a name exactly one goes on. A database whose removal began is
removed before it is made again; any other that is there is never emptied.

Names of databases and roles are of a-z, 0-9 and `_` alone, so they stand in statements as they are.
"""

from __future__ import annotations

from dataclasses import dataclass

from mysql.connector import Error

from controller.api.names import PreviewKey, short_hash
from controller.databases.holdings import Registered
from controller.databases.mysql_limits import MysqlLimits
from controller.databases.mysql_password import caching_sha2, native
from controller.databases.mysql_session import Link
from controller.databases.protocol import Credentials, DatabaseClaim

ROLE_MAX = 32
ROLE_KEPT = 23
MAKING, READY, DROPPING = "making", "ready", "dropping"
NO_SUCH_THREAD = 1094

# Not EVENT: what it starts runs without a connection, so no limit on connections would hold it.
PRIVILEGES = (
    "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, REFERENCES, INDEX, ALTER, CREATE TEMPORARY TABLES, "
    "LOCK TABLES, EXECUTE, CREATE VIEW, SHOW VIEW, CREATE ROUTINE, ALTER ROUTINE, TRIGGER"
)

_LOOK = """
SELECT g.installation, g.preview, g.slug, g.state,
       (SELECT count(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = %s),
       (SELECT count(*) FROM mysql.user WHERE User = %s),
       (SELECT count(*) FROM mysql.user WHERE User = %s AND Host = '%')
FROM (SELECT 1) one LEFT JOIN previewcloud_registry.previews g ON g.name = %s
"""

_LISTED = """
SELECT g.name, g.wish, g.state = 'ready' AND s.SCHEMA_NAME IS NOT NULL AND u.User IS NOT NULL
FROM previewcloud_registry.previews g LEFT JOIN information_schema.SCHEMATA s ON s.SCHEMA_NAME = g.name
LEFT JOIN mysql.user u ON u.User = g.role AND u.Host = '%'
WHERE g.installation = %s AND g.preview = %s ORDER BY g.name
"""

_SURVEY = """
SELECT g.name FROM previewcloud_registry.previews g
JOIN information_schema.SCHEMATA s ON s.SCHEMA_NAME = g.name
JOIN mysql.user u ON u.User = g.role AND u.Host = '%' WHERE g.installation = %s AND g.state = 'ready'
"""

_REGISTER = """
INSERT IGNORE INTO previewcloud_registry.previews (name, role, installation, preview, slug, wish, state)
VALUES (%s, %s, %s, %s, %s, %s, 'making')
"""


def role_of(name: str) -> str:
    """The role of the database of that name: the name itself, or its head and a hash where it is too long."""
    return name if len(name) <= ROLE_MAX else f"{name[:ROLE_KEPT]}_{short_hash(name, 8)}"


@dataclass(frozen=True)
class Found:
    """What stands on the server under one name."""

    installation: str | None
    """Which has the name by the registry."""
    holder: DatabaseClaim | None
    """For which preview."""
    state: str | None
    database: bool
    role: bool
    """An account of that name is there, for whatever host."""
    account: bool
    """And the one that `create` makes."""

    @property
    def usable(self) -> bool:
        """Everything is there and finished."""
        return self.state == READY and self.database and self.account

    @property
    def unregistered(self) -> bool:
        """Something has the name that was not made by `create`."""
        return self.holder is None and (self.database or self.role)


@dataclass(frozen=True)
class Listed:
    """One database of a preview by the registry."""

    name: str
    wish: str
    usable: bool


async def look(link: Link, claim: DatabaseClaim) -> Found:
    """What there is under this name."""
    role = role_of(claim.name)
    ((installation, preview, slug, state, database, role_count, account),) = await link.execute(
        _LOOK, [claim.name, role, role, claim.name]
    )
    held = preview is not None
    return Found(
        installation=installation,
        holder=DatabaseClaim(claim.name, PreviewKey.parse(preview), slug) if held else None,
        state=state,
        database=bool(database),
        role=bool(role_count),
        account=bool(account),
    )


async def listed(link: Link, installation: str, preview: PreviewKey) -> tuple[Listed, ...]:
    """All that the registry has for a preview, by name."""
    rows = await link.execute(_LISTED, [installation, str(preview)])
    return tuple(Listed(name, wish, bool(usable)) for name, wish, usable in rows)


async def survey(link: Link, installation: str) -> frozenset[str]:
    """All databases of an installation that exist and can be used."""
    return frozenset(name for (name,) in await link.execute(_SURVEY, [installation]))


async def everything(link: Link) -> tuple[list[Registered], list[str]]:
    """All lines of the registry, which has those of every installation, and the names of all databases."""
    lines = await link.execute("SELECT name, installation, preview FROM previewcloud_registry.previews")
    there = await link.execute("SELECT SCHEMA_NAME FROM information_schema.SCHEMATA")
    return [Registered(*line) for line in lines], [str(name) for (name,) in there]


async def register(link: Link, claim: DatabaseClaim, installation: str) -> None:
    """Write the registry's line, unless the name is somebody's already."""
    values = [claim.name, role_of(claim.name), installation, str(claim.preview), claim.slug, claim.wish]
    await link.execute(_REGISTER, values)


async def begin(link: Link, claim: DatabaseClaim, found: Found) -> None:
    """Say that it is being made; what a removal left of a database goes first."""
    if found.state == DROPPING:
        await end_sessions(link, claim)
        await drop_database(link, claim)
    if found.state == DROPPING or not found.database:
        await link.execute(
            "UPDATE previewcloud_registry.previews SET state = 'making', wish = %s WHERE name = %s",
            [claim.wish, claim.name],
        )
    else:
        await _say(link, claim, MAKING)


async def create_account(link: Link, claim: DatabaseClaim) -> None:
    """Create the role's account, locked."""
    await link.execute(f"CREATE USER IF NOT EXISTS '{role_of(claim.name)}'@'%' ACCOUNT LOCK")


async def create_database(link: Link, claim: DatabaseClaim) -> None:
    """Create the database."""
    await link.execute(f"CREATE DATABASE IF NOT EXISTS `{claim.name}` CHARACTER SET utf8mb4")


async def grant(link: Link, claim: DatabaseClaim) -> None:
    """Let the role do everything in its database, and nothing elsewhere."""
    # `_` stands for any character, unless the server takes names as they are
    literal = await link.execute("SHOW GLOBAL VARIABLES LIKE 'partial_revokes'")
    as_they_are = bool(literal) and str(literal[0][1]).upper() == "ON"
    pattern = claim.name if as_they_are else claim.name.replace("_", "\\_")
    await link.execute(f"GRANT {PRIVILEGES} ON `{pattern}`.* TO '{role_of(claim.name)}'@'%'")


async def open_account(
    link: Link, claim: DatabaseClaim, credentials: Credentials, limits: MysqlLimits, random: bytes
) -> None:
    """Set password and limits, and let the role in."""
    if link.mariadb:
        proof = f"VIA mysql_native_password USING '{native(credentials.password)}'"
    else:
        proof = f"WITH caching_sha2_password AS '{caching_sha2(credentials.password, random)}'"
    await link.execute(
        f"ALTER USER '{credentials.role}'@'%' IDENTIFIED {proof} REQUIRE NONE WITH MAX_QUERIES_PER_HOUR 0 "
        f"MAX_UPDATES_PER_HOUR 0 MAX_CONNECTIONS_PER_HOUR 0 MAX_USER_CONNECTIONS {limits.connections} "
        "PASSWORD EXPIRE NEVER ACCOUNT UNLOCK"
    )


async def finish(link: Link, claim: DatabaseClaim) -> None:
    """Say that everything is in place."""
    await _say(link, claim, READY)


async def begin_drop(link: Link, claim: DatabaseClaim) -> None:
    """Say that it is being removed, and keep the role from coming back."""
    await _say(link, claim, DROPPING)
    await link.execute(f"ALTER USER IF EXISTS '{role_of(claim.name)}'@'%' ACCOUNT LOCK")


async def end_sessions(link: Link, claim: DatabaseClaim) -> None:
    """End the role's sessions, wherever they are."""
    query = "SELECT ID FROM information_schema.PROCESSLIST WHERE USER = %s"
    for (number,) in await link.execute(query, [role_of(claim.name)]):
        try:
            await link.execute(f"KILL CONNECTION {int(number)}")
        except Error as error:
            if error.errno != NO_SUCH_THREAD:
                raise


async def drop_database(link: Link, claim: DatabaseClaim) -> None:
    """Drop the database."""
    await link.execute(f"DROP DATABASE IF EXISTS `{claim.name}`")


async def drop_account(link: Link, claim: DatabaseClaim) -> None:
    """Drop the role's account, and the session that was logging in when it was locked."""
    await link.execute(f"DROP USER IF EXISTS '{role_of(claim.name)}'@'%'")
    await end_sessions(link, claim)


async def unregister(link: Link, claim: DatabaseClaim) -> None:
    """Remove the registry's line."""
    await link.execute("DELETE FROM previewcloud_registry.previews WHERE name = %s", [claim.name])


async def _say(link: Link, claim: DatabaseClaim, state: str) -> None:
    await link.execute(
        "UPDATE previewcloud_registry.previews SET state = %s WHERE name = %s", [state, claim.name]
    )
