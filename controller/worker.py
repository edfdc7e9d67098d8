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
from controller.api.names import FINALIZER, PreviewKey
from controller.api.preview import Preview
from controller.api.status import ConditionType, PreviewStatus
from controller.cluster.protocol import Cluster
from controller.core.reconcile import Reconciler
from controller.core.status import Facts, failed
from controller.core.work import Memory, Outcome
from controller.intent import intent, life_wishes, trigger_of
from controller.lifecycle.protocol import Course, Governing
from controller.passes import Ending, Trigger
from controller.record import Record
from controller.reporter import Ears, Hooks, Reporter
from controller.slugs import Slugs
from controller.telling import ABANDON, Telling
from controller.watching import Watched, ending_of, watched

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
        self._log = log.bind(preview=str(self.key), uid=preview.metadata.uid)
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
            self._log = self._log.bind(uid=preview.metadata.uid)
        self._record.renew(preview)
        if intent(preview) != intent(before):
            self._cut_off()
            self.wake(trigger_of(before, preview))
        elif life_wishes(preview) != life_wishes(before):
            self.wake(Trigger.WISH)

    def _cut_off(self) -> None:
        """What runs is out of date."""
        self._failures = 0
        if self._running is not None:
            self._running.cancel()

    def reconsider(self) -> None:
        """Another verdict holds: work that goes by another course is cut off, and the preview looked at."""
        if self._gone or self.preview.deleting:
            return
        course = self._tools.life.verdict(self.key).course
        if self._course not in (None, course):
            self._cut_off()
        self.wake(Trigger.VERDICT)

    def visited(self, time: datetime) -> None:
        """Somebody used the preview: written down once in a while, after what runs now."""
        if self._record.visited(time):
            self._alarm.touch()

    def wake(self, trigger: Trigger) -> None:
        """Look again, because of that; while a pass runs, once more after it."""
        self._alarm.ring(Trigger.DELETED if self.preview.deleting else trigger)

    def nudge(self) -> None:
        """Something happened on the engine: look again; while work fails, in two seconds."""
        if self._running is not None:
            self._nudged = True
        else:
            self._alarm.hasten(NUDGE_SECONDS, Trigger.DRIFT)

    def gone(self) -> None:
        """The object is gone; what is left of it goes too, then this worker ends."""
        self._gone = True
        if self._running is not None:
            self._running.cancel()
        self.wake(Trigger.DELETED)

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
            trigger = await self._alarm.heard()
            self._running = asyncio.create_task(self._note() if trigger is None else self._pass(trigger))
            await asyncio.wait({self._running})
            done, self._running, self._course = self._running, None, None
            if not done.cancelled() and (error := done.exception()) is not None:
                self._failures += 1
                self._log.error("a bug: the pass raised", exc_info=error)
                self._alarm.ring_in(backoff(self._failures), Trigger.RETRY)
            ended = self._gone and not self._alarm.pending
            if self._nudged:
                self._nudged = False
                self.nudge()
        self._tools.slugs.release(self.key)
        self._tools.life.forget(self.key)

    async def _pass(self, trigger: Trigger) -> None:
        life, ears = self._tools.life, self._tools.ears
        with watched(ears.watching, ears.clock, self.preview, trigger) as watch:
            if not self._gone and not self.preview.deleting:
                await life.considered(self.key)
            life.busy(self.key, working=True)
            try:
                await self._work(watch)
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

    async def _work(self, watch: Watched) -> None:
        preview = self._record.current
        if preview.deleting and not preview.held and not self._gone:
            self._tools.shown(self.key)
            watch.ends(Ending.UNCHANGED)
            return
        try:
            slug = await self._slug(preview)
        except PreviewError as error:
            await self._refused(preview, error, watch)
            return
        watch.names(slug)
        if self._gone:
            ended = {"deletion_timestamp": self._tools.ears.clock.now()}
            preview = preview.model_copy(update={"metadata": preview.metadata.model_copy(update=ended)})
        preview = preview.model_copy(update={"status": preview.status.model_copy(update={"slug": slug})})
        self._course = self._decided(preview)
        hooks = Hooks(self._write, lambda: self._tools.shown(self.key), self._remember, watch.timed)
        reporter = Reporter(preview, slug, self._tools.ears, hooks)
        try:
            outcome = await self._tools.reconciler.run(preview, slug, self._memory, reporter)
        finally:
            await reporter.close()
        self._memory = outcome.memory
        self._decided(preview)
        await self._conclude(preview, outcome, watch, acted=reporter.acted)
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
        slug = self._tools.slugs.of(preview, ending=ending)
        if not ending and (preview.slug != slug or not preview.held):
            await self._tools.cluster.claim(preview, slug)
        return slug

    async def _refused(self, preview: Preview, error: PreviewError, watch: Watched) -> None:
        """No slug: somebody else stands for this source, or the API server did not answer."""
        self._tools.shown(self.key)
        if isinstance(error, BackendUnavailable):
            self._retry(error)
            watch.ends(Ending.RETRIED, error.reason)
            return
        facts = Facts(preview, self._tools.ears.clock.now(), serving=False)
        final = isinstance(error, Conflict)
        status = failed(preview.status, facts, ConditionType.SOURCE_READY, error, final=final)
        await self._conclude(preview, Outcome(status, self._memory, error), watch)

    async def _conclude(
        self, preview: Preview, outcome: Outcome, watch: Watched, *, acted: bool = False
    ) -> None:
        """Write what came of a pass, tell it, and decide when to look again."""
        before, error = self.status, outcome.error
        watch.ends(ending_of(outcome, acted=acted), error.reason if error else "", acted=acted)
        try:
            if outcome.released:
                await self._release(preview)
                return
            if preview.deleting and ABANDON in preview.metadata.annotations and error is not None:
                await self._abandon(preview, error)
                watch.ends(Ending.REMOVED, error.reason)
                return
            await self._write(outcome.status)
            await self._telling.ended(preview, before, outcome, acted=acted, gone=self._gone)
        except PreviewError as refused:
            self._retry(refused)
            watch.ends(Ending.RETRIED, refused.reason, acted=acted)
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

    async def _abandon(self, preview: Preview, error: PreviewError) -> None:
        """Let the object go although something may be left, and say what."""
        self._tools.reconciler.forget(self.key)
        await self._telling.abandoned(preview, error, gone=self._gone)
        await self._release(preview)

    def _retry(self, error: PreviewError) -> None:
        self._failures += 1
        seconds = CONFLICT_SECONDS if isinstance(error, Conflict) else backoff(self._failures)
        self._log.info("tried again later", reason=error.reason, seconds=seconds)
        self._alarm.ring_in(seconds, Trigger.RETRY)
