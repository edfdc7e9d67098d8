"""A server that goes away, hangs and comes back."""

from __future__ import annotations

import asyncio
import time

import pytest

from controller.api.errors import BackendUnavailable
from controller.databases.postgres_limits import PostgresLimits
from tests.contract.database_contract import CLAIM, LOGIN, SHOP
from tests.integration.databases.postgres_world import PostgresWorld, admin, observed

ENOUGH_SECONDS = 20.0


async def test_a_server_that_hangs_is_given_up_in_time(world: PostgresWorld) -> None:
    await world.server.create(CLAIM, LOGIN)
    world.relay.freeze()
    begun = time.monotonic()
    with pytest.raises(BackendUnavailable):
        await world.server.observe(SHOP)
    with pytest.raises(BackendUnavailable):
        await world.another().survey()
    assert time.monotonic() - begun < 2 * ENOUGH_SECONDS
    world.relay.thaw()
    assert (await observed(world.server)).exists


async def test_it_is_found_again_when_it_comes_back(world: PostgresWorld) -> None:
    await world.server.create(CLAIM, LOGIN)
    await world.relay.close()
    for _ in range(3):
        with pytest.raises(BackendUnavailable):
            await world.server.observe(SHOP)
    await world.relay.open()
    begun = time.monotonic()
    assert (await observed(world.server)).exists
    assert time.monotonic() - begun < 5


async def test_many_previews_share_few_connections(world: PostgresWorld) -> None:
    server = world.another(limits=PostgresLimits(admin_connections=2))
    await server.create(CLAIM, LOGIN)
    looks = asyncio.gather(*(server.observe(SHOP) for _ in range(100)))
    most = 0
    async with await admin() as connection:
        query = (
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'previewcloud' AND datname = %s"
        )
        while not looks.done():
            row = await (await connection.execute(query, [CLAIM.name])).fetchone()
            most = max(most, row[0] if row else 0)
    assert all(state.exists for (state,) in await looks)
    assert most < 10  # closed connections are seen a moment longer
