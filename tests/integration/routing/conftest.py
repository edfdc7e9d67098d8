"""One Traefik and one open router for the tests of this folder; each test has a preview of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from controller.clock import WallClock
from controller.health import Health
from controller.routing.serve import open_routing
from controller.routing.traefik import TraefikRouter
from tests.integration.routing.proxy import Proxy


@pytest.fixture(scope="package")
def proxy() -> Iterator[Proxy]:
    opened = Proxy()
    try:
        opened.open()
        yield opened
    finally:
        opened.close()


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def router(proxy: Proxy) -> AsyncIterator[TraefikRouter]:
    async with open_routing(proxy.settings, Health(WallClock())) as opened:
        opened.settle()
        yield opened
