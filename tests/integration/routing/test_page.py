"""What no instance serves, on its way to the bridge: who is told of whom, and when a page is live."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from controller.api.errors import NotReady
from controller.clock import WallClock
from controller.health import Health
from controller.routing.serve import open_routing
from controller.routing.traefik import TraefikRouter
from tests.integration.routing.bridge import bridge
from tests.integration.routing.previews import SECRET, OnePreview
from tests.integration.routing.proxy import Proxy

pytestmark = pytest.mark.asyncio(loop_scope="session")

FORGED = {"X-Preview-Page": "pr-9-web", "X-Preview-Forward": "pr-9-web-aaaaaaaa"}


@pytest.fixture
def lone() -> Iterator[Proxy]:
    opened = Proxy()
    try:
        opened.open()
        yield opened
    finally:
        opened.close()


async def test_a_request_reaches_the_bridge_as_the_visitor_made_it(
    proxy: Proxy, router: TraefikRouter
) -> None:
    preview = OnePreview()
    router.publish(preview.key, preview.route(None))
    await router.confirm(preview.key, 30)
    answer = await proxy.ask("DELETE", preview.host, "/a%2Fb?x=1", headers={"X-Mine": "1", **FORGED})
    seen = answer.json()
    assert (seen["method"], seen["host"], seen["path"]) == ("DELETE", preview.host, "/a%2Fb?x=1")
    assert (seen["headers"]["x-mine"], seen["headers"]["x-forwarded-host"]) == ("1", preview.host)


async def test_a_visitor_passes_for_nobody_else(proxy: Proxy, router: TraefikRouter) -> None:
    preview = OnePreview()
    router.publish(preview.key, preview.route(None))
    await router.confirm(preview.key, 30)
    own = (await proxy.ask("GET", preview.host, headers=FORGED)).json()["headers"]
    stranger = (await proxy.ask("GET", "nobody.localhost", headers=FORGED)).json()["headers"]
    assert own["x-preview-page"] == f"{preview.slug}-web"
    assert "x-preview-page" not in stranger
    assert "x-preview-forward" not in own | stranger


@pytest.mark.parametrize("users", [None, SECRET], ids=["open", "behind-a-password"])
async def test_a_page_is_live_once_the_bridge_answers(lone: Proxy, users: str | None) -> None:
    preview = OnePreview(users=users)
    async with open_routing(lone.settings, Health(WallClock())) as routing:
        routing.router.settle()
        routing.router.publish(preview.key, preview.route(None))
        with pytest.raises(NotReady, match=preview.host) as caught:
            await routing.router.confirm(preview.key, 3)
        assert caught.value.reason == "RouteNotLive"
        confirming = asyncio.create_task(routing.router.confirm(preview.key, 30))
        async with bridge(lone.ports["catchall"]):
            await confirming
