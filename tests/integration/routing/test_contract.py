from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager

import pytest

from controller.routing.traefik import TraefikRouter
from controller.runtime.protocol import InstanceSpec
from tests.contract.routing_contract import RouterContract
from tests.integration.routing.bridge import Bridge
from tests.integration.routing.proxy import Proxy

pytestmark = pytest.mark.asyncio(loop_scope="session")


class TraefikWorld:
    """The real Traefik and the real engine."""

    def __init__(self, proxy: Proxy, router: TraefikRouter, bridge: Bridge) -> None:
        self._proxy = proxy
        self._bridge = bridge
        self.router = router

    async def start(self, spec: InstanceSpec) -> None:
        await asyncio.to_thread(self._proxy.start, spec)

    async def kill(self, name: str) -> None:
        container = await asyncio.to_thread(self._proxy.client.containers.get, name)
        await asyncio.to_thread(container.remove, force=True)

    def page_away(self) -> AbstractAsyncContextManager[None]:
        return self._bridge.away()


class TestTraefikRouter(RouterContract):
    @pytest.fixture
    def world(self, proxy: Proxy, router: TraefikRouter, bridge: Bridge) -> TraefikWorld:
        return TraefikWorld(proxy, router, bridge)
