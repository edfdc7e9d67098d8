from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer

from controller.api.errors import BackendUnavailable, InvalidSpec
from controller.health import Health
from controller.routing.endpoint import provider_app
from controller.routing.feed import ConfigurationFeed
from controller.routing.table import RouteTable
from tests.unit.controller.manual_clock import ManualClock
from tests.unit.routing.examples import KEY, TOKEN, route, settings

AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}


class Endpoint:
    """The endpoint on a free port of loopback, and what stands behind it."""

    def __init__(self, hold_seconds: float) -> None:
        self.table = RouteTable()
        self.feed = ConfigurationFeed(self.table, settings())
        self.health = Health(ManualClock())
        self.server = TestServer(provider_app(self.feed, TOKEN, self.health, hold_seconds))
        self.client = TestClient(self.server)

    async def get(self) -> tuple[int, bytes]:
        async with self.client.get("/traefik", headers=AUTHORIZED) as response:
            return response.status, await response.read()


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    running = Endpoint(hold_seconds=0)
    async with running.client:
        yield running


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer \xff"}])
async def test_without_the_token_nothing_is_shown(endpoint: Endpoint, headers: dict[str, str]) -> None:
    endpoint.table.settle()
    async with endpoint.client.get("/traefik", headers=headers) as response:
        assert response.status == 401
        assert b"catchall" not in await response.read()


def test_an_empty_token_is_refused() -> None:
    with pytest.raises(InvalidSpec, match="ROUTING_TOKEN_FILE"):
        provider_app(ConfigurationFeed(RouteTable(), settings()), "", Health(ManualClock()))


async def test_503_until_settled_then_200_and_the_same_bytes(endpoint: Endpoint) -> None:
    endpoint.table.publish(KEY, (route(),))
    assert (await endpoint.get())[0] == 503
    endpoint.table.settle()
    first = await endpoint.get()
    assert first[0] == 200
    assert b"pr-1-acme.web.localhost" in first[1]
    assert await endpoint.get() == first


async def test_a_conditional_request_is_answered_in_full(endpoint: Endpoint) -> None:
    endpoint.table.settle()
    headers = AUTHORIZED | {"If-None-Match": "*", "If-Modified-Since": "Mon, 01 Jan 2035 00:00:00 GMT"}
    async with endpoint.client.get("/traefik", headers=headers) as response:
        assert response.status == 200


async def test_a_fetch_is_noted(endpoint: Endpoint) -> None:
    endpoint.table.publish(KEY, (route(),))
    endpoint.table.settle()
    await endpoint.get()
    await asyncio.wait_for(endpoint.feed.wait_fetched(endpoint.table.version), 5)


async def test_the_same_connection_is_held_and_a_new_one_is_not() -> None:
    endpoint = Endpoint(hold_seconds=30)
    endpoint.table.settle()
    async with endpoint.client, aiohttp.ClientSession() as newcomer:
        first = await endpoint.get()
        async with newcomer.get(endpoint.server.make_url("/traefik"), headers=AUTHORIZED) as response:
            assert response.status == 200
            await response.read()
        first = await endpoint.get()
        held = asyncio.create_task(endpoint.get())
        done, _ = await asyncio.wait([held], timeout=0.05)
        assert not done
        endpoint.table.publish(KEY, (route(),))
        status, body = await asyncio.wait_for(held, 5)
        assert status == 200
        assert body != first[1]


async def test_health_tells_what_does_not_answer(endpoint: Endpoint) -> None:
    async def well() -> None: ...

    async def down() -> None:
        raise BackendUnavailable("EngineUnavailable", "The engine does not answer.")

    endpoint.health.watch("docker", down)
    endpoint.health.watch("databases.postgres", well)
    async with endpoint.client.get("/health", headers=AUTHORIZED) as response:
        assert response.status == 503
        assert await response.json() == {
            "docker": "The engine does not answer.",
            "databases": {"postgres": "ok"},
        }


async def test_health_is_well_when_all_answer_and_needs_the_token(endpoint: Endpoint) -> None:
    async with endpoint.client.get("/health", headers=AUTHORIZED) as response:
        assert response.status == 200
    async with endpoint.client.get("/health") as response:
        assert response.status == 401
