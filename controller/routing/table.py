"""Who serves which host: the one table that the core writes and that configuration and pages are made from.

`publish` and `withdraw` come in; `version` counts the changes that the proxy must hear of (a page's
wording is not one of them), so that whoever fetched a version can be told apart from whoever fetched an
older one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from controller.api.names import PreviewKey
from controller.routing.protocol import PageState, PublicRoute


@dataclass(frozen=True)
class Entry:
    """What is published of one preview, and the table's version since which its routes are so."""

    routes: tuple[PublicRoute, ...]
    page: PageState
    version: int


@dataclass(frozen=True)
class HostEntry:
    """One known host: the preview it belongs to, its route and the preview's page."""

    preview: PreviewKey
    route: PublicRoute
    page: PageState


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
        self._hosts: dict[str, PreviewKey] = {}
        self._settled = asyncio.Event()
        self._changed = Signal()
        self.version = 0

    def publish(self, preview: PreviewKey, routes: tuple[PublicRoute, ...], page: PageState) -> None:
        """Replace what is known of a preview; the same routes again leave the version alone."""
        old = self._entries.get(preview)
        if old is not None and old.routes == routes:
            self._entries[preview] = Entry(routes, page, old.version)
            return
        self._forget(preview)
        self._advance()
        self._entries[preview] = Entry(routes, page, self.version)
        self._hosts.update({route.host: preview for route in routes})

    def withdraw(self, preview: PreviewKey) -> None:
        """Forget a preview; one that is not there is left in silence."""
        if preview in self._entries:
            self._forget(preview)
            self._advance()

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

    def lookup(self, host: str) -> HostEntry | None:
        """Whose host this is (lower case, without a port), or None when no preview has it."""
        preview = self._hosts.get(host)
        if preview is None:
            return None
        entry = self._entries[preview]
        route = next(route for route in entry.routes if route.host == host)
        return HostEntry(preview, route, entry.page)

    def _advance(self) -> None:
        self.version += 1
        self._changed.fire()

    def _forget(self, preview: PreviewKey) -> None:
        entry = self._entries.pop(preview, None)
        for route in entry.routes if entry else ():
            if self._hosts.get(route.host) == preview:
                del self._hosts[route.host]
