"""Fleet: all workers of an operator, and what concerns them all.

    kopf's events ──▶ see ──▶ the object's worker
    engine events, a survey at an interval ──▶ wake whom it concerns
    the lifecycle: another verdict, a visit ──▶ whom it concerns

The router is told that everything is known (`settle`) once every Preview that existed at start has been
looked at.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TypeVar

import structlog

from controller.api.errors import PreviewError
from controller.api.names import PreviewKey
from controller.api.preview import Preview, key_of, parse
from controller.background import kept_up
from controller.clock import Clock
from controller.cluster.protocol import Body, Cluster
from controller.core.reconcile import Reconciler
from controller.databases.protocol import DatabaseServer
from controller.lifecycle.protocol import FRACTION, Governing
from controller.passes import Trigger
from controller.probes import Pulse
from controller.reporter import Ears
from controller.routing.protocol import Router
from controller.runtime.protocol import Runtime
from controller.slugs import Slugs
from controller.worker import Tools, Worker

log = structlog.get_logger()

T = TypeVar("T")

SWEEP_SECONDS = 600.0
SETTLE_SECONDS = 20.0
"""A preview whose source or engine is slow does not keep all others from being routed longer than this."""


@dataclass(frozen=True)
class Survey:
    """What a look at everything found: a fingerprint per preview, and the databases that exist."""

    runtime: Mapping[PreviewKey, str] = field(default_factory=dict)
    databases: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By kind of server; one that did not answer is left out."""


@dataclass(frozen=True)
class World:
    """What the fleet itself touches."""

    cluster: Cluster
    runtime: Runtime
    databases: Mapping[str, DatabaseServer]
    router: Router
    clock: Clock
    life: Governing
    resync_seconds: float
    sweep_source: Callable[[], Awaitable[object]] | None = None
    """Bounds the cache of repositories; called every ten minutes."""
    pulse: Pulse | None = None
    """Whether the watch lives; None: nobody else wants to know."""


class Fleet:
    """All workers."""

    def __init__(self, reconciler: Reconciler, world: World, ears: Ears) -> None:
        self._world = world
        self._slugs = Slugs()
        self._tools = Tools(reconciler, world.cluster, world.life, self._slugs, ears, self._shown)
        self._workers: dict[PreviewKey, Worker] = {}
        self._unseen: set[PreviewKey] | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._last = Survey()
        self.pulse = world.pulse or Pulse(world.clock)
        """Beats as long as the watch of Previews lives."""

    @property
    def workers(self) -> Mapping[PreviewKey, Worker]:
        """The workers by Preview."""
        return self._workers

    async def start(self) -> None:
        """Learn which Previews exist and who holds which slug, then watch the engine.

        Raises:
            BackendUnavailable: the API server does not answer.
        """
        previews = [p for p in map(_parsed, await self._world.cluster.previews()) if p is not None]
        self._slugs.adopt(previews)
        self._unseen = {preview.key for preview in previews}
        for preview in previews:
            self._world.life.see(preview)
        await self._occupied()
        for preview in previews:
            self._take(preview, Trigger.RESUMED)
        self._settle_when_seen()
        life = partial(self._world.life.run, self)
        work: list[Callable[[], Awaitable[None]]] = [life, self._follow_engine, self._resync, self._sweep]
        self._tasks = [asyncio.create_task(kept_up(one, self._world.clock)) for one in work]
        self._tasks.append(asyncio.create_task(self._settle_late()))

    async def stop(self) -> None:
        """Stop everything at once; what runs in containers goes on."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(worker.close() for worker in self._workers.values()))

    def see(self, kind: str | None, body: Body) -> None:
        """Take an event of the watch: its kind (ADDED, MODIFIED, DELETED, or None from the first list) and
        the object.
        """
        preview = _parsed(body)
        if preview is None:
            return
        if kind != "DELETED":
            self._take(preview, Trigger.CREATED)
            return
        worker = self._workers.get(preview.key)
        if worker is not None and worker.preview.metadata.uid == preview.metadata.uid:
            worker.gone()
            self._shown(preview.key)

    async def lists_previews(self) -> bool:
        """Whether the API server knows Previews and lists them."""
        return await _answered(self._world.cluster.previews()) is not None

    def reconsider(self, preview: PreviewKey) -> None:
        """See Listener.reconsider."""
        worker = self._workers.get(preview)
        if worker is not None:
            worker.reconsider()

    def visited(self, preview: PreviewKey, time: datetime) -> None:
        """See Listener.visited."""
        worker = self._workers.get(preview)
        if worker is not None:
            worker.visited(time)

    def _take(self, preview: Preview, trigger: Trigger) -> None:
        worker = self._workers.get(preview.key)
        if worker is None or worker.finished:
            self._workers[preview.key] = worker = Worker(preview, self._tools)
            worker.wake(trigger)
        else:
            worker.update(preview)

    def _shown(self, key: PreviewKey) -> None:
        if self._unseen is not None:
            self._unseen.discard(key)
            self._settle_when_seen()

    def _settle_when_seen(self) -> None:
        if self._unseen is not None and not self._unseen:
            self._unseen = None
            self._world.router.settle()

    async def _settle_late(self) -> None:
        await self._world.clock.sleep(SETTLE_SECONDS)
        if self._unseen:
            log.warning("routing without some previews", waiting=[str(key) for key in sorted(self._unseen)])
            self._unseen = set()
            self._settle_when_seen()

    async def _follow_engine(self) -> None:
        """Wake whom an engine event concerns; after a gap, everything is surveyed."""
        async for key in self._world.runtime.watch():
            if key is None:
                await self._survey()
            elif (worker := self._workers.get(key)) is not None:
                worker.nudge()

    async def _resync(self) -> None:
        while True:
            await self._world.clock.sleep(self._world.resync_seconds)
            self._sweep_finished()
            await self._survey()

    async def _survey(self) -> None:
        """Look at everything in a few calls, and wake those for whom it is not as it was."""
        servers = self._world.databases
        runtime, _, found = await asyncio.gather(
            _answered(self._world.runtime.survey()),
            self._occupied(),
            asyncio.gather(*(_answered(server.survey()) for server in servers.values())),
        )
        databases = {kind: names for kind, names in zip(servers, found, strict=True) if names is not None}
        now = Survey(self._last.runtime if runtime is None else runtime, databases)
        for worker in self._workers.values():
            if _changed(worker, self._last, now):
                worker.nudge()
        self._last = now

    async def _occupied(self) -> None:
        """Say what runs; where the engine does not answer, at the next survey."""
        running = await _answered(self._world.runtime.occupied())
        if running is not None:
            self._world.life.occupied(running)

    async def _sweep(self) -> None:
        """Bound what is kept for speed alone: commits, and templates of databases; forget whom nobody tells
        of any more.
        """
        while True:
            if self._world.sweep_source is not None:
                await self._world.sweep_source()
            for server in self._world.databases.values():
                await _answered(server.sweep())
            await self._let_go()
            await self._world.clock.sleep(SWEEP_SECONDS)

    async def _let_go(self) -> None:
        """Stop working at Previews that are gone and of which no event told, as after a cluster was set back
        to an older state. What they left goes as orphans do; under the same safeguard, since whatever is lost
        now may be about to be restored.
        """
        before = dict(self._workers)
        bodies = await _answered(self._world.cluster.previews())
        there = {key_of(body) for body in bodies or ()}
        lost = {key for key, worker in before.items() if key not in there and not worker.finished}
        if not there or (len(lost) > 1 and len(lost) * FRACTION > len(before)):
            return
        for key in sorted(lost):
            log.warning("gone without an event; nothing is done for it any more", preview=str(key))
            await before[key].close()
            del self._workers[key]
            self._slugs.release(key)
            self._world.life.forget(key)
            self._tools.reconciler.forget(key)

    def _sweep_finished(self) -> None:
        for key in [key for key, worker in self._workers.items() if worker.finished]:
            del self._workers[key]


def _changed(worker: Worker, before: Survey, now: Survey) -> bool:
    """Something about a preview is not as it was at the last survey, or one of its databases is not there."""
    if before.runtime.get(worker.key) != now.runtime.get(worker.key):
        return True
    for database in worker.status.all_databases():
        known, names = before.databases.get(database.type), now.databases.get(database.type)
        if (known is None) != (names is None):  # its server went away, or is back: the preview should say so
            return True
        if names is not None and database.name not in names:
            return True
    return False


async def _answered(survey: Awaitable[T]) -> T | None:
    """What a survey found, or None with a line in the log."""
    try:
        return await survey
    except PreviewError as error:
        log.warning("survey failed", reason=error.reason, message=error.message)
        return None


def _parsed(body: Body) -> Preview | None:
    """The Preview, or None with a line in the log: the schema refuses what cannot be read, so it is from
    another version.
    """
    try:
        return parse(body)
    except PreviewError as error:
        log.error("unreadable Preview", message=error.message)
        return None
