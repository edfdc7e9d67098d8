from __future__ import annotations

import dataclasses
import socket
from collections.abc import AsyncIterator

import aiohttp
import pytest

from controller.api.errors import BackendUnavailable, Conflict, InvalidSpec, NotReady
from controller.clock import WallClock
from controller.health import Health
from controller.routing.serve import open_routing
from controller.routing.settings import RoutingSettings
from controller.routing.traefik import TraefikRouter
from tests.unit.routing.examples import HOST, KEY, route, settings


def free_address() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


@pytest.fixture
def local() -> RoutingSettings:
    return dataclasses.replace(settings(), provider_listen=free_address())


@pytest.fixture
async def router(local: RoutingSettings) -> AsyncIterator[TraefikRouter]:
    async with open_routing(local, Health(WallClock())) as opened:
        yield opened.router


async def test_what_is_published_is_told_to_who_shows_the_token(
    local: RoutingSettings, router: TraefikRouter
) -> None:
    router.publish(KEY, (route(None),))
    router.settle()
    async with aiohttp.ClientSession() as session:
        token = {"Authorization": f"Bearer {local.token}"}
        async with session.get(f"http://{local.provider_listen}/traefik", headers=token) as response:
            assert HOST in await response.text()


async def test_an_address_in_use_is_a_conflict_that_names_it(
    local: RoutingSettings, router: TraefikRouter
) -> None:
    with pytest.raises(Conflict, match=local.provider_listen):
        async with open_routing(local, Health(WallClock())):
            pass


@pytest.mark.parametrize("address", ["8080", "localhost:http", ":1"])
async def test_an_address_without_host_and_port_is_refused(local: RoutingSettings, address: str) -> None:
    with pytest.raises(InvalidSpec, match="host:port"):
        async with open_routing(dataclasses.replace(local, provider_listen=address), Health(WallClock())):
            pass


async def test_an_unsafe_route_is_refused_and_spoils_nobody_elses(router: TraefikRouter) -> None:
    with pytest.raises(InvalidSpec):
        router.publish(KEY, (route(host="a`) || Host(`b"),))
    await router.confirm(KEY, 0.1)


@pytest.mark.parametrize("path", ["@127.0.0.1/", "health", ":80/"])
async def test_a_path_that_could_lead_elsewhere_is_refused(router: TraefikRouter, path: str) -> None:
    with pytest.raises(InvalidSpec, match="slash"):
        await router.probe("pr-1-web-aaaaaaaa", path)


async def test_an_absent_proxy_is_an_unavailable_backend(router: TraefikRouter) -> None:
    with pytest.raises(BackendUnavailable, match="Traefik"):
        await router.probe("pr-1-web-aaaaaaaa", None)


async def test_a_switch_that_the_proxy_never_fetched_is_not_confirmed(router: TraefikRouter) -> None:
    router.publish(KEY, (route(),))
    router.settle()
    with pytest.raises(NotReady, match="has not fetched") as caught:
        await router.confirm(KEY, 0.05)
    assert caught.value.reason == "RouteNotLive"
