"""Reconcile: one pass over one Preview, the same for every trigger.

    verdict, observe ▶ show what serves ─▶ run:  wake ▶ gather ▶ admit ▶ (desired, plan, execute) until
                                        │       nothing is left to do ▶ status
                                        └▶ rest: sleep, wait, expire

It never asks what happened, only what is and what should be. Every failure ends in a status; nothing is
raised but cancellation.
"""

from __future__ import annotations

from dataclasses import replace

from controller.api.attempt import given_up
from controller.api.conditions import find, is_true
from controller.api.errors import BackendUnavailable, Conflict, InvalidSpec, NotReady, PreviewError
from controller.api.names import PreviewKey
from controller.api.preview import Preview
from controller.api.status import ConditionType, Phase
from controller.core import status as statuses
from controller.core.carry import Carrier
from controller.core.execute import Backends
from controller.core.footprint import footprint
from controller.core.gather import Gathered, Sources, gather
from controller.core.inputs import Rules
from controller.core.look import Look
from controller.core.marks import RESTS
from controller.core.observed import Observed, usable
from controller.core.plan import plan, repair, rollback
from controller.core.rest import Rest
from controller.core.show import waiting_routes
from controller.core.status_rest import NOTHING
from controller.core.timed import TimedStage
from controller.core.wake import Waker
from controller.core.work import Memory, Outcome, Pass, Report
from controller.lifecycle.protocol import Course, Reason
from controller.logs.protocol import LogType
from controller.runtime.protocol import RuntimeState

ROUNDS = 6
"""Plans in a row before something must be wrong: images first, then the rest, and one to see that nothing
is left.
"""

BUG = "InternalError"
AT_WORK = (ConditionType.SERVICES_READY, ConditionType.ROUTED)


class Reconciler:
    """Makes one Preview true, or says why not."""

    def __init__(self, backends: Backends, sources: Sources, rules: Rules) -> None:
        self._backends = backends
        self._sources = sources
        self._rules = rules
        self._look = Look(backends, rules)
        self._carrier = Carrier(backends)
        self._rest = Rest(backends, sources, rules, self._carrier)
        self._waker = Waker(backends, self._look, self._carrier)

    async def run(self, preview: Preview, slug: str, memory: Memory, report: Report) -> Outcome:
        """One pass. The slug is on the resource already; `preview.status` is what was written last."""
        work = Pass(preview, slug, preview.status.model_copy(update={"slug": slug}), memory, report)
        ready = is_true(preview.status.conditions, ConditionType.READY)
        phase = preview.status.phase
        work.asleep = phase is Phase.SLEEPING or (phase is Phase.QUEUED and not ready)
        work.serving = ready and not preview.deleting and not work.asleep
        try:
            if preview.deleting:
                return await self._teardown(work)
            return await self._make_true(work)
        except PreviewError as error:
            return await self._failed(work, error)
        except Exception as error:
            bug = BackendUnavailable(
                BUG,
                f"The operator itself failed ({type(error).__name__}); its log says where. It tries again.",
            )
            bug.__cause__ = error
            return await self._failed(work, bug)

    def forget(self, preview: PreviewKey) -> None:
        """Show the world nothing of a preview any more."""
        self._backends.router.withdraw(preview)

    async def _make_true(self, work: Pass) -> Outcome:
        verdict = self._backends.lifecycle.verdict(work.preview.key)
        work.course = verdict.course
        runtime = await self._backends.runtime.observe(work.preview.key)
        observed = self._look.show(work, Observed(runtime=runtime), None)
        if work.preview.spec.suspend:
            return Outcome(statuses.suspended(work.status, self._facts(work)), work.memory)
        hopeless = work.course in (Course.RUN, Course.REFUSE) and self._given_up(work)
        if work.course is Course.RUN and work.asleep and (hopeless or self._waker.remembers(work)):
            verdict = await self._waker.admitted(work)
        if verdict.course is not Course.RUN and not (hopeless and verdict.course is Course.REFUSE):
            return await self._rest.take(work, observed, verdict)
        if hopeless:
            return await self._hold(work)
        await self._waker.at_once(work, observed)
        work.step(ConditionType.SOURCE_READY, "read the source")
        with work.report.timed(TimedStage.SOURCE, "ReadSource", None):
            gathered = await gather(work.preview, work.slug, self._sources)
        work.report.keep_secret(gathered.secrets)
        needs = footprint(gathered.inputs.services, self._rules)
        admitted = await self._backends.lifecycle.admit(work.preview.key, needs)
        if admitted.course is not Course.RUN:
            return await self._rest.take(work, await self._look.again(work), admitted)
        await self._begin(work)
        return await self._converge(work, gathered)

    async def _begin(self, work: Pass) -> None:
        """What waited, or had expired, was let in: say so before anything is made."""
        asleep = work.asleep and work.memory.published is not None
        if work.status.phase not in RESTS or asleep:
            return
        work.asleep = False
        before = work.status
        if before.phase is Phase.EXPIRED:  # its teardown may not have come to its end
            before = before.model_copy(update=NOTHING)
        work.status = statuses.begun(before, self._facts(work), ConditionType.IMAGES_READY, "begin")
        await work.report.write(work.status)

    async def _converge(self, work: Pass, gathered: Gathered) -> Outcome:
        """Plan and carry out until nothing is left to do."""
        work.stage = ConditionType.IMAGES_READY
        for _ in range(ROUNDS):
            wanted, observed = await self._look.both(work, gathered.inputs)
            work.wanted = wanted
            if work.asleep and wanted.revision != observed.published:
                await self._waker.as_it_stands(work)
                continue
            if work.asleep:  # the world does not see it yet, whatever runs of it
                observed = replace(observed, published=None)
            steps = plan(wanted, observed)
            if not steps and steps.complete:
                serving = observed.of_revision(wanted.revision or "")
                work.serving = True
                status = statuses.reached(work.status, self._facts(work), wanted, serving)
                good = replace(wanted, databases=())  # with all their scripts, they would stay in memory
                return Outcome(status, replace(work.memory, good=good))
            await self._carrier.out(steps, work, gathered.tree)
        raise NotReady(
            "NotConverging", "What was done does not stay done: somebody else changes it. It is tried again."
        )

    async def _hold(self, work: Pass) -> Outcome:
        """This attempt failed for good: keep the last good version as it is, whole, and nothing else."""
        error: PreviewError | None = None
        runtime: RuntimeState | None = None
        try:
            if work.course is Course.RUN:
                await self._waker.as_it_stands(work)
            runtime = await self._backends.runtime.observe(work.preview.key)
            if await self._restore(work, runtime):
                runtime = await self._backends.runtime.observe(work.preview.key)
        except PreviewError as failed:
            error = failed
        if runtime is None:
            return Outcome(work.status, work.memory, error=error)
        serving = _of_revision(runtime, work.memory.published).instances
        work.serving = any(usable(instance) for instance in serving)
        work.status = statuses.held(work.status, self._facts(work), serving)
        return Outcome(work.status, work.memory, error=error, final=error is None)

    async def _restore(self, work: Pass, runtime: RuntimeState) -> bool:
        """Bring the last good version back as it was; its database stays as it is. Whether there was need."""
        observed = self._look.show(work, Observed(runtime=runtime), None)
        if work.asleep:
            return False
        good, live = work.memory.good, work.memory.published
        steps = repair(observed, live)
        if good is not None and live in (None, good.revision):
            images = await self._look.images(good)
            if len(images) == len({image.reference for image in good.images}):
                steps = plan(good, replace(observed, images=images))
        await self._carrier.out(steps, work)
        return bool(steps)

    async def _teardown(self, work: Pass) -> Outcome:
        """Take everything away, and look again that it is gone."""
        await self._rest.clear(work)
        return Outcome(work.status, Memory(), released=True)

    async def _failed(self, work: Pass, error: PreviewError) -> Outcome:
        """Put a failure into the status; what a hopeless attempt started is taken away again."""
        stage, final = work.stage, isinstance(error, InvalidSpec) and not _may_recover(work)
        error.message = work.report.mask(error.message)
        error.lines = tuple(work.report.mask(line) for line in error.lines)
        going = work.preview.deleting or work.course is Course.EXPIRE
        if final and work.course is Course.RUN and work.asleep and work.memory.published is not None:
            admitted = await self._waker.admitted(work)  # what slept is to serve on, where there is room
            work.course = admitted.course
            if admitted.course is Course.QUEUE:
                return await self._rest.take(work, Observed(), admitted)
        if final:
            final = await self._roll_back(work, error)
        elif work.course is Course.RUN and not going and not work.asleep:
            await self._keep_serving(work)
        if work.asleep and isinstance(error, InvalidSpec):  # it was started, and is not as it was
            work.status = statuses.begun(work.status, self._facts(work), stage, error.reason)
        stalled = final or (isinstance(error, Conflict) and not going)
        work.status = statuses.failed(work.status, self._facts(work), stage, error, final=stalled)
        if final:
            final = (await self._hold(work)).final
        if work.memory.published is None and work.wanted is not None and not work.wanted.empty:
            self._backends.router.publish(work.preview.key, waiting_routes(work.wanted))
        return Outcome(work.status, work.memory, error=error, final=final)

    async def _roll_back(self, work: Pass, error: PreviewError) -> bool:
        """Remove what does not serve. False: that did not work either and is tried again."""
        failed = work.wanted.revision if work.wanted else None
        live = work.memory.published
        try:
            runtime = await self._backends.runtime.observe(work.preview.key)
            steps = rollback(Observed(runtime=runtime, published=live), failed)
            if steps:
                work.report.say(LogType.SYSTEM, None, f"{error}\nwhat was begun is taken away")
            await self._carrier.out(steps, work)
        except PreviewError as second:
            work.report.say(LogType.SYSTEM, None, f"the failed attempt could not be taken away: {second}")
            return False
        return True

    async def _keep_serving(self, work: Pass) -> None:
        """What cannot be had yet does not keep the last good version from being repaired."""
        good, live = work.memory.good, work.memory.published
        if work.wanted is not None and work.wanted.revision in (live, good.revision if good else None):
            return
        try:
            found = await self._backends.runtime.observe(work.preview.key)
            await self._restore(work, _of_revision(found, good.revision if good else live))
        except PreviewError as second:
            work.report.say(LogType.SYSTEM, None, f"the last good version could not be repaired: {second}")

    def _facts(self, work: Pass) -> statuses.Facts:
        return self._carrier.facts(work)

    def _given_up(self, work: Pass) -> bool:
        """This attempt failed for good. One that was too big may have become small enough."""
        stalled = find(work.status.conditions, ConditionType.STALLED)
        too_big = stalled is not None and stalled.reason == Reason.TOO_BIG
        return given_up(work.preview, work.status) and not (too_big and work.course is Course.RUN)


def _of_revision(found: RuntimeState, revision: str | None) -> RuntimeState:
    """Of what is there, that which belongs to one revision."""
    return RuntimeState(
        tuple(i for i in found.instances if i.revision == revision),
        tuple(n for n in found.networks if n.revision == revision),
    )


def _may_recover(work: Pass) -> bool:
    """A deletion goes on until it is through, and what served once may well serve again."""
    served = work.wanted is not None and work.wanted.revision == work.memory.published is not None
    going = work.preview.deleting or work.course is Course.EXPIRE
    return going or (served and work.stage in AT_WORK)
