"""A bridge with one preview's log, and a browser that opens its page."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.integration.browser.chromium import Window, window
from tests.unit.webhook.logs.opened import Reader
from tests.unit.webhook.rest.world import World, running


@pytest.fixture
async def world() -> AsyncIterator[World]:
    # said here, since the platform around has an address of its own for repositories
    settings = {"github_clone_url": "https://github.com", "api_rate": 100_000, "address_rate": 100_000}
    async with running(**settings) as found:
        yield found


@pytest.fixture
async def reader(world: World) -> Reader:
    return await Reader.of(world)


@pytest.fixture
async def tab(reader: Reader) -> AsyncIterator[Window]:
    async with window(reader) as found:
        yield found
