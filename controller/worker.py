"""One worker per Preview: it coalesces triggers, lets a newer wish cancel what runs, and writes the status.

    event, drift, verdict ──▶ alarm ──▶ claim (finalizer, slug) ──▶ reconcile ──▶ status, Events ──▶ back off

The API server is written to by nobody else. No pass begins before all that was seen of the preview was
decided on; another verdict cancels what runs under the one before, as a newer wish does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog

from controller.alarm import Alarm, backoff
from controller.api.errors import BackendUnavailable, Conflict, PreviewError
from controller.api.names import FINALIZER, PreviewKey, slug_candidates
from controller.api.preview import Preview
from controller.api.status import ConditionType, PreviewStatus
from controller.cluster.protocol import Cluster
from controller.core.reconcile import Reconciler
from controller.core.status import Facts, failed
from controller.core.work import Memory, Outcome
from controller.intent import intent, life_wishes
from controller.lifecycle.protocol import Course, Governing
from controller.record import Record
from controller.reporter import Ears, Hooks, Reporter
from controller.slugs import Slugs
from controller.telling import ABANDON, Telling

log = structlog.get_logger()

CONFLICT_SECONDS = 30.0
NUDGE_SECONDS = 2.0
"""What happens on the engine shortens a wait to this; failing work makes events of its own."""


@dataclass(frozen=True)
class Tools:
    """What every worker needs."""

    reconciler: Reconciler
    cluster: Cluster
    life: Governing
    slugs: Slugs
    ears: Ears
    shown: Callable[[PreviewKey], None]
    """Told once the router knows what can be known of a preview."""


class Worker:
    """Keeps one Preview true until it is gone."""

    def __init__(self, preview: Preview, tools: Tools) -> None:
        self.key = preview.key
        self._tools = tools
        self._record = Record(preview, tools.cluster, tools.life, tools.ears.clock)
        self._memory = Memory()
        self._failures = 0
        self._alarm = Alarm(tools.ears.clock)
        self._running: asyncio.Task[None] | None = None
        self._course: Course | None = None
        """What was decided when the pass began that runs."""
        self._nudged = False
        self._gone = False
        self._log = log.bind(preview=str(self.key))
        self._telling = Telling(preview, tools.cluster, tools.ears)
        self._task = asyncio.create_task(self._loop(), name=f"worker {self.key}")

    @property
    def preview(self) -> Preview:
        """The newest body seen."""
        return self._record.preview

    @property
    def status(self) -> PreviewStatus:
        """The status as it was written last."""
        return self._record.status

    @property
    def finished(self) -> bool:
        """Nothing is left to do, ever."""
        return self._task.done()

    def update(self, preview: Preview) -> None:
        """Take a newer body; only one that wants something else wakes, and cancels what runs."""
        before = self._record.preview
        if preview.metadata.uid != before.metadata.uid:  # created anew under the same name
            self._gone = False
        self._record.renew(preview)
        if intent(preview) != intent(before):
            self._failures = 0
            if self._running is not None:
                self._running.cancel()
            self.wake()
        elif life_wishes(preview) != life_wishes(before):
            self.wake()

    def reconsider(self) -> None:
        """Another verdict holds: work that goes by another course is cut off, and the preview looked at."""
        if self._gone or self.preview.deleting:
            return
        course = self._tools.life.verdict(self.key).course
        if self._running is not None and self._course not in (None, course):
            self._failures = 0
            self._running.cancel()
        self.wake()

    def visited(self, time: datetime) -> None:
        """Somebody used the preview: written down once in a while, after what runs now."""
        if self._record.visited(time):
            self._alarm.touch()

    def wake(self) -> None:
        """Look again; while a pass runs, once more after it."""
        self._alarm.ring()

    def nudge(self) -> None:
        """Something happened on the engine: look again; while work fails, in two seconds."""
        if self._running is not None:
            self._nudged = True
        else:
            self._alarm.hasten(NUDGE_SECONDS)

    def gone(self) -> None:
        """The object is gone; what is left of it goes too, then this worker ends."""
        self._gone = True
        if self._running is not None:
            self._running.cancel()
        self.wake()

    async def close(self) -> None:
        """Stop at once; what is half done is found by the next operator."""
        tasks = [task for task in (self._task, self._running) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._alarm.close()
        await self._telling.close()

    async def _loop(self) -> None:
        ended = False
        while not ended:
            look = await self._alarm.heard()
            self._running = asyncio.create_task(self._pass() if look else self._note())
            await asyncio.wait({self._running})
            done, self._running, self._course = self._running, None, None
            if not done.cancelled() and (error := done.exception()) is not None:
                self._failures += 1
                self._log.error("a bug: the pass raised", exc_info=error)
                self._alarm.ring_in(backoff(self._failures))
            ended = self._gone and not self._alarm.pending
            if self._nudged:
                self._nudged = False
                self.nudge()
        self._tools.slugs.release(self.key)
        self._tools.life.forget(self.key)

    async def _pass(self) -> None:
        life = self._tools.life
        if not self._gone and not self.preview.deleting:
            await life.considered(self.key)
        life.busy(self.key, working=True)
        try:
            await self._work()
        finally:
            life.busy(self.key, working=False)

    async def _note(self) -> None:
        """Write down what came in beside all work."""
        if self._gone or self.preview.deleting or self.status.phase is None:
            return
        try:
            await self._record.write(self.status)
        except PreviewError as error:
            self._log.warning("visit not written", reason=error.reason)

    async def _work(self) -> None:
        preview = self._record.current
        if preview.deleting and not preview.held and not self._gone:
            self._tools.shown(self.key)
            return
        try:
            slug = await self._slug(preview)
        except PreviewError as error:
            await self._refused(preview, error)
            return
        if self._gone:
            ended = {"deletion_timestamp": self._tools.ears.clock.now()}
            preview = preview.model_copy(update={"metadata": preview.metadata.model_copy(update=ended)})
        preview = preview.model_copy(update={"status": preview.status.model_copy(update={"slug": slug})})
        self._course = self._decided(preview)
        hooks = Hooks(self._write, lambda: self._tools.shown(self.key), self._remember)
        reporter = Reporter(preview, slug, self._tools.ears, hooks)
        try:
            outcome = await self._tools.reconciler.run(preview, slug, self._memory, reporter)
        finally:
            await reporter.close()
        self._memory = outcome.memory
        self._decided(preview)
        await self._conclude(preview, outcome, acted=reporter.acted)
        self._tools.shown(self.key)

    def _decided(self, preview: Preview) -> Course | None:
        """What holds for it now, told to people where it makes something else of what the preview is."""
        if preview.deleting:
            return None
        verdict = self._tools.life.verdict(self.key)
        self._telling.decided(preview, verdict, self._tools.life.expiry(self.key))
        return verdict.course

    def _remember(self, memory: Memory) -> None:
        self._memory = memory

    async def _slug(self, preview: Preview) -> str:
        """The slug; a new one is written to the object, with the finalizer, before anything else is done."""
        ending = preview.deleting or self._gone
        try:
            slug = self._tools.slugs.take(preview)
        except Conflict:
            if ending:  # it never had one, so that nothing under any slug is its own
                source = preview.spec.source
                return slug_candidates(source.repository, source.pull_request, source.branch)[0]
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
        before, error = self.status, outcome.error
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
        self._gone = self._gone or set(self.preview.metadata.finalizers) <= {FINALIZER}
        self._failures = 0
        self._telling.say(preview, "gone: nothing is done for it any more")
        self._log.info("gone")

    async def _write(self, status: PreviewStatus) -> None:
        """Write the status, when it is another one than was written last."""
        if not self._gone:
            await self._record.write(status)

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
        self._alarm.ring_in(seconds)
