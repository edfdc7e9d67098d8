"""What a MySQL or MariaDB server must have before previews may live on it, made true by the first connection.

The registry is one database for all installations of the server: that a name is a primary key in it decides
who wins when two want the same. What hands rights to everybody is closed: anonymous accounts, which catch
logins of others, and grants to nobody in particular, as MariaDB has them on `test` from the start. The
server is there for previews alone.
"""

from __future__ import annotations

import re
from contextlib import suppress

from mysql.connector import Error

from controller.api.errors import BackendUnavailable
from controller.databases.mysql_session import Link

REGISTRY = "previewcloud_registry"
_VERSION_MIN = {True: (10, 6), False: (8, 0)}
"""Of MariaDB, and of MySQL."""

_TABLE = f"""
CREATE TABLE IF NOT EXISTS {REGISTRY}.previews (
    name varchar(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    role varchar(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL UNIQUE,
    installation varchar(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    preview varchar(400) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    slug varchar(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    wish varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    state varchar(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    created_at datetime NOT NULL DEFAULT CURRENT_TIMESTAMP,
    KEY (installation, preview)) ENGINE = InnoDB
"""


async def make_ready(link: Link, where: str) -> None:
    """Check the server and prepare it.

    Args:
        link: an administrator's connection.
        where: the server, for messages.

    Raises:
        BackendUnavailable: DatabaseServerTooOld, DatabaseServerOpen.
    """
    _check_version(link, where)
    found = await link.execute("SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = %s", [REGISTRY])
    if not found:
        await link.execute(f"CREATE DATABASE IF NOT EXISTS {REGISTRY} CHARACTER SET utf8mb4")
    await link.execute(_TABLE)
    try:
        await _close(link)
    except Error as error:
        raise BackendUnavailable(
            "DatabaseServerOpen",
            f"MySQL at {where} gives rights to anonymous users, and they could not be taken away "
            f"({error.errno}); remove the accounts and grants without a user's name by hand.",
        ) from None
    await _allow_triggers(link)


def _check_version(link: Link, where: str) -> None:
    # MariaDB may put 5.5.5- before its own
    numbers = re.findall(r"(\d+)\.(\d+)\.\d+", link.version.removeprefix("5.5.5-"))
    version = tuple(int(number) for number in numbers[0]) if numbers else (0, 0)
    least = _VERSION_MIN[link.mariadb]
    if version < least:
        name = "MariaDB" if link.mariadb else "MySQL"
        raise BackendUnavailable(
            "DatabaseServerTooOld",
            f"{name} at {where} is version {version[0]}.{version[1]}; "
            f"{least[0]}.{least[1]} or later is needed.",
        )


async def _close(link: Link) -> None:
    for (host,) in await link.execute("SELECT Host FROM mysql.user WHERE User = ''"):
        await link.execute("DROP USER IF EXISTS ''@%s", [host])
    if await link.execute("SELECT 1 FROM mysql.db WHERE User IN ('', 'PUBLIC') LIMIT 1"):
        await link.execute("DELETE FROM mysql.db WHERE User IN ('', 'PUBLIC')")
        await link.execute("FLUSH PRIVILEGES")


async def _allow_triggers(link: Link) -> None:
    """With a binary log, triggers and functions are the administrator's unless their makers are trusted.

    That is about copies of the server staying equal; where it may not be set, a migration gets the server's
    words.
    """
    ((logged, trusted),) = await link.execute("SELECT @@log_bin, @@log_bin_trust_function_creators")
    if logged and not trusted:
        with suppress(Error):
            await link.execute("SET GLOBAL log_bin_trust_function_creators = 1")
