"""One worker per Preview: it coalesces triggers, lets a newer wish cancel what runs, and writes the status.

    event, drift, timer ──▶ wake ──▶ claim (finalizer, slug) ──▶ reconcile ──▶ status, Events ──▶ back off

The API server is written to by nobody else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from controller.api.errors import BackendUnavailable, Conflict, PreviewError
from controller.api.names import (
    FINALIZER,
    GROUP,
    INCARNATION_ANNOTATION,
    SLUG_ANNOTATION,
    PreviewKey,
    slug_candidates,
    source_identity,
)
from controller.api.preview import Preview
from controller.api.status import ConditionType, PreviewStatus
from controller.cluster.protocol import Cluster
from controller.core.reconcile import Reconciler
from controller.core.status import Facts, failed, patch
from controller.core.work import Memory, Outcome
from controller.finish import to_the_end
from controller.reporter import Ears, Hooks, Reporter
from controller.slugs import Slugs
from controller.telling import ABANDON, Telling

log = structlog.get_logger()

BACKOFF_FIRST, BACKOFF_MAX, CONFLICT_SECONDS = 1.0, 60.0, 30.0
NUDGE_SECONDS = 2.0
"""What happens on the engine shortens a wait to this; failing work makes events of its own."""


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
    for written_here in (SLUG_ANNOTATION, INCARNATION_ANNOTATION):
        ours.pop(written_here, None)
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
        self._later: asyncio.Task[None] | None = None
        self._due = 0.0
        self._running: asyncio.Task[None] | None = None
        self._nudged = False
        self._gone = False
        self._unsure = False
        """A write was begun and not seen to end: what the API server has may be another status."""
        self._log = log.bind(preview=str(self.key))
        self._telling = Telling(preview, tools.cluster, tools.ears)
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
    def finished(self) -> bool:
        """Nothing is left to do, ever."""
        return self._task.done()

    def update(self, preview: Preview) -> None:
        """Take a newer body; only one that wants something else wakes, and cancels what runs."""
        changed = intent(preview) != intent(self._preview)
        if preview.metadata.uid != self._preview.metadata.uid:  # created anew under the same name
            self._status, self._gone, self._unsure = preview.status, False, False
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
        self._awake.set()

    def nudge(self) -> None:
        """Something happened on the engine: look again; while work fails, in two seconds."""
        if self._running is not None:
            self._nudged = True
        elif self._later is None:
            self.wake()
        elif self._due - self._tools.ears.clock.monotonic() > NUDGE_SECONDS:
            self._wake_in(NUDGE_SECONDS)

    def gone(self) -> None:
        """The object is gone; what is left of it goes too, then this worker ends."""
        self._gone = True
        if self._running is not None:
            self._running.cancel()
        self.wake()

    async def close(self) -> None:
        """Stop at once; what is half done is found by the next operator."""
        tasks = [task for task in (self._task, self._running, self._later) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _loop(self) -> None:
        ended = False
        while not ended:
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
            if self._nudged:
                self._nudged = False
                self.nudge()
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
        hooks = Hooks(self._write, lambda: self._tools.shown(self.key), self._remember)
        reporter = Reporter(preview, slug, self._tools.ears, hooks)
        try:
            outcome = await self._tools.reconciler.run(preview, slug, self._memory, reporter)
        finally:
            await reporter.close()
        self._memory = outcome.memory
        await self._conclude(preview, outcome, acted=reporter.acted)
        self._tools.shown(self.key)

    def _remember(self, memory: Memory) -> None:
        self._memory = memory

    async def _slug(self, preview: Preview) -> str:
        """The slug; a new one is written to the object, with the finalizer, before anything else is done."""
        source = preview.spec.source
        place = (source.repository, source.pull_request, source.branch)
        ending = preview.deleting or self._gone
        try:
            slug = self._tools.slugs.allocate(preview.key, source_identity(*place), slug_candidates(*place))
        except Conflict:
            if ending:  # it never had one, so that nothing under any slug is its own
                return slug_candidates(*place)[0]
            raise
        if not ending and (preview.slug != slug or not preview.held):
            await self._tools.cluster.claim(preview, slug)
        return slug

    async def _refused(self, preview: Preview, error: PreviewError) -> None:
        """No slug: somebody else stands for this source, or the API server did not answer."""
        self._tools.shown(self.key)
        if isinstance(error, BackendUnavailable):
            self._retry(error)
            return
        facts = Facts(preview, self._tools.ears.clock.now(), serving=False)
        final = isinstance(error, Conflict)
        status = failed(preview.status, facts, ConditionType.SOURCE_READY, error, final=final)
        await self._conclude(preview, Outcome(status, self._memory, error))

    async def _conclude(self, preview: Preview, outcome: Outcome, *, acted: bool = False) -> None:
        """Write what came of a pass, tell it, and decide when to look again."""
        before, error = self._status, outcome.error
        try:
            if outcome.released:
                await self._release(preview)
                return
            if preview.deleting and ABANDON in preview.metadata.annotations and error is not None:
                await self._abandon(preview, error)
                return
            await self._write(outcome.status)
            await self._tell(preview, before, outcome, acted=acted)
        except PreviewError as refused:
            self._retry(refused)
            return
        if error is None:
            self._failures = 0
        elif not outcome.final:
            self._retry(error)

    async def _release(self, preview: Preview) -> None:
        """Nothing is left: let the object go. Where nobody else holds it, it is gone with that."""
        if not self._gone:
            await self._tools.cluster.release(preview)
        self._gone = self._gone or set(self._preview.metadata.finalizers) <= {FINALIZER}
        self._failures = 0
        self._telling.say(preview, "gone: nothing is done for it any more")
        self._log.info("gone")

    async def _write(self, status: PreviewStatus) -> None:
        """Write the status, when it is another one than was written last."""
        if (status != self._status or self._unsure) and not self._gone:
            self._unsure = True
            await to_the_end(self._tools.cluster.patch_status(self._preview, patch(status)))
            self._status, self._unsure = status, False

    async def _tell(self, preview: Preview, before: PreviewStatus, outcome: Outcome, *, acted: bool) -> None:
        self._telling.bug(outcome.error)
        self._telling.concluded(preview, outcome, acted=acted)
        if not self._gone:
            await self._telling.event(preview, before, outcome)

    async def _abandon(self, preview: Preview, error: PreviewError) -> None:
        """Let the object go although something may be left, and say what."""
        self._tools.reconciler.forget(self.key)
        await self._telling.abandoned(preview, error, gone=self._gone)
        await self._release(preview)

    def _retry(self, error: PreviewError) -> None:
        self._failures += 1
        seconds = CONFLICT_SECONDS if isinstance(error, Conflict) else backoff(self._failures)
        self._log.info("tried again later", reason=error.reason, seconds=seconds)
        self._wake_in(seconds)

    def _wake_in(self, seconds: float) -> None:
        if self._later is not None:
            self._later.cancel()
        self._due = self._tools.ears.clock.monotonic() + seconds
        self._later = asyncio.create_task(self._wake_after(seconds))

    async def _wake_after(self, seconds: float) -> None:
        await self._tools.ears.clock.sleep(seconds)
        self._later = None
        self.wake()
