"""Which store a URL means."""

from __future__ import annotations

from pathlib import Path

from controller.api.errors import InvalidSpec
from controller.logs.mongodb import MongoStore
from controller.logs.sqlite import open_sqlite
from controller.logs.store import LogStore, StoreSettings

DEFAULT_URL = "sqlite:////var/lib/previewcloud/logs.db"
_FILE = "sqlite:///"
_SERVERS = ("mongodb://", "mongodb+srv://")


async def open_store(settings: StoreSettings) -> LogStore:
    """Open the store that a URL names; a server that does not answer yet is no failure here.

    Raises:
        InvalidSpec: LogStoreInvalid, a URL that names none, or a file that cannot be.
    """
    url = settings.url
    if url.startswith(_FILE) and not url.startswith("sqlite:///:") and not url.endswith("/"):
        return await open_sqlite(Path.cwd() / url.removeprefix(_FILE), settings.writer)
    if url.startswith(_SERVERS):
        return MongoStore(url, settings.writer)
    raise InvalidSpec(
        "LogStoreInvalid",
        "LOG_STORE_URL names no log store; give sqlite:////path/to/file, or mongodb://host/database.",
    )
