"""Extensions of a preview's database: asked for by its blueprint, allowed by a list, installed by the
administrator.

PostgreSQL trusts some extensions in any hands: those are installed as the preview's role, which then owns
them (a dump that comments on them loads), also in a database that is in use. The scripts of all others run
with the administrator's rights over whatever stands in the schema, so they are installed only while nobody
has been in the database.
"""

from __future__ import annotations

from collections.abc import Collection

import psycopg
from psycopg import sql

from controller.api.errors import InvalidSpec
from controller.databases.postgres_session import Connection
from controller.databases.protocol import DatabaseClaim

SETTING = "POSTGRES_EXTENSIONS"
INSTALLED_MAX = 200

_AVAILABLE = """
SELECT e.name, e.installed_version IS NOT NULL, v.trusted OR NOT v.superuser
FROM pg_available_extensions e
JOIN pg_available_extension_versions v ON v.name = e.name AND v.version = e.default_version
WHERE e.name = ANY (%s)
"""


def check_allowed(wanted: Collection[str], allowed: Collection[str]) -> None:
    """Refuse what the list does not have.

    Raises:
        InvalidSpec: ExtensionRefused.
    """
    refused = sorted(set(wanted) - set(allowed))
    if refused:
        raise InvalidSpec(
            "ExtensionRefused",
            f"Extension {refused[0][:80]!a} may not be used here; allowed are {', '.join(sorted(allowed))}. "
            f"Remove it, or have it added to {SETTING}.",
        )


async def read_installed(inside: Connection) -> frozenset[str]:
    """The extensions in the connection's database, without the one that every database has."""
    query = "SELECT extname FROM pg_catalog.pg_extension WHERE extname <> 'plpgsql' LIMIT %s"
    rows = await (await inside.execute(query, [INSTALLED_MAX])).fetchall()
    return frozenset(name for (name,) in rows)


async def install(inside: Connection, claim: DatabaseClaim, wanted: Collection[str], *, new: bool) -> None:
    """Install in the connection's database what it lacks.

    Args:
        inside: a visit.
        claim: whose database it is.
        wanted: names, allowed ones.
        new: nobody has been in the database, nor run anything in it.

    Raises:
        InvalidSpec: ExtensionMissing, ExtensionRefused.
    """
    if not wanted:
        return
    rows = await (await inside.execute(_AVAILABLE, [list(wanted)])).fetchall()
    missing = sorted(set(wanted) - {name for name, _, _ in rows})
    if missing:
        raise InvalidSpec(
            "ExtensionMissing",
            f"Extension {missing[0]} of database {claim.name} is not installed on this PostgreSQL server; "
            "remove it, or have its package installed there.",
        )
    for name, installed, trusted in rows:
        if not installed:
            await _install(inside, claim, name, trusted=trusted, new=new)


async def _install(inside: Connection, claim: DatabaseClaim, name: str, *, trusted: bool, new: bool) -> None:
    if not trusted and not new:
        raise InvalidSpec(
            "ExtensionRefused",
            f"Extension {name} can only be installed in a new database, and {claim.name} is in use; ask for "
            "a new one with the annotation previewcloud.io/reset-database.",
        )
    statement = "CREATE EXTENSION IF NOT EXISTS {name} SCHEMA public"
    if trusted:
        statement = f"SET ROLE {{role}}; {statement}; RESET ROLE"
    try:
        await inside.execute(
            sql.SQL(statement).format(name=sql.Identifier(name), role=sql.Identifier(claim.name))
        )
    except psycopg.ProgrammingError as error:
        raise InvalidSpec(
            "ExtensionRefused",
            f"Extension {name} could not be installed in database {claim.name}: "
            f"{error.diag.message_primary}. Correct the migration that is in its way, or ask for a new one.",
        ) from None
