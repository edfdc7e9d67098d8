"""The database server is lost: what previews say meanwhile, how they go on with its dump, and without one."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import docker
import psycopg
import pytest
from psycopg import sql

from controller.core.databases import ROTATION
from controller.databases.postgres import REGISTRY_PREFIX
from dev.backup_databases import POSTGRES, Dumps, Server
from dev.docker_cli import Docker
from tests.integration.operator.polling import until
from tests.integration.operator.space import Space
from tests.integration.recovery.platform import Platform
from tests.integration.recovery.previews import ROW, annotate, answers, condition, deployed, facts, logs_in

pytestmark = pytest.mark.timeout(900)

SERVES_SECONDS = 120.0


class Postgres:
    """The platform's PostgreSQL, which can be lost with all its data."""

    def __init__(self, platform: Platform, folder: Path) -> None:
        self._platform = platform
        self._name = f"previewcloud-{POSTGRES}-{platform.site.installation}"
        self._server = Server(POSTGRES, self._name, platform.env["POSTGRES_URL"])
        self._dumps = Dumps(Docker(platform.env["DOCKER_HOST"]), folder)
        self._client = docker.DockerClient(base_url=platform.env["DOCKER_HOST"], version="auto")

    def dump(self) -> None:
        """As `make backup` does it: pg_dumpall."""
        self._dumps.dump(self._server)

    def lose(self) -> None:
        """The server's machine is gone, its disk too."""
        self._client.containers.get(self._name).remove(force=True)
        self._client.volumes.get(self._name).remove()

    def replace(self) -> None:
        """Another server at the same address, with nothing in it."""
        self._platform.up()

    def restore(self) -> None:
        """As docs/recovery.md has it: no operator meanwhile, the empty registry that it made goes, then psql,
        which stops at the first error.
        """
        self._platform.stop_operator()
        registry = f"{REGISTRY_PREFIX}{self._platform.site.installation}"
        with closing(psycopg.connect(self._platform.env["POSTGRES_URL"], autocommit=True)) as connection:
            dropping = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
            connection.execute(dropping.format(sql.Identifier(registry)))
        self._dumps.load(self._server)
        self._platform.start_operator()

    def close(self) -> None:
        self._client.close()


@pytest.fixture
def postgres(platform: Platform, tmp_path: Path) -> Iterator[Postgres]:
    made = Postgres(platform, tmp_path)
    yield made
    made.close()


async def rotated(space: Space, wish: str) -> None:
    """Wish for another password, and wait until it opens the database."""
    await annotate(space, "shop", "rotate-credentials", wish)

    async def met() -> bool:
        data = await space.secret_data("shop-database") or {}
        return base64.b64decode(data.get(ROTATION, "")).decode() == wish and await logs_in(space, "shop")

    await until(met, SERVES_SECONDS)


async def test_a_server_that_comes_back_from_its_dump_finds_all_previews_as_they_were(
    platform: Platform, space: Space, postgres: Postgres
) -> None:
    seen, _ = await deployed(space, "shop")
    before = facts(space, seen)
    await asyncio.to_thread(postgres.dump)
    await asyncio.to_thread(postgres.lose)
    down = await condition(space, "shop", "DatabaseReady", "DatabaseUnavailable", SERVES_SECONDS)
    assert down.condition("Ready")["status"] == "True"
    await answers(seen.status["url"])
    await asyncio.to_thread(postgres.replace)
    lost = await condition(space, "shop", "DatabaseReady", "DatabaseLost", SERVES_SECONDS)
    assert "restore the server's dump" in lost.condition("DatabaseReady")["message"]
    assert space.engine.databases(before.slug) == []
    await asyncio.to_thread(postgres.restore)
    again = await space.ready("shop", SERVES_SECONDS)
    assert facts(space, again) == before
    assert await logs_in(space, "shop")


async def test_a_dump_from_before_the_last_rotation_goes_on_with_new_passwords(
    platform: Platform, space: Space, postgres: Postgres
) -> None:
    await deployed(space, "shop")
    await asyncio.to_thread(postgres.dump)
    await rotated(space, "2026-01-01T00:00:00Z")
    await asyncio.to_thread(postgres.lose)
    await asyncio.to_thread(postgres.replace)
    await asyncio.to_thread(postgres.restore)
    assert not await logs_in(space, "shop")
    await rotated(space, "2026-02-01T00:00:00Z")
    again = await space.ready("shop", SERVES_SECONDS)
    assert facts(space, again).rows == (ROW,)


async def test_without_a_dump_an_empty_database_is_made_when_it_is_wished_for(
    platform: Platform, space: Space, postgres: Postgres
) -> None:
    seen, _ = await deployed(space, "shop")
    await asyncio.to_thread(postgres.lose)
    await asyncio.to_thread(postgres.replace)
    await condition(space, "shop", "DatabaseReady", "DatabaseLost", SERVES_SECONDS)
    await annotate(space, "shop", "reset-database", "2026-01-01T00:00:00Z")
    again = await space.ready("shop", SERVES_SECONDS)
    assert facts(space, again).rows == ()
    assert again.status["url"] == seen.status["url"]
    assert await logs_in(space, "shop")
