from __future__ import annotations

import asyncio

import pytest

from controller.api.errors import NotReady
from controller.api.names import PreviewKey
from controller.routing.traefik import TraefikRouter
from tests.integration.routing.bridge import STATUS
from tests.integration.routing.load import load
from tests.integration.routing.previews import OnePreview, go_live, ready
from tests.integration.routing.proxy import Behaviour, Proxy

pytestmark = pytest.mark.asyncio(loop_scope="session")

RETIRE_SECONDS = 1.0  # the product's own delay between the switch and the end of the old instance


@pytest.mark.parametrize("graceful", [True, False], ids=["finishes-requests", "dies-at-once"])
async def test_no_request_fails_over_three_updates_under_load(
    proxy: Proxy, router: TraefikRouter, graceful: bool
) -> None:
    preview = OnePreview()
    old = await asyncio.to_thread(proxy.start, preview.instance("a"))
    await go_live(router, preview, preview.instance("a").name)
    async with load(proxy.ports["web"], preview.host) as seen:
        for revision, port in (("b", 8080), ("c", 9090), ("d", 8080)):
            spec = preview.instance(revision, port)
            new = await asyncio.to_thread(proxy.start, spec, Behaviour(delay=1, graceful=graceful))
            await go_live(router, preview, spec.name)
            before = seen.answers[spec.name]
            await asyncio.sleep(RETIRE_SECONDS)
            await asyncio.to_thread(old.stop, timeout=10)
            await asyncio.to_thread(old.remove, force=True)
            old = new
            assert seen.answers[spec.name] > before
    assert seen.failures == []
    assert seen.requests > 1000
    assert set(seen.answers) == {preview.instance(revision).name for revision in "abcd"}


async def test_confirm_waits_for_an_instance_that_answers(proxy: Proxy, router: TraefikRouter) -> None:
    preview = OnePreview()
    spec = preview.instance("a")
    await asyncio.to_thread(proxy.start, spec, Behaviour(delay=None))
    router.publish(preview.key, preview.route(spec.name))
    with pytest.raises(NotReady, match=preview.host) as caught:
        await router.confirm(preview.key, 2)
    assert caught.value.reason == "RouteNotLive"


async def test_back_to_the_old_instance_is_a_switch_like_any_other(
    proxy: Proxy, router: TraefikRouter
) -> None:
    preview = OnePreview()
    old, new = preview.instance("a"), preview.instance("b")
    for spec in (old, new):
        await asyncio.to_thread(proxy.start, spec)
    for spec in (old, new, old):
        await go_live(router, preview, spec.name)
        assert (await proxy.get(preview.host)).text == spec.name


async def test_a_page_replaces_an_instance_and_an_instance_the_page(
    proxy: Proxy, router: TraefikRouter
) -> None:
    preview = OnePreview()
    router.publish(preview.key, preview.route(None))
    await router.confirm(preview.key, 10)
    await asyncio.to_thread(proxy.start, preview.instance("a"))
    await ready(router, preview.instance("a").name)
    page = await proxy.get(preview.host, "/any?x=1")
    assert page.status_code == STATUS
    assert (page.json()["host"], page.json()["path"]) == (preview.host, "/any?x=1")
    await go_live(router, preview, preview.instance("a").name)
    assert (await proxy.get(preview.host)).status_code == 200


async def test_a_withdrawn_host_is_unknown_again(proxy: Proxy, router: TraefikRouter) -> None:
    preview, other = OnePreview(), OnePreview()
    router.publish(preview.key, preview.route(None))
    await router.confirm(preview.key, 10)
    assert (await proxy.get(preview.host)).headers["X-Preview-Instance"] == "page"
    router.withdraw(preview.key)
    router.publish(other.key, other.route(None))
    await router.confirm(other.key, 10)
    stranger = await proxy.get(preview.host)
    assert stranger.headers["X-Preview-Instance"] == "catchall"
    assert "x-preview-page" not in stranger.json()["headers"]


async def test_confirming_a_preview_that_published_nothing_returns_at_once(router: TraefikRouter) -> None:
    await router.confirm(PreviewKey("test", "nobody"), 0.1)
