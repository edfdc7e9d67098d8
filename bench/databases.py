"""`databases`: what the operator adds to PostgreSQL's own copying, and what copying saves of running a seed.

The adapter is called as the operator calls it; the seed runs in a container of the engine, as always.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import count

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from bench.errors import BenchFailed
from bench.figures import Aim, Line, Pair, Ratio
from bench.world import World, timed
from controller.api.errors import PreviewError
from controller.api.names import PreviewKey, database_name
from controller.current import fixed
from controller.databases import postgres_catalog, postgres_templates
from controller.databases.postgres import REGISTRY_PREFIX, PostgresServer
from controller.databases.postgres_limits import DEFAULT_LIMITS
from controller.databases.protocol import (
    Blueprint,
    Credentials,
    DatabaseClaim,
    JobRunner,
    Migration,
    Script,
    ScriptKind,
)
from controller.engine.names import Names
from controller.runtime.docker.address import EngineAddress
from controller.runtime.docker.runtime import DockerRuntime
from controller.runtime.docker.settings import DockerSettings
from controller.runtime.docker.transport import EngineClient

COPIES, COPY_AIM = 15, Aim(1.2)
PREVIEWS, SEED_PAIRS, SEED_AIM = 10, 3, Aim(0.2)
SEED_FILES, SEED_FILE_BYTES = 4, 15_000_000
INSTALLATION, RAW = "bench-databases", "bench_raw"
KEYS = count()
"""A template's key each."""


async def databases(world: World) -> list[Line]:
    """Copies of one template in turn; then ten previews at a time."""
    try:
        async with _opened(world) as bench:
            return [*await bench.copies(), await bench.seeds()]
    except (PreviewError, psycopg.Error) as error:
        raise BenchFailed(str(error)) from error


@dataclass(frozen=True)
class _Bench:
    world: World
    run: JobRunner
    server: PostgresServer
    """Keeps templates."""
    plain: PostgresServer
    """The same without any."""
    admin: psycopg.AsyncConnection[TupleRow]
    scripts: tuple[Script, ...]

    async def copies(self) -> list[Line]:
        """`CREATE DATABASE ... TEMPLATE` by hand, then all that makes a preview's database of it."""
        key = _key()
        await self._provision(self.server, 0, key)
        template = await self._template(key)
        blueprint, claim, login = Blueprint(template=key), *_preview(1)
        plain, alike = [], []
        for _ in range(COPIES):
            theirs = await self._raw(template, "")
            same = await self._raw(template, f"STRATEGY {postgres_catalog.strategy(template.bytes)}")
            ours = await timed(self.server.create(claim, login, blueprint))
            await self._check(claim)
            await self.server.drop(claim)
            plain.append(Pair(ours, theirs))
            alike.append(Pair(ours, same))
        await self.server.drop(_preview(0)[0])
        name = f"a preview's database from a template of {template.bytes / 1e6:.0f} MB"
        return [
            Ratio(name, "the adapter", "CREATE DATABASE alone", tuple(plain), COPY_AIM),
            Ratio("the same", "the adapter", "with the adapter's STRATEGY", tuple(alike), None),
        ]

    async def seeds(self) -> Ratio:
        """Ten databases of the same content, of which one runs the seed; then ten that all run it."""
        pairs = []
        for _ in range(SEED_PAIRS):
            ours = await self._ten(self.server, _key())
            pairs.append(Pair(ours, await self._ten(self.plain, "")))
            self.world.progress.say(f"        {pairs[-1].ours:.2f} s against {pairs[-1].theirs:.2f} s")
        name = f"{PREVIEWS} databases with a seed of {SEED_FILES * SEED_FILE_BYTES / 1e6:.0f} MB"
        return Ratio(name, "with templates", "running it each time", tuple(pairs), SEED_AIM)

    async def _ten(self, server: PostgresServer, key: str) -> float:
        seconds = 0.0
        for number in range(PREVIEWS):
            seconds += await timed(self._provision(server, number, key))
        for number in range(PREVIEWS):
            await self._check(_preview(number)[0])
            await server.drop(_preview(number)[0])
        return seconds

    async def _provision(self, server: PostgresServer, number: int, key: str) -> None:
        claim, login = _preview(number)
        await server.create(claim, login, Blueprint(template=key))
        await server.migrate(claim, login, Migration(self.scripts, lambda line: None, key), self.run)

    async def _raw(self, template: postgres_catalog.Template, options: str) -> float:
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} {}").format(
            sql.Identifier(RAW), sql.Identifier(template.name), sql.SQL(options)
        )
        seconds = await timed(self.admin.execute(statement))
        await postgres_catalog.drop_database(self.admin, RAW)
        return seconds

    async def _template(self, key: str) -> postgres_catalog.Template:
        name = postgres_templates.prefix(INSTALLATION)
        query = "SELECT datname, pg_database_size(oid) FROM pg_database WHERE starts_with(datname, %s)"
        row = await (await self.admin.execute(query, [name])).fetchone()
        if row is None:
            raise BenchFailed("the adapter kept no template of the seeded database")
        return postgres_catalog.Template(key, *row)

    async def _check(self, claim: DatabaseClaim) -> None:
        (state,) = [each for each in await self.server.observe(claim.preview) if each.name == claim.name]
        if len(state.ledger) != len(self.scripts):
            raise BenchFailed(f"{claim.name} has {len(state.ledger)} of {len(self.scripts)} scripts")


@asynccontextmanager
async def _opened(world: World) -> AsyncIterator[_Bench]:
    """An installation of its own on the platform's server; nothing of it stays."""
    url, where = world["POSTGRES_URL"], world["POSTGRES_PREVIEW_ADDRESS"]
    keeping, plain = (
        PostgresServer(fixed(url), where, world["POSTGRES_CLIENT_IMAGE"], INSTALLATION, limits)
        for limits in (DEFAULT_LIMITS, replace(DEFAULT_LIMITS, templates=0))
    )
    client = EngineClient(EngineAddress.from_env(world.variables))
    settings = DockerSettings(
        installation=world["INSTALLATION_ID"],
        proxy_network=world["PROXY_NETWORK"],
        tools_image=world["TOOLS_IMAGE"],
        jobs_network=Names.of(world["INSTALLATION_ID"]).jobs_network,
    )
    run = DockerRuntime(client, settings, lambda spec: {}).run_job
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as admin:
        try:
            yield _Bench(world, run, keeping, plain, admin, _scripts())
        finally:
            for number in range(PREVIEWS):
                await plain.drop(_preview(number)[0])
            await plain.sweep()
            for server in (keeping, plain):
                await server.close()
            await client.close()
            for name in (RAW, f"{REGISTRY_PREFIX}{INSTALLATION}"):
                await postgres_catalog.drop_database(admin, name)


def _key() -> str:
    return f"bench{next(KEYS)}"


def _preview(number: int) -> tuple[DatabaseClaim, Credentials]:
    slug = f"bench-{number}"
    claim = DatabaseClaim(database_name(slug), PreviewKey("bench", slug), slug)
    return claim, Credentials(claim.name, "of-the-benchmark")


def _scripts() -> tuple[Script, ...]:
    """A migration, and a seed of several files with lines as pg_dump writes them."""
    table = b"CREATE TABLE product (id integer PRIMARY KEY, name text NOT NULL, note text);\n"
    scripts = [_script(ScriptKind.MIGRATION, "1_product.sql", table)]
    numbers = count()
    for file in range(SEED_FILES):
        lines = [b"COPY product (id, name, note) FROM stdin;"]
        size = 0
        while size < SEED_FILE_BYTES:
            number = next(numbers)
            lines.append(b"%d\tproduct %d\t%s" % (number, number, random.randbytes(80).hex().encode()))
            size += len(lines[-1]) + 1
        content = b"\n".join((*lines, b"\\.", b""))
        scripts.append(_script(ScriptKind.SEED, f"{file}.sql", content))
    return tuple(scripts)


def _script(kind: ScriptKind, name: str, content: bytes) -> Script:
    return Script(kind, name, sha256(content).hexdigest(), content)
