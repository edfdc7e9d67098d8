"""The archive in a bucket, on a server that verifies signatures."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from controller.api.errors import BackendUnavailable
from controller.api.names import LogKey
from controller.clock import WallClock
from controller.logs.archive import Archive, archived, open_archive
from controller.logs.keeper import Keeper
from controller.logs.masks import Masks
from controller.logs.open import open_store
from controller.logs.protocol import LogEntry, LogType
from controller.logs.store import LogStore, Page, StoreSettings
from controller.logs.writer import LogWriter
from tests.integration.logs.s3_server import S3Server
from tests.unit.logs.entries import SHOP
from tests.unit.logs.test_archive import FIRST_DAY, lines, sequences
from tests.unit.logs.test_keeper import Bounds

URL = "s3://logs/of/previews"


@pytest_asyncio.fixture
async def server(tmp_path: Path) -> AsyncIterator[S3Server]:
    """A server with a bucket."""
    server = S3Server(tmp_path)
    server.make_bucket("logs")
    await server.start()
    yield server
    await server.stop()


@pytest_asyncio.fixture
async def store(tmp_path: Path) -> AsyncIterator[LogStore]:
    """A store in a file."""
    store = await open_store(StoreSettings(f"sqlite:///{tmp_path}/logs.db", writer=True))
    yield store
    await store.close()


async def test_lines_come_back_from_a_bucket(server: S3Server) -> None:
    archive = open_archive(URL, server.variables)
    await archive.check()
    assert await archive.parts("acme/shop", "pr-7") == ()
    for _ in range(2):
        part = await archive.put(SHOP, "pr-7", FIRST_DAY, lines(1, 2000))
    assert await archive.parts("acme/shop", "pr-7") == (part,)
    assert await sequences(archive) == list(range(1, 2001))
    assert (server.buckets / "logs/of/previews" / part.path).stat().st_size == part.size


async def test_more_parts_than_a_server_lists_at_once_are_found(server: S3Server) -> None:
    archive = open_archive(URL, server.variables)
    part = await archive.put(SHOP, "pr-7", FIRST_DAY, lines(1, 1))
    original = server.buckets / "logs/of/previews" / part.path
    for number in range(2, 1502):
        original.with_name(f"{number:012d}.jsonl.gz").write_bytes(original.read_bytes())
    assert len(await archive.parts("acme/shop", "pr-7")) == 1501


@pytest.mark.parametrize(
    ("variable", "value"), [("AWS_SECRET_ACCESS_KEY", "another-secret-key"), ("AWS_ACCESS_KEY_ID", "another")]
)
async def test_whoever_has_a_wrong_key_is_told_and_gets_nothing(
    server: S3Server, variable: str, value: str
) -> None:
    own = open_archive(URL, server.variables)
    part = await own.put(SHOP, "pr-7", FIRST_DAY, lines(1, 2))
    archive = open_archive(URL, {**server.variables, variable: value})
    for refused in (
        archive.check(),
        archive.parts("acme/shop", "pr-7"),
        archive.put(SHOP, "pr-7", FIRST_DAY, lines(1, 3)),
        anext(archive.lines(part)),
    ):
        with pytest.raises(BackendUnavailable, match=f"The log archive {URL} cannot be") as raised:
            await refused
        assert raised.value.reason == "ArchiveUnavailable"
        assert not any(secret in str(raised.value) for secret in server.variables.values())
    assert await sequences(own) == [1, 2]


async def test_a_bucket_that_is_not_there_is_told_of(server: S3Server) -> None:
    archive = open_archive("s3://nowhere", server.variables)
    with pytest.raises(BackendUnavailable, match="NoSuchBucket"):
        await archive.put(SHOP, "pr-7", FIRST_DAY, lines(1, 3))


async def test_what_was_written_a_month_ago_moves_from_the_store_into_the_bucket(
    server: S3Server, store: LogStore
) -> None:
    archive = open_archive(URL, server.variables)
    writer = LogWriter(store, Masks([]), WallClock(), lambda: secrets.token_hex(8))
    keeper = Keeper(store, archive, WallClock(), Bounds(), writer)
    now = datetime.now(UTC)
    for age in (40, 35, 20):
        for number in range(100):
            writer.write(_aged(f"{age} days old, {number}", now - timedelta(days=age)))
    await writer.close()

    await server.stop()
    await keeper.keep()
    assert await store.count(SHOP) == 300
    with pytest.raises(BackendUnavailable, match="have not been removed since"):
        await keeper.check()

    await server.start()
    await keeper.keep()
    await keeper.check()
    kept = [line.entry.message for line in await store.read(SHOP, page=Page(1000))]
    assert kept == [f"20 days old, {number}" for number in range(100)]
    assert await _messages(archive) == [f"{age} days old, {n}" for age in (40, 35) for n in range(100)]


async def _messages(archive: Archive) -> list[str]:
    return [line.entry.message async for line in archived(archive, "acme/shop", "pr-7")]


def _aged(message: str, created_at: datetime) -> LogEntry:
    key = LogKey(SHOP.repository, SHOP.incarnation)
    return LogEntry(key, "pr-7", "c" * 40, LogType.BUILD, message, created_at, 7)
