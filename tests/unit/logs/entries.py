"""Entries for tests, and a store that fails or hangs when it is told to."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from controller.api.errors import BackendUnavailable
from controller.api.names import LogKey
from controller.logs.memory import MemoryStore
from controller.logs.protocol import LogEntry, LogType
from controller.logs.store import Batch

SHOP = LogKey("acme/shop", "11111111-aaaa-4aaa-8aaa-000000000001")
BLOG = LogKey("acme/blog", "22222222-bbbb-4bbb-8bbb-000000000002")
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def entry(
    message: str = "text",
    key: LogKey = SHOP,
    *,
    after: timedelta = timedelta(),
    metadata: dict[str, str | int] | None = None,
) -> LogEntry:
    """One entry, created so long after the beginning."""
    return LogEntry(
        key=key,
        preview_id="pr-7",
        commit="c" * 40,
        type=LogType.CONTAINER,
        message=message,
        created_at=BEGIN + after,
        pr_number=7,
        service="web",
        metadata=metadata or {},
    )


class MoodyStore(MemoryStore):
    """Keeps what it is given, unless it fails, hangs, refuses, or keeps it and says that it did not."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[Batch] = []
        self.hangs = False
        self.refuses = False
        self.loses_answers = False

    async def append(self, batch: Batch) -> None:
        """See LogStore.append."""
        self.batches.append(batch)
        if self.hangs:
            await asyncio.get_running_loop().create_future()
        if self.refuses:
            raise RuntimeError("what no store should raise")
        await super().append(batch)
        if self.loses_answers:
            raise BackendUnavailable("LogStoreUnavailable", "The answer was lost.")

    async def messages(self, key: LogKey = SHOP) -> list[str]:
        """What one log says."""
        return [line.entry.message for line in await self.read(key)]
