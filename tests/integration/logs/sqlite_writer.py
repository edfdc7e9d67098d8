"""A process that writes to a store: `python -m tests.integration.logs.sqlite_writer URL BATCHES`."""

from __future__ import annotations

import asyncio
import os
import sys

from controller.logs.open import open_store
from controller.logs.store import Batch, StoreSettings
from tests.contract.log_store_world import entry

LINES = 100


async def write(url: str, batches: int) -> None:
    """Write batches of entries, and say the number of each one that is stored."""
    store = await open_store(StoreSettings(url, writer=True))
    for batch in range(batches):
        entries = tuple(entry(f"{batch} {line}") for line in range(LINES))
        await store.append(Batch(f"{os.getpid()}-{batch}", entries))
        sys.stdout.write(f"{batch}\n")
        sys.stdout.flush()
    await store.close()


if __name__ == "__main__":
    asyncio.run(write(sys.argv[1], int(sys.argv[2])))
