"""Administrators of the tests' own on the real servers, so that the platform's is never touched."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote, urlsplit

from psycopg import sql

from controller.databases.mysql_session import read_url
from tests.integration.databases import mongodb_world, mysql_world, postgres_world
from tests.integration.databases.postgres_world import setting


class Administrators(Protocol):
    """What a server's people do by hand."""

    async def allow(self, user: str, password: str) -> None:
        """Make an administrator, or give it another password."""

    async def end(self, user: str) -> None:
        """Let it log in no more."""

    async def clean(self, user: str) -> None:
        """Remove it, after everything it made."""


class Postgres:
    """Of PostgreSQL; one that owns something is closed rather than dropped."""

    async def allow(self, user: str, password: str) -> None:
        async with await postgres_world.admin() as link:
            found = await link.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [user])
            verb = "CREATE" if await found.fetchone() is None else "ALTER"
            statement = sql.SQL("{} ROLE {} SUPERUSER LOGIN PASSWORD {}")
            name = sql.Identifier(user)
            await link.execute(statement.format(sql.SQL(verb), name, sql.Literal(password)))

    async def end(self, user: str) -> None:
        async with await postgres_world.admin() as link:
            await link.execute(sql.SQL("ALTER ROLE {} NOLOGIN").format(sql.Identifier(user)))

    async def clean(self, user: str) -> None:
        async with await postgres_world.admin() as link:
            await link.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(user)))


@dataclass(frozen=True)
class Mysql:
    """Of MySQL and MariaDB."""

    kind: str

    async def allow(self, user: str, password: str) -> None:
        async with mysql_world.connected(read_url(setting(f"{self.kind}_URL"))) as link:
            await link.execute(f"CREATE USER IF NOT EXISTS '{user}'@'%' IDENTIFIED BY '{password}'")
            await link.execute(f"ALTER USER '{user}'@'%' IDENTIFIED BY '{password}'")
            await link.execute(f"GRANT ALL ON *.* TO '{user}'@'%' WITH GRANT OPTION")

    async def end(self, user: str) -> None:
        await self.clean(user)

    async def clean(self, user: str) -> None:
        async with mysql_world.connected(read_url(setting(f"{self.kind}_URL"))) as link:
            await link.execute(f"DROP USER IF EXISTS '{user}'@'%'")


class Mongodb:
    """Of MongoDB, or what stands in for it."""

    async def allow(self, user: str, password: str) -> None:
        async with mongodb_world.admin() as client:
            known = (await client.admin.command("usersInfo", user)).get("users")
            verb = "updateUser" if known else "createUser"
            roles = {} if known else {"roles": [{"role": "root", "db": "admin"}]}
            await client.admin.command({verb: user, "pwd": password, **roles})

    async def end(self, user: str) -> None:
        await self.clean(user)

    async def clean(self, user: str) -> None:
        async with mongodb_world.admin() as client:
            if (await client.admin.command("usersInfo", user)).get("users"):
                await client.admin.command({"dropUser": user})


KINDS: dict[str, Callable[[], Administrators]] = {
    "POSTGRES": Postgres,
    "MYSQL": lambda: Mysql("MYSQL"),
    "MARIADB": lambda: Mysql("MARIADB"),
    "MONGODB": Mongodb,
}


def url_of(kind: str, port: int, user: str, password: str) -> str:
    """An administrator's URL by way of a relay."""
    scheme, _, rest = setting(f"{kind}_URL").partition("://")
    parts = urlsplit(f"{scheme}://{rest}")
    login = f"{quote(user)}:{quote(password)}@127.0.0.1:{port}"
    query = "authSource=admin&directConnection=true" if kind == "MONGODB" else parts.query
    return parts._replace(netloc=login, query=query).geturl()


@asynccontextmanager
async def administrators(kind: str) -> AsyncIterator[tuple[Administrators, Callable[[], Awaitable[str]]]]:
    """The server's people, and what names a new administrator; all of them are removed at the end."""
    people, names = KINDS[kind](), list[str]()

    async def named() -> str:
        names.append(f"admin_{secrets.token_hex(4)}")
        return names[-1]

    try:
        yield people, named
    finally:
        for name in names:
            await people.clean(name)
