"""A real PostgreSQL server, named by the local platform's environment; what tests make on it is removed."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import TupleRow

from controller.api.extensions import EXTENSIONS
from controller.current import Secret, fixed
from controller.databases.postgres import REGISTRY_PREFIX, PostgresServer
from controller.databases.postgres_catalog import sweep_roles
from controller.databases.postgres_limits import DEFAULT_LIMITS, PostgresLimits
from controller.databases.postgres_templates import prefix
from controller.databases.protocol import Credentials, DatabaseClaim, DatabaseState, JobRunner
from tests.contract.database_contract import CLAIM, SQL, Samples
from tests.integration.databases.relay import Relay


def setting(name: str) -> str:
    """One variable of the local platform."""
    value = os.environ.get(name)
    if not value:
        pytest.fail(f"{name} is not set: these tests need the local platform (make up; . .local/env)")
    return value


async def admin(database: str | None = None) -> psycopg.AsyncConnection[TupleRow]:
    """A superuser's connection."""
    url = setting("POSTGRES_URL")
    conninfo = make_conninfo(url, dbname=database) if database else url
    return await psycopg.AsyncConnection.connect(conninfo, autocommit=True)


def login_url(claim: DatabaseClaim, credentials: Credentials, database: str | None = None) -> str:
    """A preview's own way to its own database, unless another is named."""
    return make_conninfo(
        setting("POSTGRES_URL"),
        dbname=database or claim.name,
        user=credentials.role,
        password=credentials.password,
    )


async def login(
    claim: DatabaseClaim, credentials: Credentials, database: str | None = None
) -> psycopg.AsyncConnection[TupleRow]:
    """A preview's own connection."""
    url = login_url(claim, credentials, database)
    return await psycopg.AsyncConnection.connect(url, autocommit=True)


@dataclass
class PostgresWorld:
    """See `tests.contract.database_contract.World`."""

    run: JobRunner
    relay: Relay
    samples: Samples = SQL
    installations: tuple[str, str] = field(
        default_factory=lambda: (f"test-{secrets.token_hex(4)}", f"test-{secrets.token_hex(4)}")
    )
    servers: list[PostgresServer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.server = self.another()
        self.neighbour = self.another(self.installations[1])

    def another(
        self,
        installation: str | None = None,
        limits: PostgresLimits = DEFAULT_LIMITS,
        extensions: tuple[str, ...] = EXTENSIONS,
        url: Secret | None = None,
    ) -> PostgresServer:
        """One more operator's view of the server, as after a restart."""
        relayed = make_conninfo(setting("POSTGRES_URL"), host="127.0.0.1", port=self.relay.port)
        server = PostgresServer(
            url or fixed(relayed),
            setting("POSTGRES_PREVIEW_ADDRESS"),
            setting("POSTGRES_CLIENT_IMAGE"),
            installation or self.installations[0],
            limits,
            extensions,
        )
        self.servers.append(server)
        return server

    async def make_by_hand(self, name: str) -> None:
        async with await admin() as connection:
            await connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(name)))
            await connection.execute(sql.SQL("CREATE DATABASE {0} OWNER {0}").format(sql.Identifier(name)))

    async def drop_by_hand(self, name: str) -> None:
        async with await admin() as connection:
            await connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    async def exists(self, name: str) -> bool:
        query = "SELECT 1 FROM pg_database WHERE datname = %s UNION SELECT 1 FROM pg_roles WHERE rolname = %s"
        async with await admin() as connection:
            return await (await connection.execute(query, [name, name])).fetchone() is not None

    async def can_log_in(self, claim: DatabaseClaim, credentials: Credentials) -> bool:
        try:
            async with await login(claim, credentials):
                return True
        except psycopg.OperationalError:
            return False

    async def break_server(self) -> None:
        await self.relay.close()

    async def clean(self, names: tuple[str, ...]) -> None:
        """Drop everything with these names, and both registries."""
        for server in self.servers:
            await server.close()
        registries = [f"{REGISTRY_PREFIX}{installation}" for installation in self.installations]
        async with await admin() as connection:
            made = [*names, *await self.templates()]
            for name in [*made, *registries]:
                drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
                await connection.execute(drop.format(sql.Identifier(name)))
            for name in made:
                await connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(name)))
            await sweep_roles(connection)

    async def templates(self) -> set[str]:
        """The names of all databases and roles that are templates, or were left by them."""
        prefixes = [prefix(installation) for installation in self.installations]
        query = (
            "SELECT name FROM (SELECT datname AS name FROM pg_database UNION SELECT rolname FROM pg_roles) n "
            "WHERE starts_with(name, %s) OR starts_with(name, %s)"
        )
        async with await admin() as connection:
            return {name for (name,) in await (await connection.execute(query, prefixes)).fetchall()}


async def observed(server: PostgresServer, claim: DatabaseClaim = CLAIM) -> DatabaseState:
    """What is observed under one claim."""
    return next(state for state in await server.observe(claim.preview) if state.name == claim.name)


async def registry_rows(world: PostgresWorld, query: str) -> list[TupleRow]:
    """What stands in the registry of the first installation."""
    async with await admin(f"{REGISTRY_PREFIX}{world.installations[0]}") as connection:
        return await (await connection.execute(query)).fetchall()


@asynccontextmanager
async def open_world(run: JobRunner, names: tuple[str, ...]) -> AsyncIterator[PostgresWorld]:
    """A world behind a relay; at the end `names` and the registries are gone."""
    target = conninfo_to_dict(setting("POSTGRES_URL"))
    relay = Relay(str(target.get("host", "127.0.0.1")), int(str(target.get("port", 5432))))
    await relay.open()
    world = PostgresWorld(run, relay)
    try:
        yield world
    finally:
        await relay.close()
        await world.clean(names)
