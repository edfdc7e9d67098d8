"""Who is counted as a visitor, and who is not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import pytest

from controller.clock import WallClock
from controller.health import Health
from controller.lifecycle.access import AccessBook
from controller.routing.counters import TraefikCounters
from controller.routing.serve import open_routing
from controller.routing.traefik import TraefikRouter
from tests.integration.routing.polling import eventually
from tests.integration.routing.previews import SECRET, OnePreview, go_live
from tests.integration.routing.proxy import Proxy

pytestmark = pytest.mark.asyncio(loop_scope="session")

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def lone() -> Iterator[Proxy]:
    opened = Proxy()
    try:
        opened.open()
        yield opened
    finally:
        opened.close()


async def counted(counters: TraefikCounters, preview: OnePreview) -> Mapping[str, float]:
    """What is counted of one preview, by the ends of its routers' names."""
    prefix = f"{preview.slug}-"
    return {
        name.removeprefix(prefix): count
        for name, count in (await counters.counts()).items()
        if name.startswith(prefix)
    }


async def becomes(counters: TraefikCounters, preview: OnePreview, wanted: Mapping[str, float]) -> None:
    """Traefik counts a request when its answer is out: wait for it."""
    await eventually(lambda: counted(counters, preview), lambda counts: counts == wanted)


async def live(proxy: Proxy, router: TraefikRouter, preview: OnePreview) -> None:
    spec = preview.instance("a")
    await asyncio.to_thread(proxy.start, spec)
    await go_live(router, preview, spec.name)


async def test_requests_by_visitors_are_counted_whatever_they_are(
    proxy: Proxy, router: TraefikRouter, counters: TraefikCounters
) -> None:
    preview = OnePreview()
    await live(proxy, router, preview)
    for method, path in (("GET", "/"), ("HEAD", "/"), ("POST", "/status/201"), ("GET", "/status/500")):
        await proxy.ask(method, preview.host, path)
    await becomes(counters, preview, {"web@http": 4})


async def test_what_the_platform_itself_asks_is_not_counted(
    proxy: Proxy, router: TraefikRouter, counters: TraefikCounters
) -> None:
    preview = OnePreview()
    await live(proxy, router, preview)
    for _ in range(5):
        await router.probe(preview.instance("a").name, "/")
        await router.confirm(preview.key, 30)
    forward = {"X-Preview-Forward": preview.instance("a").name}
    await proxy.ask("GET", preview.host, entry="probe", headers=forward)
    # One visit more, and nothing else: whatever came before it is counted by then, if it is at all.
    await proxy.get(preview.host)
    await becomes(counters, preview, {"web@http": 1})


async def test_who_does_not_know_the_password_is_no_visitor(
    proxy: Proxy, router: TraefikRouter, counters: TraefikCounters
) -> None:
    preview = OnePreview(users=SECRET)
    await live(proxy, router, preview)
    for password in (None, "wrong", "sesame"):
        await proxy.get(preview.host, password=password)
    await becomes(counters, preview, {"web@http": 1})


async def test_who_an_application_itself_refuses_is_a_visitor(
    proxy: Proxy, router: TraefikRouter, counters: TraefikCounters
) -> None:
    preview = OnePreview()
    await live(proxy, router, preview)
    assert (await proxy.get(preview.host, "/status/401")).status_code == 401
    await becomes(counters, preview, {"web@http": 1})


async def test_who_sees_a_page_is_no_visitor(
    proxy: Proxy, router: TraefikRouter, counters: TraefikCounters
) -> None:
    preview, other = OnePreview(), OnePreview()
    router.publish(preview.key, preview.route(None))
    await router.confirm(preview.key, 30)
    await live(proxy, router, other)
    await proxy.get(preview.host)
    await proxy.get(other.host)
    await becomes(counters, other, {"web@http": 1})
    assert await counted(counters, preview) == {}


async def test_a_preview_that_sleeps_and_wakes_counts_anew_and_nobody_visited_it_by_that(
    proxy: Proxy, router: TraefikRouter, counters: TraefikCounters
) -> None:
    preview, book = OnePreview(), AccessBook()
    await live(proxy, router, preview)
    for _ in range(3):
        await proxy.get(preview.host)
    await becomes(counters, preview, {"web@http": 3})
    book.take(await counters.counts(), NOW)
    for instance in (None, preview.instance("a").name):
        router.publish(preview.key, preview.route(instance))
        await router.confirm(preview.key, 30)
        assert preview.slug not in book.take(await counters.counts(), NOW)
    await proxy.get(preview.host)
    await eventually(counters.counts, lambda counts: preview.slug in book.take(counts, NOW))


async def test_a_traefik_that_started_anew_counts_from_zero_and_the_next_visit_is_one(lone: Proxy) -> None:
    preview, book = OnePreview(), AccessBook()
    async with open_routing(lone.settings, Health(WallClock())) as routing:
        routing.router.settle()
        await live(lone, routing.router, preview)
        for _ in range(5):
            await lone.get(preview.host)
        await becomes(routing.counters, preview, {"web@http": 5})
        book.take(await routing.counters.counts(), NOW)
        await asyncio.to_thread(lone.restart_traefik)
        await routing.router.confirm(preview.key, 30)
        assert book.take(await routing.counters.counts(), NOW) == frozenset()
        await lone.get(preview.host)
        await eventually(
            routing.counters.counts, lambda counts: book.take(counts, NOW) == frozenset({preview.slug})
        )


async def test_visits_by_the_labels_alone_are_counted_too(lone: Proxy) -> None:
    preview = OnePreview()
    spec = preview.instance("a")
    await asyncio.to_thread(lone.start, spec)
    await eventually(lambda: lone.get(preview.host), lambda answer: answer.text == spec.name)
    async with open_routing(lone.settings, Health(WallClock())) as routing:
        routing.router.settle()
        counts = await eventually(lambda: counted(routing.counters, preview), bool)
    assert set(counts) == {"web@docker"}
