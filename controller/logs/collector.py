"""What containers print becomes entries: a task for each container that runs, no thread, bounded memory.

Outputs.sources ──▶ Collector ──▶ Follower (one a container) ──▶ LogSink
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from contextlib import aclosing
from contextvars import Context

import structlog

from controller.api.errors import PreviewError
from controller.logs.follower import Follower, Progress, Ways
from controller.runtime.output import Source

log = structlog.get_logger()

LAST_WORDS_SECONDS = 5.0
SWEEP_SECONDS = 1.0
REMEMBERED = 10_000
"""Containers whose position is known without asking the store, which may lag behind by a batch."""


class Collector:
    """Follows every container of an installation. Implements `LastWords`.

    Args:
        ways: where lines come from, who takes them, and what of a flood is kept.
    """

    def __init__(self, ways: Ways) -> None:
        self._ways = ways
        self._followers: dict[str, Follower] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._progress: OrderedDict[str, Progress] = OrderedDict()

    @property
    def following(self) -> int:
        """How many containers are followed now."""
        return len(self._followers)

    async def run(self) -> None:
        """Follow what runs and what starts, until cancelled."""
        sweep = asyncio.create_task(self._sweep())
        try:
            async with aclosing(self._ways.outputs.sources()) as sources:
                async for source in sources:
                    if source is None:
                        self._wake()
                    else:
                        self._follow(source)
        finally:
            work = [sweep, *self._tasks.values()]
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)

    async def read_out(self, name: str) -> None:
        """See LastWords.read_out: five seconds at most."""
        try:
            async with asyncio.timeout(LAST_WORDS_SECONDS):
                source = await self._ways.outputs.source(name)
                if source is not None:
                    await asyncio.wait({self._finishing(source)})
        except TimeoutError:
            log.warning("a container's last lines were not read in time", container=name)
        except PreviewError as error:
            log.warning("a container's last lines cannot be read", container=name, reason=error.reason)
        except Exception:
            log.exception("a container's last lines cannot be read", container=name)

    def _finishing(self, source: Source) -> asyncio.Task[None]:
        """The task that reads a container to its end; it may have begun long ago."""
        follower = self._at_work(source.id)
        if follower is None:
            return self._begin(source)
        follower.wake()
        return self._tasks[source.id]

    def _follow(self, source: Source) -> None:
        follower = self._at_work(source.id)
        if follower is None:
            self._begin(source)
        else:
            follower.started()

    def _at_work(self, identity: str) -> Follower | None:
        """Who follows a container; one whose task has just ended does not any more."""
        task = self._tasks.get(identity)
        if task is not None and task.done():
            self._ended(self._followers[identity])
        return self._followers.get(identity)

    def _begin(self, source: Source) -> asyncio.Task[None]:
        follower = Follower(source, self._ways, self._progress.pop(source.id, None))
        task = asyncio.create_task(follower.run(), context=Context())  # it outlives a pass
        self._followers[source.id], self._tasks[source.id] = follower, task
        task.add_done_callback(lambda _: self._ended(follower))
        return task

    def _ended(self, follower: Follower) -> None:
        name = follower.source.id
        if self._followers.get(name) is not follower:
            return
        del self._followers[name], self._tasks[name]
        if follower.progress is not None:
            self._progress[name] = follower.progress
            while len(self._progress) > REMEMBERED:
                self._progress.popitem(last=False)

    def _wake(self) -> None:
        for follower in self._followers.values():
            follower.wake()

    async def _sweep(self) -> None:
        """Say what floods lost, also of containers that fell silent."""
        while True:
            await self._ways.clock.sleep(SWEEP_SECONDS)
            now = self._ways.clock.monotonic()
            for follower in self._followers.values():
                follower.tell_dropped(now)
