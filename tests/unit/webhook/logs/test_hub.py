"""What following costs: one question for all logs, each line read and written down once, bounded memory."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping
from contextlib import AsyncExitStack

import pytest

from controller.api.names import LogKey
from controller.clock import WallClock
from controller.logs.memory import MemoryStore
from controller.logs.store import EVERYTHING, FIRST_PAGE, Filter, Line, Page
from tests.unit.webhook.logs.rig import Lines
from tests.unit.webhook.rest.world import until
from webhook.logs import followed as followed_logs
from webhook.logs.followed import KEPT, KEPT_BYTES, Followed, Reader, Want
from webhook.logs.frames import Wire
from webhook.logs.hub import Hub

ONE, TWO = LogKey("acme/shop", "one"), LogKey("acme/shop", "two")
WANT = Want(Wire.EVENTS)


class CountedStore(MemoryStore):
    """Counts what it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: Counter[str] = Counter()
        self.together = 0

    async def last(self, keys: Collection[LogKey]) -> Mapping[LogKey, int]:
        self.asked["last"] += 1
        self.together = max(self.together, len(keys))
        return await super().last(keys)

    async def read(
        self, key: LogKey, where: Filter = EVERYTHING, page: Page = FIRST_PAGE
    ) -> tuple[Line, ...]:
        self.asked["read"] += 1
        return await super().read(key, where, page)


async def drained(reader: Reader) -> str:
    """All that a reader can have now."""
    found = b""
    while not reader.live:
        found += await reader.read()
    while data := reader.take():
        found += data
    return found.decode()


async def test_one_question_and_one_reading_serve_all_readers() -> None:
    store = CountedStore()
    hub = Hub(store, WallClock())
    async with AsyncExitStack() as stack:
        readers = [
            await stack.enter_async_context(hub.follow(key, WANT, asyncio.Event()))
            for key in (ONE, TWO)
            for _ in range(100)
        ]
        for reader in readers:
            await drained(reader)
        store.asked.clear()
        await Lines(store, ONE).number(3)
        await hub.look()
        assert store.asked == {"last": 1, "read": 1} and store.together == 2
        assert {(await drained(reader)).count("\n\n") for reader in readers[:100]} == {3}
        assert {await drained(reader) for reader in readers[100:]} == {""}


async def test_readers_at_one_place_share_the_very_bytes() -> None:
    store = MemoryStore()
    hub = Hub(store, WallClock())
    async with hub.follow(ONE, WANT, asyncio.Event()) as one, hub.follow(ONE, WANT, asyncio.Event()) as two:
        assert (await drained(one), await drained(two)) == ("", "")
        await Lines(store, ONE).number(3)
        await hub.look()
        assert one.take() is two.take()


class Paced(WallClock):
    """A clock that lets sleepers go on when a test says so."""

    def __init__(self) -> None:
        self.sleeps = 0
        self.go = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.sleeps += 1
        await self.go.wait()
        self.go.clear()


async def test_nobody_follows_and_nothing_is_asked() -> None:
    store, clock = CountedStore(), Paced()
    hub = Hub(store, clock)
    async with hub.running():
        async with hub.follow(ONE, WANT, asyncio.Event()):
            await until(lambda: clock.sleeps == 1)
            assert store.asked["last"] == 2
        clock.go.set()
        await until(lambda: not clock.go.is_set())
        async with hub.follow(TWO, WANT, asyncio.Event()):
            await until(lambda: clock.sleeps == 2)
            assert store.asked["last"] == 4 and len(hub) == 1


async def test_a_burst_is_read_in_pages_and_all_of_it_reaches_who_keeps_up() -> None:
    store = CountedStore()
    hub = Hub(store, WallClock())
    bell = asyncio.Event()
    async with hub.follow(ONE, WANT, bell) as reader:
        found = await drained(reader)

        async def take() -> None:
            nonlocal found
            while found.count("\n\n") < 30_000:
                await bell.wait()
                bell.clear()
                found += await drained(reader)

        taking = asyncio.create_task(take())
        await Lines(store, ONE).number(30_000)
        await hub.look()
        await asyncio.wait_for(taking, 10)
        assert reader.missed() == 0
        assert found.count("\n\n") == 30_000 and "id: 30000\n" in found


async def test_lines_that_were_removed_meanwhile_are_no_obstacle() -> None:
    store = MemoryStore()
    hub, lines = Hub(store, WallClock()), Lines(store, ONE)
    async with hub.follow(ONE, WANT, asyncio.Event()) as reader:
        await drained(reader)
        await lines.number(10)
        await store.remove(ONE, 10)
        await hub.look()
        await lines.number(1)
        await hub.look()
        assert "id: 11\n" in await drained(reader)


def followed(where: Filter = EVERYTHING, after: int | None = 0) -> tuple[Followed, Reader]:
    log = Followed(ONE, 0)
    reader = Reader(log, MemoryStore(), Want(Wire.EVENTS, where, after), asyncio.Event())
    log.readers.add(reader)
    return log, reader


async def published(log: Followed, count: int, service: str = "web", message: str = "x") -> None:
    store = MemoryStore()
    writer = Lines(store, ONE)
    await writer.say(*(message for _ in range(count)), service=service)
    lines = await store.read(ONE, EVERYTHING, Page(count))
    moved = [Line(log.position + line.sequence, line.entry) for line in lines]
    log.publish(moved, log.position + count)


async def test_who_is_too_far_behind_misses_the_oldest_and_is_told_how_many() -> None:
    log, reader = followed()
    await published(log, KEPT + 7)
    assert reader.missed() == 7 and reader.missed() == 0
    assert (await drained(reader)).startswith("id: 8\n")
    await published(log, 5)
    assert reader.missed() == 0


async def test_only_lines_that_were_wanted_and_not_had_are_missed() -> None:
    log, reader = followed(Filter(services=frozenset({"api"})))
    await published(log, 2, "api")
    assert (await drained(reader)).count("\n\n") == 2
    await published(log, 3, "api")
    await published(log, 5, "web")
    await published(log, KEPT, "web")
    assert reader.missed() == 3
    await published(log, 1, "api")
    assert (await drained(reader)).count("\n\n") == 1


async def test_what_is_kept_is_bounded_in_lines_and_in_bytes() -> None:
    log, _ = followed()
    await published(log, KEPT * 2)
    assert len(log) == KEPT
    await published(log, 1_000, message="x" * 16_000)
    assert len(log) <= KEPT_BYTES // 16_000


async def test_who_still_reads_what_was_before_misses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(followed_logs, "KEPT", 10)
    store = MemoryStore()
    hub, lines = Hub(store, WallClock()), Lines(store, ONE)
    await lines.number(500)
    async with hub.follow(ONE, Want(Wire.EVENTS, after=0), asyncio.Event()) as reader:
        found = (await reader.read()).decode()
        await lines.number(500)
        await hub.look()
        found += await drained(reader)
        assert found.count("\n\n") == 1_000 and reader.missed() == 0


async def test_a_reader_takes_no_more_at_once_than_fits() -> None:
    log, reader = followed()
    await published(log, 200, message="x" * 10_000)
    sizes = []
    while data := reader.take():
        sizes.append(len(data))
    assert len(sizes) > 10 and max(sizes) < 200_000


async def test_a_page_of_long_lines_is_shorter() -> None:
    store = CountedStore()
    lines = Lines(store, ONE)
    await lines.say(*("x" * 16_000 for _ in range(300)))
    hub = Hub(store, WallClock())
    async with hub.follow(ONE, Want(Wire.EVENTS, after=0), asyncio.Event()) as reader:
        sizes = []
        while not reader.live:
            sizes.append(len(await reader.read()))
    assert sum(sizes) > 300 * 16_000 and max(sizes[1:]) < 200_000
