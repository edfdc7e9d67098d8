"""The book of Records: what it holds at most, and what it does when it cannot be written."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from controller.api.errors import BackendUnavailable
from tests.contract.bridge_cluster_world import SHOP, MovedClock
from webhook.cluster import book as book_module
from webhook.cluster.book import RecordBook, map_name, record_key
from webhook.cluster.memory import MemoryMaps
from webhook.cluster.records import REMEMBERED, Record
from webhook.subject import Subject


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture
def maps() -> MemoryMaps:
    return MemoryMaps()


@pytest.fixture
async def book(maps: MemoryMaps, clock: MovedClock) -> RecordBook:
    made = RecordBook(maps, clock)
    await made.load()
    return made


def size(maps: MemoryMaps) -> int:
    return sum(len(key) + len(text.encode()) for texts in maps.maps.values() for key, text in texts.items())


async def test_before_it_is_read_nothing_is_written(maps: MemoryMaps, clock: MovedClock) -> None:
    made = RecordBook(maps, clock)
    with pytest.raises(BackendUnavailable):
        await made.remember(SHOP, {"comment": 7})
    with pytest.raises(BackendUnavailable):
        await made.forget([SHOP.identity])
    assert maps.maps == {}


async def test_what_could_not_be_written_is_not_remembered(clock: MovedClock) -> None:
    class Broken(MemoryMaps):
        async def write(self, name: str, changes: Mapping[str, str | None]) -> None:
            raise BackendUnavailable("ClusterUnavailable", "away")

    made = RecordBook(Broken(), clock)
    await made.load()
    with pytest.raises(BackendUnavailable):
        await made.remember(SHOP, {"comment": 7})
    assert made.record(SHOP) == Record()


async def test_changes_of_one_repository_wait_for_each_other(clock: MovedClock) -> None:
    under_way: list[str] = []
    most: list[int] = []

    class Slow(MemoryMaps):
        async def write(self, name: str, changes: Mapping[str, str | None]) -> None:
            under_way.append(name)
            most.append(under_way.count(name))
            await asyncio.sleep(0.001)
            under_way.remove(name)
            await super().write(name, changes)

    made = RecordBook(Slow(), clock)
    await made.load()
    await asyncio.gather(*(made.remember(SHOP, {"comment": n, "deployment": n}) for n in range(1, 10)))
    assert max(most) == 1
    assert made.record(SHOP).comment == 9


async def test_when_it_is_full_the_oldest_forgettable_go_first(
    book: RecordBook, maps: MemoryMaps, clock: MovedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(book_module, "MAP_BYTES", 2000)
    filling = {"notice": "x" * 400}
    await book.remember(Subject("acme/shop", 1), filling)
    clock.ahead += REMEMBERED
    await book.remember(Subject("acme/shop", 2), filling)
    clock.ahead += timedelta(days=1)
    await book.remember(Subject("acme/shop", 3), filling)
    await book.remember(Subject("acme/blog", 1), filling)
    with capture_logs() as logs:
        await book.remember(Subject("acme/shop", 4), {"notice": "x" * 800})
    assert book.records().keys() == {"acme/shop#2", "acme/shop#3", "acme/shop#4", "acme/blog#1"}
    assert maps.maps[map_name("acme/shop")].keys() == {"pr-2", "pr-3", "pr-4"}
    assert logs[0]["forgotten"] == ["acme/shop#1"]
    with capture_logs() as logs:
        await book.remember(Subject("acme/shop", 5), filling)
    assert logs[0]["forgotten"] == ["acme/shop#2"]
    assert size(maps) - len(maps.maps[map_name("acme/blog")]["pr-1"]) < 2100


async def test_a_spec_that_is_too_large_is_left_out_and_that_is_told(book: RecordBook) -> None:
    large: dict[str, object] = {"services": ["x" * book_module.SPEC_BYTES]}
    with capture_logs() as logs:
        record = await book.remember(SHOP, {"spec": large, "closed": None, "comment": 7})
    assert (record.spec, record.comment) == (None, 7)
    assert logs[0]["subject"] == SHOP.identity


async def test_a_branch_has_a_key_that_a_config_map_accepts(book: RecordBook, maps: MemoryMaps) -> None:
    for branch in ("main", "Main", "feature/ü", "x" * 255):
        await book.remember(Subject("acme/shop", None, branch), {"comment": 1})
    keys = maps.maps[map_name("Acme/Shop")]
    assert len(keys) == 4
    assert all(len(key) < 60 and key.replace("-", "").isalnum() and key.isascii() for key in keys)


def test_a_pull_request_counts_before_its_branch() -> None:
    assert record_key(Subject("acme/shop", 42, "main")) == "pr-42"


async def test_a_pull_requests_branch_is_not_remembered(book: RecordBook) -> None:
    record = await book.remember(Subject("acme/shop", 42, "main"), {"comment": 1})
    assert record.branch is None
    again = RecordBook(book._maps, MovedClock())
    await again.load()
    assert again.record(SHOP).comment == 1
