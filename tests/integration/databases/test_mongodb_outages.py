"""A server that goes away, hangs and comes back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from controller.api.errors import BackendUnavailable
from controller.databases.mongodb_limits import MongodbLimits
from controller.databases.protocol import JobRunner
from tests.contract.database_contract import CLAIM, LOGIN, SHOP
from tests.integration.databases.mongodb_world import CONNECTIONS, MongodbWorld, open_world

ENOUGH_SECONDS = 15.0


@pytest.fixture
async def world(run: JobRunner) -> AsyncIterator[MongodbWorld]:
    async with open_world(run, (CLAIM.name,)) as opened:
        yield opened


async def test_a_server_that_hangs_is_given_up_in_time(world: MongodbWorld) -> None:
    await world.server.create(CLAIM, LOGIN)
    world.relay.freeze()
    begun = time.monotonic()
    with pytest.raises(BackendUnavailable, match="MongoDB at 127"):
        await world.server.observe(SHOP)
    with pytest.raises(BackendUnavailable):
        await world.another().survey()
    assert time.monotonic() - begun < 2 * ENOUGH_SECONDS
    world.relay.thaw()
    begun = time.monotonic()
    while True:  # the driver looks again by itself
        try:
            (state,) = await world.server.observe(SHOP)
        except BackendUnavailable:
            assert time.monotonic() - begun < ENOUGH_SECONDS
        else:
            break
    assert state.exists


async def test_it_is_found_again_when_it_comes_back(world: MongodbWorld) -> None:
    await world.server.create(CLAIM, LOGIN)
    await world.relay.close()
    for _ in range(2):
        begun = time.monotonic()
        with pytest.raises(BackendUnavailable):
            await world.server.observe(SHOP)
        assert time.monotonic() - begun < ENOUGH_SECONDS
    await world.relay.open()
    begun = time.monotonic()
    (state,) = await world.server.observe(SHOP)
    assert state.exists
    assert time.monotonic() - begun < 5


async def test_many_previews_share_few_connections(world: MongodbWorld) -> None:
    server = world.another(limits=MongodbLimits(admin_connections=2))
    await server.create(CLAIM, LOGIN)
    CONNECTIONS.reset()
    states = await asyncio.gather(*(server.observe(SHOP) for _ in range(100)))
    assert all(state.exists for (state,) in states)
    assert CONNECTIONS.most <= 2


async def test_what_was_begun_is_given_up_when_nobody_wants_it_any_more(world: MongodbWorld) -> None:
    await world.server.create(CLAIM, LOGIN)
    world.relay.freeze()
    looking = asyncio.create_task(world.server.observe(SHOP))
    await asyncio.sleep(0)
    looking.cancel()
    begun = time.monotonic()
    with pytest.raises(asyncio.CancelledError):
        await looking
    assert time.monotonic() - begun < 2
