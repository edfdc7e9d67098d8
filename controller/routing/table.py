"""Who serves which host: the one table that the core writes and that the proxy's configuration is made from.

`publish` and `withdraw` come in; `version` counts the changes, so that whoever fetched a
version can be told apart from whoever fetched an older one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from controller.api.names import PreviewKey
from controller.routing.protocol import PublicRoute


@dataclass(frozen=True)
class Entry:
    """What is published of one preview, and the table's version since which its routes are so."""

    routes: tuple[PublicRoute, ...]
    version: int


class Signal:
    """Wakes everyone who waits, each time it is fired."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def fire(self) -> None:
        """Wake whoever waits now; who comes later waits for the next time."""
        self._event.set()
        self._event = asyncio.Event()

    async def wait(self) -> None:
        """Return at the next firing."""
        await self._event.wait()


class RouteTable:
    """The published routes of all previews, in memory; an operator that starts anew fills it again."""

    def __init__(self) -> None:
        self._entries: dict[PreviewKey, Entry] = {}
        self._settled = asyncio.Event()
        self._changed = Signal()
        self.version = 0

    def publish(self, preview: PreviewKey, routes: tuple[PublicRoute, ...]) -> None:
        """Replace what is known of a preview; the same routes again leave the version alone."""
        old = self._entries.get(preview)
        if old is not None and old.routes == routes:
            return
        self.advance()
        self._entries[preview] = Entry(routes, self.version)

    def withdraw(self, preview: PreviewKey) -> None:
        """Forget a preview; one that is not there is left in silence."""
        if self._entries.pop(preview, None) is not None:
            self.advance()

    def settle(self) -> None:
        """From now on the table is complete and may be shown."""
        self._settled.set()

    @property
    def settled(self) -> bool:
        """Whether the table is complete."""
        return self._settled.is_set()

    async def wait_settled(self) -> None:
        """Return once the table is complete."""
        await self._settled.wait()

    async def wait_newer(self, version: int) -> None:
        """Return once the table is newer than that version."""
        while self.version <= version:
            await self._changed.wait()

    def entry(self, preview: PreviewKey) -> Entry | None:
        """What is published of a preview, or None."""
        return self._entries.get(preview)

    def routes(self) -> Iterator[PublicRoute]:
        """Every published route, in no particular order."""
        for entry in self._entries.values():
            yield from entry.routes

    def advance(self) -> None:
        """Make it a newer version: its routes changed, or what is shown with them."""
        self.version += 1
        self._changed.fire()
