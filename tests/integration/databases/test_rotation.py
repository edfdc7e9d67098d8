"""The administrator's login changes in its file while databases are made, looked at and dropped."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from controller.api.errors import BackendUnavailable
from controller.current import secret_file
from controller.databases.protocol import Credentials, DatabaseClaim, DatabaseServer, JobRunner
from tests.contract.database_contract import CLAIM
from tests.integration.databases import mongodb_world, mysql_world, postgres_world
from tests.integration.databases.administrators import KINDS, Administrators, administrators, url_of
from tests.integration.databases.relay import Relay
from tests.mounted import Mounted

SECONDS = 60.0
AT_ONCE = 2


@dataclass
class Site:
    """A server, its people, and a backend whose login is a mounted Secret."""

    kind: str
    people: Administrators
    relay: Relay
    mounted: Mounted
    server: DatabaseServer
    user: str
    other: str
    done: int = 0
    refused: list[str] = field(default_factory=list)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    def mount(self, user: str, password: str) -> None:
        self.mounted.put(url_of(self.kind, self.relay.port, user, password))

    async def work(self, number: int) -> None:
        """Make a database, look at it and drop it, again and again."""
        claim = _claim(number)
        login = Credentials(self.server.role(claim.name), secrets.token_hex(8))
        while True:
            for call in (
                lambda: self.server.create(claim, login),
                lambda: self.server.observe(claim.preview),
                lambda: self.server.drop(claim),
            ):
                try:
                    await call()
                except BackendUnavailable as error:
                    self.refused.append(error.message)
            await self._said()

    async def _said(self) -> None:
        async with self.changed:
            self.done += 1
            self.changed.notify_all()

    async def some(self) -> None:
        """Until every worker went through its calls once more, from the beginning."""
        goal = self.done + 3 * AT_ONCE
        async with self.changed:
            await asyncio.wait_for(self.changed.wait_for(lambda: self.done >= goal), SECONDS)

    async def cut(self) -> None:
        """End every connection: from now on only who may log in goes on."""
        await self.relay.close()
        await self.relay.open()


def _claim(number: int) -> DatabaseClaim:
    """One of a Preview of its own: whoever looks sees all databases of a Preview."""
    preview = replace(CLAIM.preview, name=f"{CLAIM.preview.name}-{number}")
    return replace(CLAIM, name=f"{CLAIM.name[:-3]}{number}_db", preview=preview)


async def _world(
    kind: str, run: JobRunner, names: tuple[str, ...], stack: AsyncExitStack
) -> mongodb_world.MongodbWorld | mysql_world.MysqlWorld | postgres_world.PostgresWorld:
    if kind == "POSTGRES":
        return await stack.enter_async_context(postgres_world.open_world(run, names))
    if kind == "MONGODB":
        return await stack.enter_async_context(mongodb_world.open_world(run, names))
    return await stack.enter_async_context(mysql_world.open_world(kind, run))


@pytest.fixture(params=KINDS)
async def site(request: pytest.FixtureRequest, run: JobRunner, tmp_path: Path) -> AsyncIterator[Site]:
    kind: str = request.param
    async with AsyncExitStack() as stack:
        people, named = await stack.enter_async_context(administrators(kind))
        user, other = await named(), await named()
        world = await _world(kind, run, (CLAIM.name,), stack)
        await people.allow(user, "first")
        mounted = Mounted(tmp_path)
        mounted.put(url_of(kind, world.relay.port, user, "first"))
        server = world.another(url=secret_file(mounted.path))
        made = Site(kind, people, world.relay, mounted, server, user, other)
        workers = [asyncio.create_task(made.work(number)) for number in range(AT_ONCE)]
        try:
            await made.some()
            yield made
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
            for number in range(AT_ONCE):
                await server.drop(_claim(number))


async def test_another_administrator_takes_over_and_no_call_fails(site: Site) -> None:
    await site.people.allow(site.other, "second")
    site.mount(site.other, "second")
    await site.some()
    await site.people.end(site.user)
    await site.some()
    assert site.refused == []
    await site.cut()
    await site.some()
    await site.server.survey()


async def test_a_password_that_was_changed_is_taken_up_without_a_restart(site: Site) -> None:
    await site.people.allow(site.user, "second")
    await site.cut()
    while not site.refused:
        await site.some()
    site.mount(site.user, "second")
    await site.some()
    refused = len(site.refused)
    await site.some()
    assert site.refused[refused:] == []


async def test_a_file_without_a_url_leaves_the_login_before_it(site: Site) -> None:
    for useless in ("", "no url at all", None):
        site.mounted.put(useless)
        await site.some()
    assert site.refused == []
