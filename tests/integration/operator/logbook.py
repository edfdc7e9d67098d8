"""What an operator's previews said, read from its store as the bridge reads it."""

from __future__ import annotations

from collections.abc import Mapping

from controller.api.errors import BackendUnavailable
from controller.logs.open import open_store
from controller.logs.protocol import LogEntry, LogType
from controller.logs.store import Filter, Line, LogHead, Page, StoreSettings

EACH = 1000


class Logbook:
    """The logs in an operator's store.

    Args:
        settings: the operator's.
    """

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._url = settings["LOG_STORE_URL"]

    async def heads(self) -> tuple[LogHead, ...]:
        """All logs."""
        store = await open_store(StoreSettings(self._url))
        try:
            return await store.heads()
        finally:
            await store.close()

    async def lines(self, preview_id: str = "", *types: LogType) -> tuple[Line, ...]:
        """All that was said about previews of an id (about all where it is empty), in order of time."""
        store = await open_store(StoreSettings(self._url))
        found: list[Line] = []
        try:
            for head in await store.heads():
                after = 0
                while preview_id in ("", head.preview_id):
                    where = Filter(types=frozenset(types), after=after)
                    page = await store.read(head.key, where, Page(limit=EACH))
                    found += page
                    if len(page) < EACH:
                        break
                    after = page[-1].sequence
        finally:
            await store.close()
        return tuple(sorted(found, key=lambda line: line.entry.created_at))

    async def entries(self, preview_id: str = "", *types: LogType) -> tuple[LogEntry, ...]:
        """The same without sequences."""
        return tuple(line.entry for line in await self.lines(preview_id, *types))

    async def text(self, preview_id: str = "", *types: LogType) -> str:
        """The messages, one a line."""
        return "\n".join(entry.message for entry in await self.entries(preview_id, *types))

    async def story(self, lines: int = 40) -> str:
        """The last entries, for whoever reads why a test failed; nothing where there is no store yet."""
        try:
            entries = (await self.entries())[-lines:]
        except BackendUnavailable as error:
            return error.message
        return "\n".join(
            f"{each.created_at:%H:%M:%S} {each.preview_id} {each.message[:200]}" for each in entries
        )
