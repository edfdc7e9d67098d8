"""What visitors see while the operator or Traefik is away: these tests take down a Traefik of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from controller.api.errors import BackendUnavailable
from controller.clock import WallClock
from controller.health import Health
from controller.routing.serve import open_routing
from controller.runtime.protocol import InstanceSpec
from tests.integration.routing.polling import eventually
from tests.integration.routing.previews import SECRET, OnePreview, go_live, ready
from tests.integration.routing.proxy import Behaviour, Proxy

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def lone() -> Iterator[Proxy]:
    opened = Proxy()
    try:
        opened.open()
        yield opened
    finally:
        opened.close()


async def served_by(
    proxy: Proxy, preview: OnePreview, spec: InstanceSpec, password: str | None = None
) -> None:
    await eventually(
        lambda: proxy.get(preview.host, password=password), lambda answer: answer.text == spec.name
    )


async def test_without_the_operator_traefik_keeps_its_last_answer_and_after_a_restart_the_labels_route(
    lone: Proxy,
) -> None:
    preview = OnePreview()
    old, new = preview.instance("a"), preview.instance("b")
    await asyncio.to_thread(lone.start, old)
    await asyncio.to_thread(lone.start, new, Behaviour(delay=None))
    async with open_routing(lone.settings, Health(WallClock())) as routing:
        router = routing.router
        router.settle()
        await go_live(router, preview, old.name)

    answers = [await lone.get(preview.host) for _ in range(20)]
    assert {answer.text for answer in answers} == {old.name}
    assert {answer.headers.get("X-Preview-Instance") for answer in answers} == {old.name}

    await asyncio.to_thread(lone.restart_traefik)
    await served_by(lone, preview, old)
    # The new instance shares the label's service and does not listen: the retry steps over it.
    by_label = [await lone.get(preview.host) for _ in range(20)]
    assert {(answer.status_code, answer.text) for answer in by_label} == {(200, old.name)}
    assert "X-Preview-Instance" not in by_label[0].headers


async def test_the_operator_comes_back_and_nobody_notices_until_it_has_seen_everything(lone: Proxy) -> None:
    preview = OnePreview()
    spec = preview.instance("a")
    await asyncio.to_thread(lone.start, spec)
    async with open_routing(lone.settings, Health(WallClock())) as routing:
        router = routing.router
        router.settle()
        await go_live(router, preview, spec.name)
    async with open_routing(lone.settings, Health(WallClock())) as routing:
        router = routing.router
        for _ in range(10):
            assert (await lone.get(preview.host)).text == spec.name
        router.publish(preview.key, preview.route(spec.name))
        router.settle()
        await router.confirm(preview.key, 30)
        assert (await lone.get(preview.host)).text == spec.name


async def test_labels_ask_for_the_password_too(lone: Proxy) -> None:
    preview = OnePreview(users=SECRET)
    for spec in (preview.instance("a"), preview.instance("b", port=9090)):
        await asyncio.to_thread(lone.start, spec)
        await served_by(lone, preview, spec, password="sesame")
        assert (await lone.get(preview.host)).status_code == 401


async def test_an_absent_traefik_is_an_unavailable_backend_and_comes_back_by_itself(lone: Proxy) -> None:
    spec = OnePreview().instance("a")
    await asyncio.to_thread(lone.start, spec)
    async with open_routing(lone.settings, Health(WallClock())) as routing:
        router = routing.router
        router.settle()
        await ready(router, spec.name)
        assert lone.traefik is not None
        await asyncio.to_thread(lone.traefik.stop, timeout=2)
        with pytest.raises(BackendUnavailable, match="Traefik"):
            await router.probe(spec.name, None)
        await asyncio.to_thread(lone.restart_traefik)
        await ready(router, spec.name)
