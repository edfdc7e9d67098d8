"""The SQLite store, and what is its own: the file, who may make it, and what happens to it meanwhile."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from controller.api.errors import BackendUnavailable, InvalidSpec
from controller.logs.open import open_store
from controller.logs.sqlite_append import REMOVED_AT_ONCE, TOKENS
from controller.logs.store import Batch, LogStore, StoreSettings
from tests.contract.log_query_contract import LogQueryContract
from tests.contract.log_store_contract import LogStoreContract
from tests.contract.log_store_world import OTHER, SHOP, StoreWorld, entry


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "logs" / "with space ?#%.db"


@pytest.fixture
async def world(path: Path) -> AsyncIterator[StoreWorld]:
    opened = StoreWorld(await opened_at(path, writer=True), await opened_at(path))
    yield opened
    await opened.reader.close()
    await opened.writer.close()


async def opened_at(path: Path, writer: bool = False) -> LogStore:
    return await open_store(StoreSettings(f"sqlite:///{path}", writer))


async def refused(store: LogStore) -> str:
    with pytest.raises(BackendUnavailable) as failed:
        await store.read(SHOP)
    assert failed.value.reason == "LogStoreUnavailable"
    return failed.value.message


class TestSqliteStore(LogStoreContract):
    pass


class TestSqliteQueries(LogQueryContract):
    pass


async def test_the_file_is_for_its_owner_alone(world: StoreWorld, path: Path) -> None:
    await world.append(entry())
    files = sorted(path.parent.iterdir())
    assert [file.name.removeprefix(path.name) for file in files] == ["", "-shm", "-wal"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


async def test_a_reader_waits_for_the_file_and_then_goes_on_by_itself(path: Path) -> None:
    reader = await opened_at(path)
    assert "not there yet" in await refused(reader)
    with pytest.raises(BackendUnavailable):
        await reader.check()
    assert not path.parent.exists()
    writer = await opened_at(path, writer=True)
    await writer.append(Batch("a", (entry(),)))
    assert await reader.last([SHOP]) == {SHOP: 1}
    await reader.check()
    await reader.close()
    await writer.close()


async def test_a_reader_cannot_write(world: StoreWorld) -> None:
    with pytest.raises(BackendUnavailable):
        await world.reader.append(Batch("a", (entry(),)))
    assert await world.messages(SHOP) == []


async def test_what_was_stored_is_there_after_a_restart(path: Path) -> None:
    writer = await opened_at(path, writer=True)
    batch = Batch("before the end", (entry("a"),))
    await writer.append(batch)
    await writer.close()
    again = await opened_at(path, writer=True)
    await again.append(batch)
    await again.append(Batch("after it", (entry("b"),)))
    assert [line.entry.message for line in await again.read(SHOP)] == ["a", "b"]
    await again.close()


async def test_a_file_that_was_taken_away_is_made_anew_and_found_by_readers(
    world: StoreWorld, path: Path
) -> None:
    await world.append(entry("a"))
    assert await world.reader.last([SHOP]) == {SHOP: 1}
    for file in path.parent.iterdir():
        file.unlink()
    await refused(world.reader)
    await world.append(entry("b", OTHER))
    assert await world.reader.last([SHOP, OTHER]) == {OTHER: 1}
    assert await world.messages(OTHER) == ["b"]


async def test_a_damaged_file_is_told_and_not_fatal(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"this is no database" * 100)
    reader = await opened_at(path)
    assert "not a database" in await refused(reader)
    await reader.close()


@pytest.mark.parametrize("content", [b"this is no database" * 100, None])
async def test_a_file_of_somebody_else_is_left_alone(path: Path, content: bytes | None) -> None:
    path.parent.mkdir()
    if content is None:
        with sqlite3.connect(path) as foreign:
            foreign.execute("CREATE TABLE theirs (id INTEGER)")
        foreign.close()
    else:
        path.write_bytes(content)
    before = path.read_bytes()
    with pytest.raises(InvalidSpec) as failed:
        await opened_at(path, writer=True)
    assert failed.value.reason == "LogStoreInvalid"
    assert path.read_bytes() == before


async def test_somebody_who_holds_the_file_does_not_hold_the_loop(
    world: StoreWorld, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN IMMEDIATE")
    appending = asyncio.create_task(world.append(entry("a")))
    await asyncio.sleep(0)
    assert await world.messages(SHOP) == []  # readers are not held either
    assert not appending.done()
    holder.execute("ROLLBACK")
    holder.close()
    await appending
    assert await world.messages(SHOP) == ["a"]


async def test_an_append_that_is_cancelled_and_comes_again_is_stored_once(world: StoreWorld) -> None:
    batch = Batch("cut", (entry("a"),))
    appending = asyncio.create_task(world.writer.append(batch))
    await asyncio.sleep(0)
    appending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await appending
    await world.writer.append(batch)
    assert await world.messages(SHOP) == ["a"]


async def test_a_batch_that_fails_leaves_nothing(world: StoreWorld) -> None:
    bad = entry("b", commit=object())
    with pytest.raises(Exception, match="type"):
        await world.append(entry("a"), bad)
    await world.append(entry("c"))
    assert await world.messages(SHOP) == ["c"]


async def test_much_is_removed_in_parts(world: StoreWorld) -> None:
    some = REMOVED_AT_ONCE + 10
    await world.append(*(entry(str(n)) for n in range(some)))
    assert await world.writer.remove(SHOP, some - 1) == some - 1
    assert await world.messages(SHOP) == [str(some - 1)]


async def test_tokens_are_forgotten_in_the_end(world: StoreWorld, path: Path) -> None:
    for number in range(TOKENS + 5):
        await world.writer.append(Batch(f"t{number}", (entry(),)))
    with sqlite3.connect(path) as looking:
        assert looking.execute("SELECT count(*) FROM batches").fetchone() == (TOKENS,)
    looking.close()


async def test_a_closed_store_says_so(path: Path) -> None:
    store = await opened_at(path, writer=True)
    await store.close()
    await store.close()
    assert "closed" in await refused(store)
