"""A MySQL server that goes away, hangs and comes back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from controller.api.errors import BackendUnavailable
from controller.current import fixed
from controller.databases.mysql_limits import MysqlLimits
from controller.databases.mysql_session import read_url
from controller.databases.protocol import JobRunner
from tests.contract.database_contract import CLAIM, LOGIN, SHOP
from tests.integration.databases.mysql_world import KINDS, MysqlWorld, connected, open_world

ENOUGH_SECONDS = 12.0


@pytest.fixture(params=KINDS)
async def world(request: pytest.FixtureRequest, run: JobRunner) -> AsyncIterator[MysqlWorld]:
    async with open_world(request.param, run) as opened:
        yield opened


async def connections(world: MysqlWorld, link_user: str) -> int:
    """How many sessions of the operator the server has, that of the question among them."""
    async with connected(world.root) as link:
        query = "SELECT count(*) FROM information_schema.PROCESSLIST WHERE USER = %s AND COMMAND <> 'Daemon'"
        ((count,),) = await link.execute(query, [link_user])
    return int(count)


async def test_a_server_that_hangs_is_given_up_in_time(world: MysqlWorld) -> None:
    await world.server.create(CLAIM, LOGIN)
    world.relay.freeze()
    begun = time.monotonic()
    with pytest.raises(BackendUnavailable, match="did not answer in time"):
        await world.server.observe(SHOP)
    with pytest.raises(BackendUnavailable, match="did not answer in time"):
        await world.another().survey()
    assert time.monotonic() - begun < 2 * ENOUGH_SECONDS
    world.relay.thaw()
    assert (await world.server.observe(SHOP))[0].exists


async def test_it_is_found_again_when_it_comes_back(world: MysqlWorld) -> None:
    await world.server.create(CLAIM, LOGIN)
    await world.relay.close()
    for _ in range(3):
        with pytest.raises(BackendUnavailable):
            await world.server.observe(SHOP)
    await world.relay.open()
    begun = time.monotonic()
    assert (await world.server.observe(SHOP))[0].exists
    assert time.monotonic() - begun < 5


async def test_connections_that_the_server_closed_are_replaced(world: MysqlWorld) -> None:
    await world.server.create(CLAIM, LOGIN)
    await world.relay.close()
    await world.relay.open()
    deadline = time.monotonic() + 10  # one just used may be tried once without asking whether it lives
    while True:
        try:
            assert (await world.server.observe(SHOP))[0].exists
            break
        except BackendUnavailable:
            assert time.monotonic() < deadline


async def test_many_previews_share_few_connections(world: MysqlWorld) -> None:
    server = world.another(limits=MysqlLimits(admin_connections=2))
    await server.create(CLAIM, LOGIN)
    opened = 0
    accept = world.relay._connect

    async def counted() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        nonlocal opened
        opened += 1
        return await accept()

    world.relay._connect = counted  # type: ignore[method-assign]
    states = await asyncio.gather(*(server.observe(SHOP) for _ in range(100)))
    assert all(found[0].exists for found in states)
    assert opened <= 2


async def test_a_slow_statement_of_one_holds_up_no_other(world: MysqlWorld) -> None:
    await world.server.create(CLAIM, LOGIN)
    async with connected(world.login(LOGIN), CLAIM.name) as link:
        await link.execute("CREATE TABLE previewcloud_migrations (id int) ENGINE = InnoDB")
        await link.execute("LOCK TABLES previewcloud_migrations WRITE")
        slow = asyncio.create_task(world.server.observe(SHOP))
        begun = time.monotonic()
        for _ in range(10):
            assert await world.server.survey() == {CLAIM.name}
        assert time.monotonic() - begun < 2
        assert not slow.done()
        assert [state.exists for state in await slow] == [True]


async def test_a_wrong_login_of_the_administrator_is_told_without_it(world: MysqlWorld) -> None:
    login = read_url("mysql://nobody:secret%2Fword@127.0.0.1:3306")
    assert login.password == "secret/word"
    url = f"mysql://nobody:secret%2Fword@127.0.0.1:{world.relay.port}"
    server = world.another(url=fixed(url))
    with pytest.raises(BackendUnavailable, match="Access denied") as refused:
        await server.survey()
    assert "secret" not in str(refused.value)
