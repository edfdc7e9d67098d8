"""`apply` and `many`: from nothing to the first 200 of two services, against `docker compose up --wait`.

The operator's side has a database with a migration on top; the other side has none.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass

from bench.compose import SERVICES, Project, projects
from bench.figures import Aim, Line, Pair, Ratio
from bench.kubernetes import Object
from bench.operator import operator, remove_all
from bench.previews import Source, host, preview
from bench.repository import commit
from bench.tools import compose, service_image
from bench.world import World, timed

AIM = Aim(1.0)
MANY = 20
NAMESPACE = "bench-start"
MIGRATION = (
    b"CREATE TABLE products (id integer PRIMARY KEY, name text NOT NULL);\n"
    b"INSERT INTO products SELECT n, 'product ' || n FROM generate_series(1, 100) AS n;\n"
)


@dataclass(frozen=True)
class Applied:
    """Some Previews in one file, as they are applied."""

    world: World
    numbers: range
    image: str
    source: Source | None
    """Where migrations are read; without one, the database has none."""

    async def up(self) -> None:
        """`kubectl apply`, then the first 200 of every service of every Preview."""
        world = self.world
        file = world.scratch / "previews.json"
        items = [self._preview(number) for number in self.numbers]
        file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
        await world.run("kubectl", "apply", "--filename", file)
        for number in self.numbers:
            for service in SERVICES:
                where = host(number, service, world["PREVIEW_DOMAIN"])
                await world.until_answers(world["TRAEFIK_HTTP_URL"], where)

    async def down(self) -> None:
        """Delete them and wait until they are gone."""
        await remove_all(self.world, NAMESPACE)

    def _preview(self, number: int) -> Object:
        made = preview(NAMESPACE, number, dict.fromkeys(SERVICES, self.image), self.source)
        scripts = {} if self.source is None else {"migrations": "migrations"}
        made["spec"]["database"] = {"type": "postgres", **scripts}
        return made


async def apply(world: World) -> list[Line]:
    """One Preview against one Compose project; then with a migration on top."""
    migrations = commit(world, {"migrations/001_products.sql": MIGRATION}, "A database")
    return [
        await _measure(world, "apply to first 200, two services + database", Rounds(1, 7)),
        await _measure(world, "the same with a migration", Rounds(1, 3, migrations, aim=None)),
    ]


async def many(world: World) -> list[Line]:
    """Twenty at once on either side."""
    return [await _measure(world, f"{MANY} at once, apply to all answering", Rounds(MANY, 3))]


@dataclass(frozen=True)
class Rounds:
    """How many on either side, how often, and of what."""

    count: int
    pairs: int
    source: Source | None = None
    aim: Aim | None = AIM


async def _measure(world: World, name: str, rounds: Rounds) -> Ratio:
    image = await service_image(world)
    others = projects(world, compose(world), image, rounds.count)
    await world.kubernetes.namespace(NAMESPACE)
    pairs = []
    async with operator(world, image, {}):
        for number in range(rounds.pairs):
            first = 1 + number * rounds.count
            ours = Applied(world, range(first, first + rounds.count), image, rounds.source)
            pairs.append(Pair(await _ours(ours), await _theirs(others)))
            world.progress.say(f"        {pairs[-1].ours:.2f} s against {pairs[-1].theirs:.2f} s")
    return Ratio(name, "PreviewCloud", "docker compose, no database", tuple(pairs), rounds.aim)


async def _ours(previews: Applied) -> float:
    try:
        return await timed(previews.up())
    finally:
        await previews.down()


async def _theirs(others: list[Project]) -> float:
    try:
        return await timed(asyncio.gather(*(project.up() for project in others)))
    finally:
        await asyncio.gather(*(project.down() for project in others))
