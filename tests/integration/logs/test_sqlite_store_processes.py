"""The SQLite store as it is used: one process writes, another reads and follows, and either may be killed."""

from __future__ import annotations

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from controller.logs.open import open_store
from controller.logs.store import Filter, LogStore, Page, StoreSettings
from tests.contract.log_store_world import SHOP
from tests.integration.operator.polling import until

SEEN_WITHIN = 30
ROOT = Path(__file__).parents[3]


@pytest.fixture
async def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'logs.db'}"


@pytest.fixture
async def reader(url: str) -> AsyncIterator[LogStore]:
    store = await open_store(StoreSettings(url))
    yield store
    await store.close()


Start = Callable[[int], Awaitable[Process]]


@pytest.fixture
async def start(url: str) -> AsyncIterator[Start]:
    """Another process that writes so many batches of a hundred entries, and says each that is stored."""
    started: list[Process] = []

    async def begin(batches: int) -> Process:
        writer = (sys.executable, "-m", "tests.integration.logs.sqlite_writer", url, str(batches))
        started.append(await asyncio.create_subprocess_exec(*writer, stdout=PIPE, cwd=ROOT))
        return started[-1]

    yield begin
    for process in started:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def said(process: Process) -> list[int]:
    """The batches that were stored, as far as it came."""
    assert process.stdout is not None
    return [int(line) for line in (await process.stdout.read()).split()]


async def follow(reader: LogStore, count: int) -> list[str]:
    """As many messages as they come, each once."""
    seen: list[str] = []
    after = 0
    await until(lambda: there(reader), SEEN_WITHIN)
    async with asyncio.timeout(SEEN_WITHIN):
        while len(seen) < count:
            if (await reader.last([SHOP]))[SHOP] == after:
                await asyncio.sleep(0.001)
                continue
            lines = await reader.read(SHOP, Filter(after=after), Page(1000))
            seen += [line.entry.message for line in lines]
            after = lines[-1].sequence
    return seen


async def there(reader: LogStore) -> bool:
    try:
        return SHOP in await reader.last([SHOP])
    except Exception as error:
        assert "LogStoreUnavailable" in str(error)
        return False


async def test_what_another_process_writes_is_followed_without_gap_or_double(
    start: Start, reader: LogStore
) -> None:
    process = await start(50)
    seen = await follow(reader, 5000)
    assert await said(process) == list(range(50))
    assert await process.wait() == 0
    assert seen == [f"{batch} {line}" for batch in range(50) for line in range(100)]


async def test_a_writer_that_is_killed_loses_nothing_that_it_stored(start: Start, reader: LogStore) -> None:
    process = await start(1_000_000)
    await follow(reader, 300)
    process.send_signal(signal.SIGKILL)
    stored = len(await said(process))
    await process.wait()
    count = await reader.count(SHOP)
    assert count % 100 == 0
    assert count >= stored * 100 > 0
    again = await start(1)
    assert await said(again) == [0]
    assert await again.wait() == 0
    assert (await reader.last([SHOP])) == {SHOP: count + 100}
    lines = await reader.read(SHOP, page=Page(101, last=True))
    assert [line.sequence for line in lines] == list(range(count, count + 101))


async def test_a_reader_that_ends_does_not_disturb_the_writer(start: Start, url: str) -> None:
    process = await start(30)
    for _ in range(20):
        store = await open_store(StoreSettings(url))
        await until(lambda opened=store: there(opened), SEEN_WITHIN)  # type: ignore[misc]
        await store.close()
    assert await said(process) == list(range(30))
    assert await process.wait() == 0
