"""One Traefik, one open routing and one stand-in for the bridge; each test has a preview of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from controller.clock import WallClock
from controller.health import Health
from controller.routing.counters import TraefikCounters
from controller.routing.serve import Routing, open_routing
from controller.routing.traefik import TraefikRouter
from tests.integration.routing.bridge import Bridge
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
async def bridge(proxy: Proxy) -> AsyncIterator[Bridge]:
    stand_in = Bridge(proxy.ports["catchall"])
    async with stand_in.opened():
        yield stand_in


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def routing(proxy: Proxy, bridge: Bridge) -> AsyncIterator[Routing]:
    async with open_routing(proxy.settings, Health(WallClock())) as opened:
        opened.router.settle()
        yield opened


@pytest.fixture(scope="package")
def router(routing: Routing) -> TraefikRouter:
    return routing.router


@pytest.fixture(scope="package")
def counters(routing: Routing) -> TraefikCounters:
    return routing.counters
