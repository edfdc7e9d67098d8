"""One Traefik, one router and one door for the tests of this folder; each test has a preview of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from controller.clock import WallClock
from controller.health import Health
from controller.routing.serve import open_routing
from tests.integration.routing.proxy import Proxy
from tests.integration.visit.site import Site, opened


@pytest.fixture(scope="package")
def proxy() -> Iterator[Proxy]:
    made = Proxy()
    try:
        made.open()
        yield made
    finally:
        made.close()


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def site(proxy: Proxy) -> AsyncIterator[Site]:
    async with open_routing(proxy.settings, Health(WallClock())) as routing:
        routing.router.settle()
        async with opened(proxy, routing.router, preview_domain="localhost") as made:
            yield made
