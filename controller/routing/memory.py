"""The in-memory twin of the proxy: a table, and a callable that says what an instance would answer.

Nothing sleeps or listens here. `probe` is asked of whoever holds the instances (the in-memory runtime); a
switch is confirmed when the table is settled and every public instance of the preview is ready.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from controller.api.errors import BackendUnavailable, NotReady
from controller.api.names import PreviewKey
from controller.routing.protocol import Probe, ProbeState, PublicRoute
from controller.routing.table import RouteTable


class MemoryRouter:
    """A Router without a proxy.

    Args:
        answer: what the instance of that name answers now; `ProbeState.UNKNOWN` for one that does not run.

    Attributes:
        table: what was published, to be read.
        unavailable: True makes `probe` and `confirm` raise BackendUnavailable, as an absent proxy does.
        page_away: True makes the `confirm` of a route without an instance fail, as a bridge that does not
            listen does.
        never_confirms: True makes every `confirm` fail, as a proxy does that no longer fetches.
        confirmed: the previews whose switch was confirmed, in order.
    """

    def __init__(self, answer: Callable[[str], Probe]) -> None:
        self._answer = answer
        self.table = RouteTable()
        self.unavailable = False
        self.page_away = False
        self.never_confirms = False
        self.confirmed: list[PreviewKey] = []

    def publish(self, preview: PreviewKey, routes: tuple[PublicRoute, ...]) -> None:
        """See Router.publish."""
        self.table.publish(preview, routes)

    def withdraw(self, preview: PreviewKey) -> None:
        """See Router.withdraw."""
        self.table.withdraw(preview)

    def settle(self) -> None:
        """See Router.settle."""
        self.table.settle()

    async def probe(self, instance: str, path: str | None) -> Probe:
        """See Router.probe; the path is the callable's own business."""
        self._require_available()
        return self._answer(instance)

    async def confirm(self, preview: PreviewKey, timeout_seconds: float) -> None:
        """See Router.confirm; only an unsettled table is waited for, anything else is known at once."""
        self._require_available()
        entry = self.table.entry(preview)
        if entry is None:
            return
        try:
            async with asyncio.timeout(timeout_seconds):
                await self.table.wait_settled()
        except TimeoutError:
            raise NotReady("RouteNotLive", f"The routes of {preview} wait for the table to settle.") from None
        for route in entry.routes:
            self._require_live(route)
        self.confirmed.append(preview)

    def _require_live(self, route: PublicRoute) -> None:
        live = (
            not self.page_away
            if route.instance is None
            else self._answer(route.instance).state is ProbeState.READY
        )
        if self.never_confirms or not live:
            raise NotReady("RouteNotLive", f"{route.host} is not answered by {route.instance or 'the page'}.")

    def _require_available(self) -> None:
        if self.unavailable:
            raise BackendUnavailable("ProxyUnavailable", "The proxy does not answer; trying again.")
