from collections.abc import AsyncIterator

import pytest

from tests.integration.browser.chromium import Window, window
from tests.unit.webhook.logs.opened import Reader
from tests.unit.webhook.rest.world import World, running


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with running(api_rate=100_000, address_rate=100_000) as found:
        yield found


@pytest.fixture
async def reader(world: World) -> Reader:
    return await Reader.of(world)


@pytest.fixture
async def tab(reader: Reader) -> AsyncIterator[Window]:
    async with window(reader) as found:
        yield found
