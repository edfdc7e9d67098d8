from __future__ import annotations

import pytest

from controller.routing.protocol import Probe, ProbeState
from controller.routing.traefik import TraefikRouter
from tests.integration.routing.bridge import STATUS
from tests.integration.routing.polling import eventually
from tests.integration.routing.previews import OnePreview, ready
from tests.integration.routing.proxy import Behaviour, Proxy

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_an_instance_that_nobody_started_is_unknown(router: TraefikRouter) -> None:
    assert await router.probe("pr-0-web-aaaaaaaa", None) == Probe(ProbeState.UNKNOWN)


@pytest.mark.parametrize("path", [None, "/status/200"])
async def test_an_instance_that_does_not_listen_is_refused(
    proxy: Proxy, router: TraefikRouter, path: str | None
) -> None:
    spec = OnePreview().instance("a")
    container = proxy.start(spec, Behaviour(delay=None))
    known = await eventually(
        lambda: router.probe(spec.name, path), lambda probe: probe.state is not ProbeState.UNKNOWN
    )
    assert known == Probe(ProbeState.REFUSED, 502)
    container.remove(force=True)


async def test_an_instance_that_listens_elsewhere_is_refused(proxy: Proxy, router: TraefikRouter) -> None:
    spec = OnePreview().instance("a")
    proxy.start(spec, Behaviour(port=9090))
    known = await eventually(
        lambda: router.probe(spec.name, None), lambda probe: probe.state is not ProbeState.UNKNOWN
    )
    assert known.state is ProbeState.REFUSED


async def test_what_the_application_answers_decides(proxy: Proxy, router: TraefikRouter) -> None:
    spec = OnePreview().instance("a")
    proxy.start(spec)
    await ready(router, spec.name)
    expected = {
        None: Probe(ProbeState.READY, 200),
        "/status/204?deep=yes": Probe(ProbeState.READY, 204),
        "/moved": Probe(ProbeState.READY, 302),
        "/status/404": Probe(ProbeState.FAILING, 404),
        "/status/500": Probe(ProbeState.FAILING, 500),
        "/status/502": Probe(ProbeState.FAILING, 502),
        "/status/503": Probe(ProbeState.FAILING, 503),
        "/cut": Probe(ProbeState.REFUSED, 502),
        "/long": Probe(ProbeState.READY, 200),
        "//127.0.0.1:1/": Probe(ProbeState.READY, 200),
    }
    assert {path: await router.probe(spec.name, path) for path in expected} == expected


async def test_an_application_cannot_pass_for_another_instance(proxy: Proxy, router: TraefikRouter) -> None:
    spec = OnePreview().instance("a")
    proxy.start(spec)
    await ready(router, spec.name)
    assert (await router.probe(spec.name, "/forge")).state is ProbeState.READY
    assert (await router.probe("somebody-else", "/forge")).state is ProbeState.UNKNOWN


async def test_an_instance_that_is_gone_becomes_unknown(proxy: Proxy, router: TraefikRouter) -> None:
    spec = OnePreview().instance("a")
    container = proxy.start(spec)
    await ready(router, spec.name)
    container.remove(force=True)
    gone = await eventually(
        lambda: router.probe(spec.name, None), lambda probe: probe.state is ProbeState.UNKNOWN
    )
    assert gone == Probe(ProbeState.UNKNOWN)


async def test_the_private_route_is_not_reachable_in_public(proxy: Proxy, router: TraefikRouter) -> None:
    spec = OnePreview(public=False).instance("a")
    proxy.start(spec)
    await ready(router, spec.name)
    answer = await proxy.get(f"{spec.name}.probe.internal")
    assert answer.status_code == STATUS
    assert spec.name not in answer.headers.values()
