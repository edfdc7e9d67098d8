"""Logs in one SQLite file, for the operator and the bridge of a single machine.

append ──▶ writing lane ──▶ WAL ──▶ reading lane   ──▶ last, read: what following asks
                                └─▶ searching lane ──▶ text, counts, lists: what may take its time
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Collection, Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path

from controller.api.errors import BackendUnavailable, InvalidSpec
from controller.api.names import LogKey
from controller.logs import sqlite_read
from controller.logs.protocol import LogType
from controller.logs.sqlite_append import append, remove_some
from controller.logs.sqlite_lane import Lane
from controller.logs.sqlite_read import Newest
from controller.logs.sqlite_schema import open_reading, open_writing
from controller.logs.store import EVERYTHING, FIRST_PAGE, Batch, Filter, Line, LogHead, Page
from controller.runtime.output import Positions


class SqliteStore:
    """Implements `LogStore`; of those that share a file, one alone may be the writer."""

    def __init__(self, path: Path, writer: bool = False) -> None:
        self._writing = Lane(path, open_writing if writer else open_reading)
        self._reading = Lane(path, open_reading)
        self._searching = Lane(path, open_reading)
        self._newest = Newest()
        self._path = path
        self._writer = writer

    async def start(self) -> None:
        """Make the file, when this is the writer.

        Raises:
            InvalidSpec: LogStoreInvalid, it cannot be made, or is something else.
        """
        if self._writer:
            try:
                await self._writing.run(_nothing)
            except BackendUnavailable:
                return  # tried again by whoever writes
            except BaseException:
                await self.close()
                raise

    async def append(self, batch: Batch) -> None:
        """See LogStore.append."""
        if batch.entries:
            await self._writing.run(partial(append, batch))

    async def last(self, keys: Collection[LogKey]) -> Mapping[LogKey, int]:
        """See LogStore.last."""
        return await self._reading.run(partial(self._newest.of, tuple(keys)))

    async def read(
        self, key: LogKey, where: Filter = EVERYTHING, page: Page = FIRST_PAGE
    ) -> tuple[Line, ...]:
        """See LogStore.read."""
        lane = self._searching if where.text or page.skip else self._reading
        return await lane.run(partial(sqlite_read.read, key, where, page))

    async def count(self, key: LogKey, where: Filter = EVERYTHING) -> int:
        """See LogStore.count."""
        return await self._searching.run(partial(sqlite_read.count, key, where))

    async def by_type(self, key: LogKey) -> Mapping[LogType, int]:
        """See LogStore.by_type."""
        return await self._searching.run(partial(sqlite_read.by_type, key))

    async def find(self, repository: str, preview_id: str) -> tuple[LogHead, ...]:
        """See LogStore.find."""
        return await self._searching.run(partial(sqlite_read.find, repository.lower(), preview_id))

    async def heads(self) -> tuple[LogHead, ...]:
        """See LogStore.heads."""
        return await self._searching.run(sqlite_read.heads)

    async def positions(self, sources: Collection[str]) -> Mapping[str, Positions]:
        """See LogStore.positions."""
        return await self._searching.run(partial(sqlite_read.positions, tuple(sources)))

    async def remove(self, key: LogKey, through: int) -> int:
        """See LogStore.remove; some at a time, so that appending need not wait for all."""
        gone = 0
        while some := await self._writing.run(partial(remove_some, key, through)):
            gone += some
        return gone

    async def expire(self, after: timedelta | None) -> None:
        """Nothing goes by itself here: whoever keeps the store removes."""

    async def check(self) -> None:
        """See LogStore.check."""
        for lane in (self._writing, self._reading):
            await lane.run(_look)

    async def close(self) -> None:
        """See LogStore.close."""
        for lane in (self._searching, self._reading, self._writing):
            await lane.close()


async def open_sqlite(path: Path, writer: bool) -> SqliteStore:
    """Open the store in a file; one that only reads need not find it yet.

    Raises:
        InvalidSpec: LogStoreInvalid.
    """
    if writer:
        _must_be_possible(path)
    store = SqliteStore(path, writer)
    await store.start()
    return store


def _must_be_possible(path: Path) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError("it is a directory")
        # Not opened to find out: closing it would let go of the locks of whoever reads it in this process.
        if not os.access(path if path.exists() else path.parent, os.W_OK):
            raise PermissionError("permission denied")
    except (PermissionError, NotADirectoryError, FileExistsError, IsADirectoryError) as error:
        raise InvalidSpec(
            "LogStoreInvalid",
            f"LOG_STORE_URL names {path}, which cannot be written ({error}); name another file, or put right "
            "who may write there.",
        ) from error


def _nothing(connection: sqlite3.Connection) -> None:
    """The file was opened, and that is all."""


def _look(connection: sqlite3.Connection) -> None:
    connection.execute("SELECT id FROM logs LIMIT 1").fetchone()
