from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from controller.clock import WallClock
from controller.health import Health
from controller.routing.serve import open_routing
from tests.integration.routing.previews import OnePreview, go_live
from tests.integration.routing.proxy import Proxy

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def secure() -> Iterator[Proxy]:
    opened = Proxy(tls=True)
    try:
        opened.open()
        yield opened
    finally:
        opened.close()


async def test_a_switch_is_confirmed_over_tls_and_plain_http_stays_closed(secure: Proxy) -> None:
    preview = OnePreview()
    spec = preview.instance("a")
    await asyncio.to_thread(secure.start, spec)
    async with open_routing(secure.settings, Health(WallClock())) as routing:
        router = routing.router
        router.settle()
        await go_live(router, preview, spec.name)
        assert (await secure.get(preview.host)).status_code == 404
