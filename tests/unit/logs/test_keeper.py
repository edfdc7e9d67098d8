"""Logs stay within their bounds, and nothing leaves the store before it is in the archive."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from obstore.store import MemoryStore as Objects

from controller.api.errors import BackendUnavailable
from controller.api.names import LogKey
from controller.logs.archive import Archive, Part, archived, memory_archive
from controller.logs.archive_objects import ObjectArchive
from controller.logs.keeper import PASS_SECONDS, STEP_LINES, STEPS, Keeper
from controller.logs.memory import MemorySink, MemoryStore
from controller.logs.protocol import LogEntry, LogType
from controller.logs.store import Batch, Line, Page
from tests.unit.controller.manual_clock import ManualClock
from tests.unit.logs.entries import BLOG, SHOP, entry

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
_ALL = Page(1_000_000)


@dataclass(frozen=True)
class Bounds:
    """See keeper.Bounds."""

    log_retention_days: float = 30
    log_entries: int = 1000


class MoodyArchive(ObjectArchive):
    """Keeps parts in memory, unless it fails, for one log or all."""

    def __init__(self) -> None:
        super().__init__(Objects(), "memory")
        self.fails_for: set[LogKey] = set()
        self.puts: list[Part] = []

    async def put(self, key: LogKey, preview_id: str, day: date, lines: Sequence[Line]) -> Part:
        """See Archive.put."""
        if key in self.fails_for:
            raise BackendUnavailable("ArchiveUnavailable", "The log archive cannot be written.")
        self.puts.append(await super().put(key, preview_id, day, lines))
        return self.puts[-1]


class House:
    """A keeper, with what it stands on."""

    def __init__(self, bounds: Bounds | None = None, archive: Archive | None = None) -> None:
        self.store, self.clock, self.sink = MemoryStore(), ManualClock(), MemorySink()
        self.keeper = Keeper(self.store, archive, self.clock, bounds or Bounds(), self.sink)
        self._batches = 0

    async def add(self, count: int, key: LogKey = SHOP, *, age: timedelta = timedelta()) -> None:
        """Store entries that were created so long ago."""
        self._batches += 1
        now = timedelta(seconds=self.clock.seconds)
        entries: tuple[LogEntry, ...] = tuple(entry("text", key, after=now - age) for _ in range(count))
        await self.store.append(Batch(f"token-{self._batches}", entries))

    async def kept(self, key: LogKey = SHOP) -> list[int]:
        """Sequences that are in the store."""
        return [line.sequence for line in await self.store.read(key, page=_ALL)]

    async def health(self) -> str:
        """What is wrong; empty: nothing."""
        try:
            await self.keeper.check()
        except BackendUnavailable as error:
            return str(error)
        return ""


async def of_archive(archive: Archive) -> list[int]:
    """Sequences that are in the archive."""
    return [line.sequence async for line in archived(archive, "acme/shop", "pr-7")]


async def test_what_is_too_old_goes_and_nothing_else() -> None:
    house = House()
    await house.add(3, age=31 * DAY)
    await house.add(2, age=29 * DAY)
    await house.keeper.keep()
    assert await house.kept() == [4, 5]
    assert not house.sink.entries


async def test_an_old_entry_that_came_late_does_not_take_younger_ones_with_it() -> None:
    house = House()
    await house.add(2, age=31 * DAY)
    await house.add(1)
    await house.add(1, age=31 * DAY)
    await house.keeper.keep()
    assert await house.kept() == [3, 4]


async def test_a_log_of_which_nothing_is_young_goes_in_whole() -> None:
    house = House()
    await house.add(3, age=31 * DAY)
    await house.add(3, BLOG)
    await house.keeper.keep()
    assert (await house.kept(), await house.kept(BLOG)) == ([], [1, 2, 3])


async def test_entries_go_in_lumps_within_an_hour_of_their_time() -> None:
    house = House()
    await house.add(1, age=30 * DAY + HOUR / 2)
    await house.add(1, age=30 * DAY - HOUR / 4)
    await house.keeper.keep()
    assert await house.kept() == [1, 2]
    await house.clock.advance((HOUR / 2).total_seconds() + 1)
    await house.keeper.keep()
    assert await house.kept() == []


async def test_of_too_many_the_oldest_go_and_an_entry_says_so() -> None:
    house = House(Bounds(log_entries=1000))
    await house.add(1500)
    await house.keeper.keep()
    assert await house.kept() == list(range(551, 1501))
    (told,) = house.sink.entries
    assert told.message == "The oldest 550 entries were removed: this log keeps 1,000 at most."
    assert (told.key, told.type, told.preview_id, told.pr_number) == (SHOP, LogType.SYSTEM, "pr-7", 7)
    assert told.commit == "c" * 40
    await house.keeper.keep()
    assert len(house.sink.entries) == 1


async def test_a_log_at_its_bound_is_left_alone() -> None:
    house = House(Bounds(log_entries=1000))
    await house.add(1000)
    await house.keeper.keep()
    assert len(await house.kept()) == 1000


async def test_what_goes_is_archived_before_by_day() -> None:
    archive = MoodyArchive()
    house = House(archive=archive)
    for age in (32, 31, 0):
        await house.add(2, age=age * DAY)
    await house.keeper.keep()
    assert await house.kept() == [5, 6]
    assert await of_archive(archive) == [1, 2, 3, 4]
    assert [part.first for part in archive.puts] == [1, 3]


async def test_what_is_too_much_is_archived_too() -> None:
    archive = MoodyArchive()
    house = House(Bounds(log_entries=100), archive)
    await house.add(105)
    await house.keeper.keep()
    assert await of_archive(archive) == list(range(1, 11))
    assert await house.kept() == list(range(11, 106))
    assert "went into the archive" in house.sink.text()


async def test_nothing_is_removed_that_could_not_be_archived() -> None:
    archive = MoodyArchive()
    house = House(archive=archive)
    await house.add(3, age=31 * DAY)
    archive.fails_for = {SHOP}
    await house.keeper.keep()
    assert await house.kept() == [1, 2, 3]
    told = "ArchiveUnavailable: Old entries of logs have not been removed since 2026-01-01 00:00:00 (UTC)"
    assert (await house.health()).startswith(told)
    archive.fails_for = set()
    await house.keeper.keep()
    assert (await house.kept(), await of_archive(archive), await house.health()) == ([], [1, 2, 3], "")


async def test_one_log_that_cannot_be_archived_does_not_hold_up_others() -> None:
    archive = MoodyArchive()
    house = House(archive=archive)
    bad = [LogKey("acme/bad", str(number)) for number in range(3)]
    for key in (*bad, SHOP):
        await house.add(1, key, age=31 * DAY)
    archive.fails_for = set(bad)
    await house.keeper.keep()
    await house.keeper.keep()
    assert await house.kept() == []
    assert [await house.kept(key) for key in bad] == [[1], [1], [1]]


async def test_a_removal_that_broke_off_leaves_each_line_once_in_the_archive(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    archive = MoodyArchive()
    house = House(archive=archive)
    await house.add(4, age=31 * DAY)

    async def broken(key: LogKey, through: int) -> int:
        raise BackendUnavailable("LogStoreUnavailable", "It does not answer.")

    with monkeypatch.context() as patch:
        patch.setattr(house.store, "remove", broken)
        await house.keeper.keep()
    assert "LogStoreUnavailable" in await house.health()
    await house.store.remove(SHOP, 2)
    await house.add(2, age=31 * DAY)
    await house.keeper.keep()
    assert await of_archive(archive) == [1, 2, 3, 4, 5, 6]
    assert await house.kept() == []


async def test_a_pass_is_bounded_and_the_next_one_goes_on() -> None:
    house = House(Bounds(log_entries=100), memory_archive())
    await house.add(STEP_LINES * (STEPS + 1))
    await house.keeper.keep()
    assert len(await house.kept()) == STEP_LINES
    await house.keeper.keep()
    assert len(await house.kept()) == 95


async def test_the_server_expires_entries_only_where_nothing_is_archived() -> None:
    house = House(Bounds(log_retention_days=2))
    await house.keeper.keep()
    assert house.store.expires == 2 * DAY
    house = House(archive=memory_archive())
    house.store.expires = DAY
    await house.keeper.keep()
    assert house.store.expires is None


async def test_it_looks_again_and_again_also_after_a_failure_of_the_store() -> None:
    house = House()
    house.store.available = False
    task = asyncio.create_task(house.keeper.run())
    await house.clock.advance(1)
    assert (await house.health()).startswith("LogStoreUnavailable")
    house.store.available = True
    await house.add(3, age=31 * DAY)
    await house.clock.advance(PASS_SECONDS)
    task.cancel()
    assert (await house.kept(), await house.health()) == ([], "")
