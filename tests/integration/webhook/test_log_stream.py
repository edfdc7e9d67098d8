"""Logs followed on real stores, while another process writes: no gap, no double, whatever breaks."""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from pymongo import AsyncMongoClient

from controller.api.preview import Preview
from controller.logs.open import open_store
from controller.logs.store import StoreSettings
from tests.unit.webhook.logs.rig import Heard, Site, followed, streaming

BATCHES, EACH = 40, 150
TOTAL = BATCHES * EACH


@pytest.fixture
def file_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/logs.db"


@pytest.fixture(params=["sqlite", "mongodb"])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """A store that is empty."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/logs.db"
        return
    parts = urlsplit(os.environ["MONGODB_URL"])
    name = f"log_stream_test_{secrets.token_hex(4)}"
    yield urlunsplit(parts._replace(path=f"/{name}"))
    async with AsyncMongoClient[dict[str, object]](os.environ["MONGODB_URL"]) as client:
        await client.drop_database(name)


class Writer:
    """The process that writes."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def write(self, count: int) -> None:
        """Come back when that many more lines are stored."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(b"%d\n" % count)
        assert await asyncio.wait_for(self._process.stdout.readline(), 30), "the writer ended"


@asynccontextmanager
async def writing(url: str, preview: Preview) -> AsyncIterator[Writer]:
    module = "tests.integration.webhook.log_writer"
    key = preview.log_key
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, url, key.repository, key.incarnation, stdin=PIPE, stdout=PIPE
    )
    try:
        yield Writer(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        assert await process.wait() == 0


@asynccontextmanager
async def reading(url: str) -> AsyncIterator[Site]:
    store = await open_store(StoreSettings(url))
    try:
        async with streaming(store=store) as site:
            yield site
    finally:
        await store.close()


async def test_every_line_of_another_process_comes_once_and_in_order(url: str) -> None:
    async with reading(url) as site, writing(url, await site.made()) as writer:
        await writer.write(250)
        async with followed(site, "?after=0") as all_of_it, followed(site) as newest:
            assert await newest.numbers(1) == [151]
            hearing = asyncio.gather(all_of_it.numbers(250 + TOTAL), newest.numbers(99 + TOTAL))
            for _ in range(BATCHES):
                await writer.write(EACH)
            whole, part = await asyncio.wait_for(hearing, 60)
    assert whole == list(range(1, 251 + TOTAL))
    assert part == list(range(152, 251 + TOTAL))


async def test_a_reader_that_comes_back_again_and_again_has_no_gap_and_no_double(url: str) -> None:
    async with reading(url) as site, writing(url, await site.made()) as writer:
        found: list[int] = []

        async def come_and_go() -> None:
            while len(found) < TOTAL:
                async with followed(site, f"?after={len(found)}") as heard:
                    await some(heard, found)

        coming = asyncio.create_task(come_and_go())
        for _ in range(BATCHES):
            await writer.write(EACH)
        await asyncio.wait_for(coming, 60)
    assert found == list(range(1, TOTAL + 1))


async def some(heard: Heard, found: list[int]) -> None:
    """Take a few hundred lines, or what is left."""
    for _ in range(min(700, TOTAL - len(found))):
        found += await heard.numbers(1)


async def test_a_stream_waits_for_a_file_that_nobody_has_made_yet(file_url: str) -> None:
    async with reading(file_url) as site:
        preview = await site.made()
        async with followed(site) as heard:
            assert (await heard.next("error"))["message"]
            async with writing(file_url, preview) as writer:
                await writer.write(3)
                assert await heard.numbers(3) == [1, 2, 3]
