"""A thread with a connection of its own: SQLite waits there, and never the loop.

await lane.run(work) ──▶ its thread ──▶ the file that is there now, opened anew when it is another ──▶ work
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from controller.logs.sqlite_schema import unavailable

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]
Opener = Callable[[Path], sqlite3.Connection]


class Lane:
    """Does one thing after the other with one file.

    Args:
        path: of the file, absolute.
        opener: opens it.
    """

    def __init__(self, path: Path, opener: Opener) -> None:
        self._path = path
        self._opener = opener
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="log-store")
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None

    async def run(self, work: Work[T]) -> T:
        """What the work gives; one that is cancelled is done to its end nonetheless.

        Raises:
            BackendUnavailable: LogStoreUnavailable.
        """
        try:
            future = asyncio.get_running_loop().run_in_executor(self._pool, self._do, work)
        except RuntimeError as error:
            raise unavailable(self._path, "it was closed") from error
        return await future

    async def close(self) -> None:
        """Wait for what is being done, and let go of the file."""
        try:
            await asyncio.get_running_loop().run_in_executor(self._pool, self._drop)
        except RuntimeError:
            return
        self._pool.shutdown(wait=False)

    def _do(self, work: Work[T]) -> T:
        try:
            return work(self._opened())
        except (sqlite3.OperationalError, OSError) as error:
            self._drop()
            raise unavailable(self._path, error) from error
        except sqlite3.DatabaseError as error:
            # A damaged file is this very class; what is below it is a mistake of ours.
            if type(error) is not sqlite3.DatabaseError:
                raise
            self._drop()
            raise unavailable(self._path, error) from error

    def _opened(self) -> sqlite3.Connection:
        if self._connection is not None and self._file == self._there():
            return self._connection
        self._drop()
        self._connection = self._opener(self._path)
        self._file = self._there()
        return self._connection

    def _there(self) -> tuple[int, int] | None:
        """Which file stands at the path: it may have been taken away, or replaced by another."""
        try:
            status = os.stat(self._path)  # noqa: PTH116 - asked before each piece of work
        except FileNotFoundError:
            return None
        return status.st_dev, status.st_ino

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All that is written inside, or nothing of it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
