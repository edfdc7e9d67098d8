from __future__ import annotations

import asyncio

import pytest

from controller.api.errors import BackendUnavailable, NotReady
from controller.lifecycle.disk import KEPT_SECONDS, DiskGuard, amount
from controller.runtime.memory import MemoryRuntime
from tests.unit.controller.manual_clock import ManualClock

GIB = 1024**3


class Counted(MemoryRuntime):
    """Counts how often its disk was looked at; looking takes a turn of the loop."""

    looks = 0

    async def free_bytes(self) -> int:
        self.looks += 1
        await asyncio.sleep(0)
        return await super().free_bytes()


class Site:
    """An engine, a clock, and the guard over them."""

    def __init__(self, minimum: int = 2 * GIB, free: int = 3 * GIB) -> None:
        self.clock = ManualClock()
        self.runtime = Counted()
        self.runtime.engine.disk.free = free
        self.guard = DiskGuard(self.runtime, self.clock, minimum)

    async def refused(self) -> NotReady:
        with pytest.raises(NotReady) as refusal:
            await self.guard.require()
        return refusal.value


async def test_a_build_goes_on_while_there_is_room() -> None:
    site = Site(free=2 * GIB)
    await site.guard.require()
    assert not site.guard.low.is_set()


async def test_below_the_mark_a_build_waits_and_is_told_how_much_is_left_and_what_to_do() -> None:
    site = Site(free=2 * GIB - 1)
    refusal = await site.refused()
    assert refusal.reason == "DiskLow"
    for part in ("2.0 GiB", "MIN_FREE_DISK", "remove images", "by itself"):
        assert part in refusal.message
    assert site.guard.low.is_set()


async def test_many_builds_at_once_ask_the_engine_once() -> None:
    site = Site()
    await asyncio.gather(*(site.guard.require() for _ in range(20)))
    assert site.runtime.looks == 1


async def test_the_engine_is_asked_again_when_its_answer_is_old() -> None:
    site = Site()
    await site.guard.require()
    site.runtime.engine.disk.free = 0
    await site.clock.advance(KEPT_SECONDS - 1)
    await site.guard.require()
    await site.clock.advance(1)
    await site.refused()
    assert site.runtime.looks == 2


async def test_what_was_freed_counts_at_once() -> None:
    site = Site(free=0)
    await site.refused()
    site.runtime.engine.disk.free = 3 * GIB
    site.guard.forget()
    await site.guard.require()


async def test_without_a_mark_nothing_is_asked() -> None:
    site = Site(minimum=0, free=0)
    await site.guard.require()
    assert site.runtime.looks == 0


async def test_an_engine_that_does_not_answer_is_no_full_disk() -> None:
    site = Site()
    site.runtime.engine.unavailable = True
    with pytest.raises(BackendUnavailable):
        await site.guard.require()
    assert not site.guard.low.is_set()
    site.runtime.engine.unavailable = False
    await site.guard.require()


@pytest.mark.parametrize(
    ("size", "said"),
    [(0, "0 MiB"), (300 * 1024**2, "300 MiB"), (GIB, "1.0 GiB"), (3 * GIB // 2, "1.5 GiB")],
)
def test_bytes_are_said_as_people_read_them(size: int, said: str) -> None:
    assert amount(size) == said


async def test_whoever_looks_on_knows_what_was_seen_last_and_a_build_asks_anew() -> None:
    site = Site(free=3 * GIB)
    assert site.guard.free is None
    await site.guard.look()
    assert (site.guard.free, site.guard.required) == (3 * GIB, 2 * GIB)
    site.runtime.engine.disk.free = GIB
    await site.refused()
    assert site.guard.free == GIB


async def test_where_nothing_is_required_nobody_looks() -> None:
    site = Site(minimum=0)
    await site.guard.look()
    assert (site.runtime.looks, site.guard.free) == (0, None)
