"""One worker per Preview: it coalesces triggers, lets a newer wish cancel what runs, and writes the status.

    event, drift, timer ──▶ wake ──▶ claim (finalizer, slug) ──▶ reconcile ──▶ status, Events ──▶ back off

The API server is written to by nobody else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from controller.api.errors import BackendUnavailable, Conflict, InvalidSpec, PreviewError
from controller.api.names import GROUP, PreviewKey, slug_candidates, source_identity
from controller.api.preview import Preview
from controller.api.status import ConditionType, PreviewStatus
from controller.cluster.protocol import Cluster
from controller.core.reconcile import Reconciler
from controller.core.status import Facts, failed, patch
from controller.core.work import Memory, Outcome
from controller.reporter import Ears, Reporter
from controller.slugs import Slugs

log = structlog.get_logger()

ABANDON = f"{GROUP}/abandon"
BACKOFF_FIRST, BACKOFF_MAX, CONFLICT_SECONDS = 1.0, 60.0, 30.0


@dataclass(frozen=True)
class Tools:
    """What every worker needs."""

    reconciler: Reconciler
    cluster: Cluster
    slugs: Slugs
    ears: Ears
    shown: Callable[[PreviewKey], None]
    """Told once the router knows what can be known of a preview."""


def intent(preview: Preview) -> tuple[object, ...]:
    """What a creator can change: when it differs, what runs is out of date."""
    ours = {key: value for key, value in preview.metadata.annotations.items() if key.startswith(f"{GROUP}/")}
    ours.pop(f"{GROUP}/slug", None)
    return (preview.metadata.uid, preview.metadata.generation, preview.deleting, tuple(sorted(ours.items())))


def backoff(failures: int) -> float:
    """Seconds until the next try after this many failures in a row."""
    return min(BACKOFF_FIRST * 2.0 ** max(failures - 1, 0), BACKOFF_MAX)


class Worker:
    """Keeps one Preview true until it is gone."""

    def __init__(self, preview: Preview, tools: Tools) -> None:
        self.key = preview.key
        self._tools = tools
        self._preview = preview
        self._status = preview.status
        self._memory = Memory()
        self._failures = 0
        self._awake = asyncio.Event()
        self._later: asyncio.TimerHandle | None = None
        self._running: asyncio.Task[None] | None = None
        self._idle = asyncio.Event()
        self._gone = False
        self._log = log.bind(preview=str(self.key))
        self._task = asyncio.create_task(self._loop(), name=f"worker {self.key}")

    @property
    def preview(self) -> Preview:
        """The newest body seen."""
        return self._preview

    @property
    def status(self) -> PreviewStatus:
        """The status as it was written last."""
        return self._status

    @property
    def busy(self) -> bool:
        """A pass is under way; it looks at the end result by itself."""
        return self._running is not None

    @property
    def finished(self) -> bool:
        """Nothing is left to do, ever."""
        return self._task.done()

    def update(self, preview: Preview) -> None:
        """Take a newer body; only one that wants something else wakes, and cancels what runs."""
        changed = intent(preview) != intent(self._preview)
        if preview.metadata.uid != self._preview.metadata.uid:
            self._status = preview.status
        self._preview = preview
        if changed:
            self._failures = 0
            if self._running is not None:
                self._running.cancel()
            self.wake()

    def wake(self) -> None:
        """Look again; while a pass runs, once more after it."""
        if self._later is not None:
            self._later.cancel()
            self._later = None
        self._idle.clear()
        self._awake.set()

    def gone(self) -> None:
        """The object is gone; what is left of it goes too, then this worker ends."""
        self._gone = True
        if self._running is not None:
            self._running.cancel()
        self.wake()

    async def close(self) -> None:
        """Stop at once; what is half done is found by the next operator."""
        self._task.cancel()
        if self._running is not None:
            self._running.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _loop(self) -> None:
        ended = False
        while not ended:
            if not self._awake.is_set():
                self._idle.set()
            await self._awake.wait()
            self._awake.clear()
            self._running = asyncio.create_task(self._pass())
            await asyncio.wait({self._running})
            done, self._running = self._running, None
            if not done.cancelled() and (error := done.exception()) is not None:
                self._failures += 1
                self._log.error("a bug: the pass raised", exc_info=error)
                self._wake_in(backoff(self._failures))
            ended = self._gone and not self._awake.is_set() and self._later is None
        self._tools.slugs.release(self.key)

    async def _pass(self) -> None:
        preview = self._preview.model_copy(update={"status": self._status})
        if preview.deleting and not preview.held and not self._gone:
            self._tools.shown(self.key)
            return
        try:
            slug = await self._slug(preview)
        except PreviewError as error:
            await self._refused(preview, error)
            return
        if self._gone:
            metadata = preview.metadata.model_copy(
                update={"deletion_timestamp": self._tools.ears.clock.now()}
            )
            preview = preview.model_copy(update={"metadata": metadata})
        preview = preview.model_copy(update={"status": preview.status.model_copy(update={"slug": slug})})
        reporter = Reporter(preview, slug, self._tools.ears, self._write, lambda: self._tools.shown(self.key))
        try:
            outcome = await self._tools.reconciler.run(preview, slug, self._memory, reporter)
        finally:
            await reporter.close()
        self._memory = outcome.memory
        await self._conclude(preview, outcome)
        self._tools.shown(self.key)

    async def _slug(self, preview: Preview) -> str:
        """The slug; a new one is written to the object, with the finalizer, before anything else is done."""
        source = preview.spec.source
        place = (source.repository, source.pull_request, source.branch)
        slug = self._tools.slugs.allocate(preview.key, source_identity(*place), slug_candidates(*place))
        if not preview.deleting and not self._gone and (preview.slug != slug or not preview.held):
            await self._tools.cluster.claim(preview, slug)
        return slug

    async def _refused(self, preview: Preview, error: PreviewError) -> None:
        """No slug: somebody else stands for this source, or the API server did not answer."""
        self._tools.shown(self.key)
        final = isinstance(error, Conflict)
        if not isinstance(error, BackendUnavailable):
            facts = Facts(preview, self._tools.ears.clock.now(), serving=False)
            status = failed(preview.status, facts, ConditionType.SOURCE_READY, error, final=final)
            await self._conclude(preview, Outcome(status, self._memory, error, final))
        else:
            self._retry(error)

    async def _conclude(self, preview: Preview, outcome: Outcome) -> None:
        """Write what came of a pass, and decide when to look again."""
        if outcome.released:
            if not self._gone:
                await self._tools.cluster.release(preview)
            self._log.info("gone")
            return
        if preview.deleting and ABANDON in preview.metadata.annotations and outcome.error is not None:
            await self._abandon(preview, outcome)
            return
        before = self._status
        try:
            await self._write(outcome.status)
            await self._tell(preview, before, outcome)
        except PreviewError as error:
            self._retry(error)
            return
        if outcome.error is None:
            self._failures = 0
        elif not isinstance(outcome.error, InvalidSpec) or not outcome.final:
            self._retry(outcome.error)

    async def _write(self, status: PreviewStatus) -> None:
        """Write the status, when it is another one than was written last."""
        if status != self._status and not self._gone:
            await self._tools.cluster.patch_status(self._preview, patch(status))
            self._status = status

    async def _tell(self, preview: Preview, before: PreviewStatus, outcome: Outcome) -> None:
        """An Event for what a person would want to know."""
        if self._gone:
            return
        error, status = outcome.error, outcome.status
        if error is not None and status.conditions != before.conditions:
            self._log.warning("failed", reason=error.reason, message=error.message)
            await self._tools.cluster.event(preview, "Warning", error.reason, error.message)
        elif error is None and status.commit != before.commit:
            self._log.info("serving", commit=status.commit, url=status.url)
            message = f"Commit {(status.commit or '')[:12]} is served at {status.url}"
            await self._tools.cluster.event(preview, "Normal", "Serving", message)

    async def _abandon(self, preview: Preview, outcome: Outcome) -> None:
        """Let the object go although something may be left."""
        reason = outcome.error.message if outcome.error else ""
        left = f"Let go by annotation {ABANDON}; what may be left of {outcome.status.slug}: {reason}"
        self._log.warning("abandoned", left=left)
        await self._tools.cluster.event(preview, "Warning", "Abandoned", left)
        await self._tools.cluster.release(preview)

    def _retry(self, error: PreviewError) -> None:
        self._failures += 1
        seconds = CONFLICT_SECONDS if isinstance(error, Conflict) else backoff(self._failures)
        self._log.info("tried again later", reason=error.reason, seconds=seconds)
        self._wake_in(seconds)

    def _wake_in(self, seconds: float) -> None:
        if self._later is not None:
            self._later.cancel()
        self._later = asyncio.get_running_loop().call_later(seconds, self.wake)
