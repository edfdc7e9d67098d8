"""A real server that speaks MongoDB's protocol, named by the local platform's environment; what tests make on
it is removed.

The product is written for MongoDB. Where no MongoDB can be had the platform runs FerretDB, which differs:
each difference is expected by its name, and a test fails once it has gone, or when the server is a MongoDB
and differs.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

import pytest
from pymongo import AsyncMongoClient, monitoring
from pymongo.errors import OperationFailure
from pymongo.uri_parser import parse_uri

from controller.current import Secret, fixed
from controller.databases.mongodb import MongodbServer
from controller.databases.mongodb_catalog import REGISTRY, databases, has_user
from controller.databases.mongodb_limits import DEFAULT_LIMITS, MongodbLimits
from controller.databases.mongodb_session import MongoClient
from controller.databases.protocol import Credentials, DatabaseClaim, JobRunner, Migration, Script, ScriptKind
from tests.contract.database_contract import CLAIM, LOGIN, Samples, script
from tests.integration.databases.relay import Relay

SAMPLES = Samples(
    table=script(
        "1_items.js",
        "module.exports = {\n"
        "  async up(db) {\n"
        '    await db.createCollection("items");\n'
        '    await db.collection("items").insertOne({ name: "a;b" });\n'
        "  },\n"
        "};\n",
    ),
    column=script("2_price.json", '{"collection": "prices", "documents": [{"_id": 1, "price": 3}]}\n'),
    seed=script("shop.ndjson", '{"collection": "items", "document": {"name": "seeded"}}\n', ScriptKind.SEED),
    broken=script("3_broken.js", 'export async function up(db) {\n  throw new Error("made to fail");\n}\n'),
    corrected=script("3_broken.js", "export async function up(db) {\n}\n"),
    scheme="mongodb",
    transactional=False,
)


def setting(name: str) -> str:
    """One variable of the local platform."""
    value = os.environ.get(name)
    if not value:
        pytest.fail(f"{name} is not set: these tests need the local platform (make up; . .local/env)")
    return value


LOGGING_IN = ("hello", "saslStart", "saslContinue")


class Cut(BaseException):
    """The operator died."""


class Recorder(monitoring.CommandListener):
    """Keeps the names of the commands that clients begin while it is switched on, and dies at one of them.

    The driver passes an exception of a listener on when it is none that programs catch.
    """

    def __init__(self) -> None:
        self.commands: list[str] | None = None
        self.last = ""
        self.cut_at: int | None = None
        self.after = False

    @contextmanager
    def on(self, cut_at: int | None = None, *, after: bool = False) -> Iterator[list[str]]:
        """Record; `cut_at` is the number of the command before, or after, which the operator dies."""
        self.commands, self.cut_at, self.after = [], cut_at, after
        try:
            yield self.commands
        finally:
            self.commands = None

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if self.commands is not None and event.command_name not in LOGGING_IN:
            self.last = event.command_name
            self.commands.append(self.last)
            self._die(after=False)

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        if event.command_name not in LOGGING_IN:
            self._die(after=True)

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        if event.command_name not in LOGGING_IN:
            self._die(after=True)

    def _die(self, *, after: bool) -> None:
        if self.commands and after is self.after and len(self.commands) - 1 == self.cut_at:
            self.cut_at = None
            raise Cut


class Connections(monitoring.ConnectionPoolListener):
    """Counts the connections that pools hold, and the most of them since `reset`."""

    def __init__(self) -> None:
        self.now = self.most = 0

    def reset(self) -> None:
        self.now = self.most = 0

    def connection_created(self, event: monitoring.ConnectionCreatedEvent) -> None:
        self.now += 1
        self.most = max(self.most, self.now)

    def connection_closed(self, event: monitoring.ConnectionClosedEvent) -> None:
        self.now -= 1

    def pool_created(self, event: monitoring.PoolCreatedEvent) -> None: ...
    def pool_ready(self, event: monitoring.PoolReadyEvent) -> None: ...
    def pool_cleared(self, event: monitoring.PoolClearedEvent) -> None: ...
    def pool_closed(self, event: monitoring.PoolClosedEvent) -> None: ...
    def connection_ready(self, event: monitoring.ConnectionReadyEvent) -> None: ...
    def connection_check_out_started(self, event: monitoring.ConnectionCheckOutStartedEvent) -> None: ...
    def connection_check_out_failed(self, event: monitoring.ConnectionCheckOutFailedEvent) -> None: ...
    def connection_checked_out(self, event: monitoring.ConnectionCheckedOutEvent) -> None: ...
    def connection_checked_in(self, event: monitoring.ConnectionCheckedInEvent) -> None: ...


RECORDER, CONNECTIONS = Recorder(), Connections()
monitoring.register(RECORDER)  # for every client that is made from here on
monitoring.register(CONNECTIONS)


@asynccontextmanager
async def admin() -> AsyncIterator[MongoClient]:
    """An administrator's client."""
    client: MongoClient = AsyncMongoClient(setting("MONGODB_URL"), serverSelectionTimeoutMS=10_000)
    try:
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def login(claim: DatabaseClaim, credentials: Credentials) -> AsyncIterator[MongoClient]:
    """A preview's own client."""
    host, port = parse_uri(setting("MONGODB_URL"))["nodelist"][0]
    client: MongoClient = AsyncMongoClient(
        host,
        port,
        username=credentials.role,
        password=credentials.password,
        authSource=claim.name,
        serverSelectionTimeoutMS=10_000,
    )
    try:
        yield client
    finally:
        await client.close()


async def is_ferretdb() -> bool:
    """Whether the server is FerretDB; otherwise it has to behave as MongoDB."""
    async with admin() as client:
        return "ferretdb" in await client.admin.command("buildInfo")


async def expected_difference(name: str, *, as_mongodb: bool) -> None:
    """What MongoDB does and FerretDB does not, or the other way round.

    Args:
        name: of the difference.
        as_mongodb: whether the server did as MongoDB does.
    """
    if await is_ferretdb():
        assert not as_mongodb, f"FerretDB, {name!r}: this difference is gone; expect what MongoDB does"
    else:
        assert as_mongodb, f"{name!r} is expected of FerretDB alone, and this server says it is none"


async def refused(attempt: Awaitable[object]) -> bool:
    """Whether the server refuses it."""
    try:
        await attempt
    except OperationFailure:
        return True
    return False


@dataclass
class MongodbWorld:
    """See `tests.contract.database_contract.World`."""

    run: JobRunner
    relay: Relay
    installations: tuple[str, str] = field(
        default_factory=lambda: (f"test-{secrets.token_hex(4)}", f"test-{secrets.token_hex(4)}")
    )
    servers: list[MongodbServer] = field(default_factory=list)
    samples: Samples = SAMPLES

    def __post_init__(self) -> None:
        self.server = self.another()
        self.neighbour = self.another(self.installations[1])

    def another(
        self,
        installation: str | None = None,
        limits: MongodbLimits = DEFAULT_LIMITS,
        url: Secret | None = None,
    ) -> MongodbServer:
        """One more operator's view of the server, as after a restart."""
        given = parse_uri(setting("MONGODB_URL"))
        source = given["options"].get("authsource", given["database"] or "admin")
        relayed = (
            f"mongodb://{given['username']}:{given['password']}@127.0.0.1:{self.relay.port}/"
            f"?authSource={source}&directConnection=true"
        )
        server = MongodbServer(
            url or fixed(relayed),
            setting("MONGODB_PREVIEW_ADDRESS"),
            setting("MONGODB_CLIENT_IMAGE"),
            installation or self.installations[0],
            limits,
        )
        self.servers.append(server)
        return server

    async def migrate(self, *scripts: Script, server: MongodbServer | None = None) -> list[str]:
        """Run scripts in the contract's database; what was told."""
        lines: list[str] = []
        await (server or self.server).migrate(CLAIM, LOGIN, Migration(scripts, lines.append), self.run)
        return lines

    async def make_by_hand(self, name: str) -> None:
        async with admin() as client:
            await client[name]["things"].insert_one({})
            roles = [{"role": "readWrite", "db": name}]
            await client[name].command("createUser", name, pwd="by-hand", roles=roles)

    async def drop_by_hand(self, name: str) -> None:
        async with admin() as client:
            await client.drop_database(name)

    async def exists(self, name: str) -> bool:
        async with admin() as client:
            return bool(await databases(client, [name])) or await has_user(client, name)

    async def can_log_in(self, claim: DatabaseClaim, credentials: Credentials) -> bool:
        async with login(claim, credentials) as client:
            return not await refused(client[claim.name]["things"].find_one())

    async def break_server(self) -> None:
        await self.relay.close()

    async def clean(self, names: tuple[str, ...]) -> None:
        """Drop everything with these names, and the lines of both installations."""
        await asyncio.gather(*(server.close() for server in self.servers))
        async with admin() as client:
            for name in names:
                await client.drop_database(name)
                if await has_user(client, name):
                    await client[name].command("dropUser", name)
            mine = {"installation": {"$in": list(self.installations)}}
            await client[REGISTRY]["databases"].delete_many(mine)


@asynccontextmanager
async def open_world(run: JobRunner, names: tuple[str, ...]) -> AsyncIterator[MongodbWorld]:
    """A world behind a relay; at the end `names` and what was registered are gone."""
    host, port = parse_uri(setting("MONGODB_URL"))["nodelist"][0]
    relay = Relay(host, port)
    await relay.open()
    world = MongodbWorld(run, relay)
    try:
        yield world
    finally:
        await relay.close()
        await world.clean(names)
