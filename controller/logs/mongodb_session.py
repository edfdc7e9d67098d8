"""The connection to MongoDB: whatever the driver raises leaves here as one of our errors, within seconds.

The driver is given no timeout of its own for an answer: under one, it loses a cancellation that comes while
it sends.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import OperationFailure, PyMongoError

from controller.api.errors import BackendUnavailable, InvalidSpec

Document = dict[str, Any]
Collection = AsyncCollection[Document]

ANSWER_SECONDS = 10.0
SELECT_SECONDS = 3
CONNECTIONS = 16
_WORDS_MAX = 300


class Session:
    """The two collections with entries and logs, and that of positions.

    Args:
        url: mongodb:// or mongodb+srv:// with the name of a database.
        seconds: for everything that is done in one call.

    Raises:
        InvalidSpec: LogStoreInvalid, the URL is none.
    """

    def __init__(self, url: str, seconds: float = ANSWER_SECONDS) -> None:
        try:
            self._client: AsyncMongoClient[Document] = AsyncMongoClient(
                url,
                appname="previewcloud-logs",
                maxPoolSize=CONNECTIONS,
                serverSelectionTimeoutMS=SELECT_SECONDS * 1000,
                connectTimeoutMS=SELECT_SECONDS * 1000,
            )
            database = self._client.get_default_database()
        except (PyMongoError, ValueError, TypeError):
            raise InvalidSpec(
                "LogStoreInvalid",
                "LOG_STORE_URL is not mongodb://user:password@host:port/database, with a database's name "
                "and special characters percent-encoded; correct the setting.",
            ) from None
        self._seconds = seconds
        self._name = database.name
        self.entries: Collection = database["entries"]
        self.logs: Collection = database["logs"]
        self.positions: Collection = database["positions"]

    @asynccontextmanager
    async def answers(self) -> AsyncGenerator[None]:
        """What is done inside is done in time.

        Raises:
            BackendUnavailable: LogStoreUnavailable.
        """
        with _cancellation_kept(), self._translated():
            async with asyncio.timeout(self._seconds):
                yield

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()

    @contextmanager
    def _translated(self) -> Generator[None]:
        try:
            yield
        except TimeoutError:
            raise self._unavailable("it did not answer in time") from None
        except (PyMongoError, OSError) as error:
            raise self._unavailable(_words(error)) from None

    def _unavailable(self, why: str) -> BackendUnavailable:
        return BackendUnavailable(
            "LogStoreUnavailable",
            f"The log store, database {self._name} of MongoDB, cannot be used: {why}. Start it, or correct "
            "LOG_STORE_URL; it is tried again.",
        )


@contextmanager
def _cancellation_kept() -> Generator[None]:
    """Who was cancelled meanwhile is, also when the driver went on, or failed of it."""
    task = asyncio.current_task()
    assert task is not None
    before = task.cancelling()
    try:
        yield
    except Exception:
        if task.cancelling() > before:
            raise asyncio.CancelledError from None
        raise
    if task.cancelling() > before:
        raise asyncio.CancelledError


def _words(error: Exception) -> str:
    """What went wrong; a refused command is not repeated, it holds lines of a log."""
    if isinstance(error, OperationFailure):
        details = error.details or {}
        failed = details.get("writeErrors") or [details]
        return str(failed[0].get("errmsg", error.code))[:_WORDS_MAX]
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:_WORDS_MAX]
