"""What no instance serves, on its way to the bridge: as it was sent, and who is told of whom."""

from __future__ import annotations

import pytest

from controller.routing.traefik import TraefikRouter
from tests.integration.routing.previews import OnePreview
from tests.integration.routing.proxy import Proxy

pytestmark = pytest.mark.asyncio(loop_scope="session")

FORGED = {"X-Preview-Page": "pr-9-web", "X-Preview-Forward": "pr-9-web-aaaaaaaa"}


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
