"""From the table to what the proxy fetches: rendered when it is asked for, kept until the table changes.

A request that knows the newest version already is held until there is a newer one or the hold is over, so
a change reaches the proxy at once and quiet costs next to nothing. Renderings keep a distance that grows
with the table, because each new one makes the proxy rebuild all its routers (0.25 s of CPU with 1,000 of
them).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from controller.certificates import CertificateFiles
from controller.routing.config import render
from controller.routing.settings import RoutingSettings
from controller.routing.table import RouteTable, Signal

SECONDS_PER_ROUTE = 0.001
MAX_DISTANCE_SECONDS = 1.0  # with a hold of 3 s on top still within the proxy's patience of 5 s


@dataclass(frozen=True)
class Snapshot:
    """The configuration of one version of the table."""

    version: int
    body: bytes = field(repr=False)


class ConfigurationFeed:
    """Hands out snapshots of a table and knows which one the proxy fetched last.

    Args:
        table: what is rendered, once it has settled.
        settings: names and addresses that stand in the configuration.
        clock: seconds, monotonic.
        certificate: for the public hosts; a new one makes a new version.
    """

    def __init__(
        self,
        table: RouteTable,
        settings: RoutingSettings,
        clock: Callable[[], float] = time.monotonic,
        certificate: CertificateFiles | None = None,
    ) -> None:
        self._table = table
        self._settings = settings
        self._clock = clock
        self._certificate = certificate
        if certificate is not None:
            certificate.heed(lambda _: table.advance())
        self._snapshot: Snapshot | None = None
        self._not_before = 0.0
        self._fetched = -1
        self._fetch = Signal()

    async def next(self, known: int | None, hold_seconds: float) -> Snapshot | None:
        """The newest snapshot, or None while the table has not settled.

        Args:
            known: the version that the asker has; while it is the newest, the answer waits.
            hold_seconds: how long it waits at most, for a newer version or for the table to settle.
        """
        try:
            async with asyncio.timeout(hold_seconds):
                await self._table.wait_settled()
                if known is not None:
                    await self._table.wait_newer(known)
        except TimeoutError:
            if not self._table.settled:
                return None
        return await self._current()

    def fetched(self, snapshot: Snapshot) -> None:
        """The proxy has been handed this snapshot."""
        self._fetched = snapshot.version
        self._fetch.fire()

    async def wait_fetched(self, version: int) -> None:
        """Return once the proxy has fetched that version or a newer one."""
        while self._fetched < version:
            await self._fetch.wait()

    async def _current(self) -> Snapshot:
        while self._snapshot is None or self._snapshot.version != self._table.version:
            wait = self._not_before - self._clock()
            if wait <= 0:
                return self._render()
            await asyncio.sleep(wait)
        return self._snapshot

    def _render(self) -> Snapshot:
        routes = tuple(self._table.routes())
        pair = self._certificate.pair if self._certificate else None
        snapshot = Snapshot(self._table.version, render(routes, self._settings, pair))
        self._snapshot = snapshot
        self._not_before = self._clock() + min(len(routes) * SECONDS_PER_ROUTE, MAX_DISTANCE_SECONDS)
        return snapshot
