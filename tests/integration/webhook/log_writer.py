"""A process that writes lines into a store, as the operator does: `python -m … URL REPOSITORY INCARNATION`.

Each line of its input is a count: so many lines are appended in one batch, then the count is said back.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime

from controller.api.names import LogKey
from controller.logs.open import open_store
from controller.logs.protocol import LogEntry, LogType
from controller.logs.store import Batch, StoreSettings


async def main(url: str, key: LogKey) -> None:
    """Write until the input ends."""
    store = await open_store(StoreSettings(url, writer=True))
    written = 0
    while told := await asyncio.to_thread(sys.stdin.readline):
        entries = tuple(entry(key, written + 1 + index) for index in range(int(told)))
        await store.append(Batch(f"{key.incarnation} {written}", entries))
        written += len(entries)
        sys.stdout.write(f"{written}\n")
        sys.stdout.flush()
    await store.close()


def entry(key: LogKey, number: int) -> LogEntry:
    """A line that holds its number."""
    return LogEntry(key, "pr-42", "a" * 40, LogType.BUILD, f"line {number}", datetime.now(UTC), 42)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], LogKey(sys.argv[2], sys.argv[3])))
