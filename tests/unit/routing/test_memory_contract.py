from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from controller.routing.memory import MemoryRouter
from controller.routing.protocol import Probe, ProbeState
from controller.runtime.protocol import InstanceSpec
from tests.contract.routing_contract import RouterContract


class MemoryWorld:
    """The twin, and a set of names for a runtime."""

    def __init__(self) -> None:
        self._running: set[str] = set()
        self.router = MemoryRouter(self._answer)
        self.router.settle()

    async def start(self, spec: InstanceSpec) -> None:
        self._running.add(spec.name)

    async def kill(self, name: str) -> None:
        self._running.discard(name)

    @asynccontextmanager
    async def page_away(self) -> AsyncIterator[None]:
        self.router.page_away = True
        yield
        self.router.page_away = False

    def _answer(self, name: str) -> Probe:
        return Probe(ProbeState.READY, 200) if name in self._running else Probe(ProbeState.UNKNOWN)


class TestMemoryRouter(RouterContract):
    @pytest.fixture
    def world(self) -> MemoryWorld:
        return MemoryWorld()
