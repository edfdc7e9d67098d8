from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from controller.api.errors import NotReady
from controller.lifecycle.disk import DiskGuard
from controller.lifecycle.prune import PAUSE_SECONDS, Pruner
from controller.runtime.memory import MemoryRuntime
from controller.runtime.memory_disk import Nameless
from tests.unit.controller.manual_clock import ManualClock, drain

INTERVAL = 1800.0
MIB = 1024**2


class Site:
    """An engine with a pruner at work."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.runtime = MemoryRuntime("ours")
        self.disk = self.runtime.engine.disk
        self.guard = DiskGuard(self.runtime, self.clock, 100 * MIB)
        self.pruner = Pruner(
            self.runtime, self.clock, self.guard, interval_seconds=INTERVAL, cache_bytes=50 * MIB
        )

    def left_behind(self) -> None:
        """A build leaves an image without a name."""
        self.disk.nameless["sha256:left"] = Nameless("ours", 200 * MIB)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    made = Site()
    made.left_behind()
    task = asyncio.create_task(made.pruner.run())
    yield made
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_it_prunes_at_start_and_at_each_interval(site: Site) -> None:
    await drain()
    assert not site.disk.nameless
    site.left_behind()
    await site.clock.advance(INTERVAL - 1)
    assert site.disk.nameless
    await site.clock.advance(1)
    assert not site.disk.nameless


async def test_the_cache_is_kept_to_its_size(site: Site) -> None:
    await drain()
    site.disk.cache_bytes = 80 * MIB
    await site.clock.advance(INTERVAL)
    assert site.disk.cache_bytes == 50 * MIB


async def test_a_build_that_found_no_room_has_it_prune_soon_and_goes_on_then(site: Site) -> None:
    await drain()
    site.left_behind()
    site.disk.free = 0
    with pytest.raises(NotReady):
        await site.guard.require()
    await site.clock.advance(PAUSE_SECONDS)
    assert not site.disk.nameless
    await site.guard.require()


async def test_what_was_freed_is_built_on_at_once(site: Site) -> None:
    await site.clock.advance(INTERVAL - 1)
    site.left_behind()
    site.disk.free = 0
    with pytest.raises(NotReady):
        await site.guard.require()
    await drain()
    await site.guard.require()


async def test_a_disk_that_stays_full_is_not_pruned_all_the_time(site: Site) -> None:
    await drain()
    site.disk.free = 0
    for _ in range(2):
        site.guard.forget()
        with pytest.raises(NotReady):
            await site.guard.require()
        await site.clock.advance(PAUSE_SECONDS)
    site.left_behind()
    site.guard.low.set()
    await site.clock.advance(PAUSE_SECONDS / 2)
    assert site.disk.nameless
    await site.clock.advance(PAUSE_SECONDS)
    assert not site.disk.nameless


async def test_an_engine_that_is_away_is_pruned_the_next_time(site: Site) -> None:
    await drain()
    site.left_behind()
    site.runtime.engine.unavailable = True
    await site.clock.advance(INTERVAL)
    site.runtime.engine.unavailable = False
    assert site.disk.nameless
    await site.clock.advance(INTERVAL)
    assert not site.disk.nameless


async def test_the_cache_is_left_alone_where_no_size_is_set() -> None:
    site = Site()
    site.disk.cache_bytes = 80 * MIB
    await Pruner(site.runtime, site.clock, site.guard, interval_seconds=INTERVAL).once()
    assert site.disk.cache_bytes == 80 * MIB
