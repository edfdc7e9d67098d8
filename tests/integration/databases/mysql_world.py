"""A real MySQL or MariaDB server, named by the local platform; what tests make on it is removed."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from mysql.connector import Error

from controller.current import Secret, fixed
from controller.databases.mysql import MysqlServer
from controller.databases.mysql_catalog import role_of
from controller.databases.mysql_limits import DEFAULT_LIMITS, MysqlLimits
from controller.databases.mysql_session import Link, Login, connect, read_url
from controller.databases.protocol import Credentials, DatabaseClaim, JobRunner
from tests.contract.database_contract import CLAIM, REBUILT, SQL
from tests.integration.databases.postgres_world import setting
from tests.integration.databases.relay import Relay

KINDS = ("MYSQL", "MARIADB")
NEIGHBOUR_NAME = CLAIM.name.replace("pr_1", "pr_2")
LOOKALIKE_NAME = CLAIM.name.replace("_", "x")
"""What the name stands for when its `_` are wildcards."""
NAMES = (CLAIM.name, REBUILT.name, NEIGHBOUR_NAME, LOOKALIKE_NAME)
SAMPLES = replace(SQL, scheme="mysql", transactional=False)


@asynccontextmanager
async def connected(login: Login, database: str | None = None) -> AsyncIterator[Link]:
    """A connection of one's own, closed afterwards."""
    link = await connect(login, database)
    try:
        yield link
    finally:
        await link.close()


@dataclass
class MysqlWorld:
    """See `tests.contract.database_contract.World`."""

    kind: str
    run: JobRunner
    relay: Relay
    installations: tuple[str, str] = field(
        default_factory=lambda: (f"test-{secrets.token_hex(4)}", f"test-{secrets.token_hex(4)}")
    )
    servers: list[MysqlServer] = field(default_factory=list)
    samples = SAMPLES

    def __post_init__(self) -> None:
        self.server = self.another()
        self.neighbour = self.another(self.installations[1])

    @property
    def root(self) -> Login:
        """The administrator's login, past the relay."""
        return read_url(setting(f"{self.kind}_URL"))

    def another(
        self, installation: str | None = None, limits: MysqlLimits = DEFAULT_LIMITS, url: Secret | None = None
    ) -> MysqlServer:
        """One more operator's view of the server, as after a restart."""
        parts = urlsplit(setting(f"{self.kind}_URL"))
        login = parts.netloc.rpartition("@")[0]
        server = MysqlServer(
            url or fixed(parts._replace(netloc=f"{login}@127.0.0.1:{self.relay.port}").geturl()),
            setting(f"{self.kind}_PREVIEW_ADDRESS"),
            setting(f"{self.kind}_CLIENT_IMAGE"),
            installation or self.installations[0],
            limits,
        )
        self.servers.append(server)
        return server

    def login(self, credentials: Credentials) -> Login:
        """A preview's login."""
        return replace(self.root, user=credentials.role, password=credentials.password)

    async def make_by_hand(self, name: str) -> None:
        async with connected(self.root) as link:
            await link.execute(f"CREATE USER '{role_of(name)}'@'%' IDENTIFIED BY 'by hand'")
            await link.execute(f"CREATE DATABASE `{name}`")

    async def drop_by_hand(self, name: str) -> None:
        async with connected(self.root) as link:
            await link.execute(f"DROP DATABASE `{name}`")

    async def exists(self, name: str) -> bool:
        async with connected(self.root) as link:
            return bool(
                await link.execute(
                    "SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = %s "
                    "UNION SELECT 1 FROM mysql.user WHERE User = %s "
                    "UNION SELECT 1 FROM mysql.db WHERE User = %s",
                    [name, role_of(name), role_of(name)],
                )
            )

    async def can_log_in(self, claim: DatabaseClaim, credentials: Credentials) -> bool:
        try:
            async with connected(self.login(credentials), claim.name):
                return True
        except Error:
            return False

    async def break_server(self) -> None:
        await self.relay.close()

    async def clean(self) -> None:
        """Drop everything that tests made, and the lines of both installations."""
        for server in self.servers:
            await server.close()
        async with connected(self.root) as link:
            for name in NAMES:
                await link.execute(f"DROP USER IF EXISTS '{role_of(name)}'@'%'")
                query = "SELECT ID FROM information_schema.PROCESSLIST WHERE USER = %s"
                for (number,) in await link.execute(query, [role_of(name)]):
                    await link.execute(f"KILL {int(number)}")
                await link.execute(f"DROP DATABASE IF EXISTS `{name}`")
            for installation in self.installations:
                remove = "DELETE FROM previewcloud_registry.previews WHERE installation = %s"
                await link.execute(remove, [installation])


@asynccontextmanager
async def open_world(kind: str, run: JobRunner) -> AsyncIterator[MysqlWorld]:
    """A world behind a relay; at the end everything of it is gone."""
    target = read_url(setting(f"{kind}_URL"))
    relay = Relay(target.host, target.port)
    await relay.open()
    world = MysqlWorld(kind, run, relay)
    try:
        yield world
    finally:
        await relay.close()
        await world.clean()
