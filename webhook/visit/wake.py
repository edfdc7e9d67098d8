"""Wake: one wish for each sleep, however many ask.

    ASLEEP ──▶ ask: annotation wake=<now> ──▶ WAKING: it stands there until the operator has met it

The wish itself is what is remembered: a bridge that begins anew sees it, and asks no second time.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

import structlog

from controller.api.errors import PreviewError
from controller.api.names import WAKE, PreviewKey
from controller.api.preview import Preview
from controller.clock import Clock
from webhook.cluster.protocol import Cluster
from webhook.rest.wishes import moment

log = structlog.get_logger()


class Counts(Protocol):
    """Who counts what happens at the door."""

    def wake(self, outcome: str) -> None:
        """A preview was asked to wake: `asked`, or `failed` where the cluster did not take that."""

    def held(self, requests: int) -> None:
        """So many requests are held now."""

    def forwarded(self, outcome: str) -> None:
        """What became of a request that was held, or forwarded at once."""

    def page(self, state: str) -> None:
        """A page, or a line, said how a preview is."""


class Waker:
    """Asks for it.

    Args:
        cluster: takes the wish.
        clock: says when it was wished.
        counts: is told of each.
    """

    def __init__(self, cluster: Cluster, clock: Clock, counts: Counts) -> None:
        self._cluster = cluster
        self._clock = clock
        self._counts = counts
        self._asking: dict[PreviewKey, asyncio.Task[None]] = {}

    def ask(self, preview: Preview) -> asyncio.Task[None]:
        """Ask a sleeping preview to wake; the task of who asks already, if somebody does. It never fails."""
        task = self._asking.get(preview.key)
        if task is None:
            task = self._asking[preview.key] = asyncio.create_task(self._ask(preview))
            task.add_done_callback(lambda _: self._asking.pop(preview.key, None))
        return task

    async def close(self) -> None:
        """Let what is being asked come to its end."""
        await asyncio.gather(*self._asking.values(), return_exceptions=True)

    async def _ask(self, preview: Preview) -> None:
        wish = moment(self._clock, preview, WAKE)
        about = {"preview": str(preview.key), "uid": preview.metadata.uid}
        try:
            await self._cluster.annotate(preview.key, {WAKE: wish})
        except PreviewError as error:
            log.warning("a preview cannot be asked to wake", **about, error=error.message)
            self._counts.wake("failed")
            return
        log.info("a visitor wakes a preview", **about)
        self._counts.wake("asked")
