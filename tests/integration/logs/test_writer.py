"""The writer on a file that somebody else holds for a while."""

from __future__ import annotations

import secrets
import sqlite3
from contextlib import closing
from pathlib import Path

from controller.api.errors import BackendUnavailable
from controller.clock import WallClock
from controller.logs.masks import Masks
from controller.logs.open import open_store
from controller.logs.store import Page, StoreSettings
from controller.logs.writer import LogWriter
from tests.integration.operator.polling import until
from tests.unit.logs.entries import SHOP, entry


async def test_what_is_written_while_the_file_is_held_is_stored_once_and_nobody_waits(tmp_path: Path) -> None:
    path = tmp_path / "logs.db"
    store = await open_store(StoreSettings(f"sqlite:///{path}", writer=True))
    writer = LogWriter(store, Masks([]), WallClock(), lambda: secrets.token_hex(8))
    writer.write(entry("before"))
    await until(lambda: store.count(SHOP), 20)

    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("begin immediate")
        for number in range(5000):
            writer.write(entry(str(number)))
        await until(lambda: _health(writer), 30, lambda told: told.startswith("LogsNotKept"))
        assert await store.count(SHOP) == 1  # it can be read all the while
        holder.execute("rollback")

    await until(lambda: store.count(SHOP), 30, lambda count: count == 5001)
    assert not await _health(writer)
    kept = [line.entry.message for line in await store.read(SHOP, page=Page(6000))]
    assert kept == ["before", *map(str, range(5000))]
    await writer.close()
    await store.close()


async def _health(writer: LogWriter) -> str:
    try:
        await writer.check()
    except BackendUnavailable as error:
        return str(error)
    return ""
