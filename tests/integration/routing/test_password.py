from __future__ import annotations

import asyncio

import pytest

from controller.routing.protocol import ProbeState
from controller.routing.traefik import TraefikRouter
from tests.integration.routing.bridge import STATUS
from tests.integration.routing.polling import eventually
from tests.integration.routing.previews import SECRET, OnePreview, go_live, ready
from tests.integration.routing.proxy import Proxy

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_protected_preview_asks_for_its_password(proxy: Proxy, router: TraefikRouter) -> None:
    preview = OnePreview(users=SECRET)
    spec = preview.instance("a")
    await asyncio.to_thread(proxy.start, spec)
    await go_live(router, preview, spec.name)
    assert (await proxy.get(preview.host)).status_code == 401
    assert (await proxy.get(preview.host, password="wrong")).status_code == 401
    served = await proxy.get(preview.host, "/head", password="sesame")
    assert served.status_code == 200
    assert "authorization" not in served.text.lower()


async def test_its_page_asks_for_it_too(proxy: Proxy, router: TraefikRouter) -> None:
    preview = OnePreview(users=SECRET)
    router.publish(preview.key, preview.route(None))
    await router.confirm(preview.key, 10)
    assert (await proxy.get(preview.host)).status_code == 401
    page = await proxy.get(preview.host, password="sesame")
    assert page.status_code == STATUS
    assert page.json()["headers"]["x-preview-page"] == f"{preview.slug}-web"
    assert "authorization" not in page.json()["headers"]


async def test_nobody_passes_for_let_in_without_it_not_even_while_its_router_is_on_the_way(
    proxy: Proxy, router: TraefikRouter
) -> None:
    preview = OnePreview(users=SECRET)
    router.publish(preview.key, preview.route(None))
    asked = await proxy.get(preview.host)
    while asked.status_code != 401:
        assert "x-preview-page" not in asked.json()["headers"]
        asked = await proxy.get(preview.host)


async def test_a_protected_preview_whose_instance_is_gone_still_asks(
    proxy: Proxy, router: TraefikRouter
) -> None:
    preview = OnePreview(users=SECRET)
    spec = preview.instance("a")
    container = await asyncio.to_thread(proxy.start, spec)
    await go_live(router, preview, spec.name)
    await asyncio.to_thread(container.remove, force=True)
    await eventually(lambda: router.probe(spec.name, None), lambda probe: probe.state is ProbeState.UNKNOWN)
    assert (await proxy.get(preview.host)).status_code == 401
    page = await proxy.get(preview.host, password="sesame")
    assert page.status_code == STATUS
    assert page.json()["headers"]["x-preview-page"] == f"{preview.slug}-web"


async def test_the_switch_to_another_password_is_confirmed(proxy: Proxy, router: TraefikRouter) -> None:
    opened, protected = OnePreview(), OnePreview(users=SECRET)
    protected.slug = opened.slug
    await asyncio.to_thread(proxy.start, opened.instance("a"))
    await go_live(router, opened, opened.instance("a").name)
    assert (await proxy.get(opened.host)).status_code == 200
    await asyncio.to_thread(proxy.start, protected.instance("b"))
    await ready(router, protected.instance("b").name)
    router.publish(protected.key, protected.route(protected.instance("b").name))
    await router.confirm(protected.key, 10)
    assert (await proxy.get(opened.host)).status_code == 401
