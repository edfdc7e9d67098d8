"""Reconcile: one pass over one Preview, the same for every trigger.

    observe ▶ show what serves ▶ gather ▶ (desired, plan, execute) until nothing is left to do ▶ status

It never asks what happened, only what is and what should be. Every failure ends in a status; nothing is
raised but cancellation.
"""

from __future__ import annotations

from dataclasses import replace

from controller.api.errors import InvalidSpec, NotReady, PreviewError
from controller.api.preview import Preview
from controller.api.status import ConditionType
from controller.core import status as statuses
from controller.core.actions import Action, Plan
from controller.core.desired import Desired
from controller.core.execute import Backends, Execution, Moment, execute
from controller.core.gather import Sources, gather
from controller.core.inputs import Rules
from controller.core.look import Look
from controller.core.observed import Observed
from controller.core.plan import plan, repair, rollback
from controller.core.show import page_state, waiting_routes
from controller.core.work import Memory, Outcome, Pass, Report
from controller.logs.protocol import LogType
from controller.runtime.protocol import RuntimeState
from controller.source.protocol import Tree

ROUNDS = 6
"""Plans in a row before something must be wrong: images first, then the rest, and one to see that nothing
is left.
"""


class Reconciler:
    """Makes one Preview true, or says why not."""

    def __init__(self, backends: Backends, sources: Sources, rules: Rules) -> None:
        self._backends = backends
        self._sources = sources
        self._look = Look(backends, rules)

    async def run(self, preview: Preview, slug: str, memory: Memory, report: Report) -> Outcome:
        """One pass. The slug is on the resource already; `preview.status` is what was written last."""
        work = Pass(preview, slug, preview.status.model_copy(update={"slug": slug}), memory, report)
        try:
            if preview.deleting:
                return await self._teardown(work)
            return await self._make_true(work)
        except PreviewError as error:
            return await self._failed(work, error)

    async def _make_true(self, work: Pass) -> Outcome:
        runtime = await self._backends.runtime.observe(work.preview.key)
        self._look.show(work, Observed(runtime=runtime), None)
        if work.preview.spec.suspend:
            return Outcome(statuses.suspended(work.status, self._facts(work)), work.memory)
        if statuses.given_up(work.preview, work.status):
            return await self._hold(work, runtime)
        work.step(ConditionType.SOURCE_READY, "read the source")
        gathered = await gather(work.preview, work.slug, self._sources)
        work.report.keep_secret(gathered.secrets)
        work.stage = ConditionType.IMAGES_READY
        for _ in range(ROUNDS):
            wanted, observed = await self._look.both(work, gathered.inputs)
            work.wanted = wanted
            steps = plan(wanted, observed)
            if not steps and steps.complete:
                serving = observed.of_revision(wanted.revision or "")
                work.serving = True
                status = statuses.reached(work.status, self._facts(work), wanted, serving)
                return Outcome(status, replace(work.memory, good=wanted))
            await self._execute(steps, work, gathered.tree)
        raise NotReady(
            "NotConverging", "What was done does not stay done: somebody else changes it. It is tried again."
        )

    async def _hold(self, work: Pass, runtime: RuntimeState) -> Outcome:
        """This attempt failed for good: keep the last good version as it is, and whole."""
        live, good = work.memory.published, work.memory.good
        if live is None:
            return Outcome(work.status, work.memory, final=True)
        observed = Observed(runtime=runtime, published=live)
        steps = repair(observed, live)
        if good is not None and good.revision == live:
            images = await self._look.images(good)
            steps = plan(replace(good, database=None), replace(observed, images=images))
        if steps:
            await self._execute(steps, work, None)
            runtime = await self._backends.runtime.observe(work.preview.key)
        serving = [instance for instance in runtime.instances if instance.revision == live]
        return Outcome(statuses.with_services(work.status, serving), work.memory, final=True)

    async def _teardown(self, work: Pass) -> Outcome:
        """Take everything away, and look again that it is gone."""
        work.step(ConditionType.SERVICES_READY, "take everything away")
        await self._backends.runtime.cleanup_jobs(work.preview.key)
        nothing = Desired.nothing(work.preview.key, work.slug)
        for _ in range(ROUNDS):
            steps = plan(nothing, await self._look.at(work, nothing, {}))
            if not steps:
                self._backends.router.withdraw(work.preview.key)
                return Outcome(work.status, Memory(), released=True)
            await self._execute(steps, work, None)
            work.memory = Memory()
        raise NotReady(
            "NotConverging", "What was removed comes back: somebody else creates it. It is tried again."
        )

    async def _execute(self, steps: Plan, work: Pass, tree: Tree | None) -> None:
        work.report.say(LogType.SYSTEM, None, f"plan:\n{steps}")
        stages = {id(action): stage.condition for stage in steps.stages for action in stage.actions}

        def published(revision: str) -> None:
            work.memory = replace(work.memory, published=revision)
            work.serving = True
            work.report.shown()

        async def announce(action: Action, moment: Moment) -> None:
            if moment is Moment.BEFORE:
                work.step(stages[id(action)], str(action))
                self._look.progress(work, str(action))
            await work.report.announce(action, moment)

        await execute(
            steps, Execution(work.preview, self._backends, tree, announce, work.report.say, published)
        )

    async def _failed(self, work: Pass, error: PreviewError) -> Outcome:
        """Put a failure into the status; what a hopeless attempt started is taken away again."""
        stage, final = work.stage, isinstance(error, InvalidSpec) and not work.preview.deleting
        if final:
            final = await self._roll_back(work)
        error.message = work.report.mask(error.message)
        error.lines = tuple(work.report.mask(line) for line in error.lines)
        status = statuses.failed(work.status, self._facts(work), stage, error, final=final)
        if work.memory.published is None and work.wanted is not None and not work.wanted.empty:
            self._backends.router.publish(work.preview.key, waiting_routes(work.wanted), page_state(status))
        work.report.say(LogType.SYSTEM, None, f"failed: {error}")
        return Outcome(status, work.memory, error=error, final=final)

    async def _roll_back(self, work: Pass) -> bool:
        """Remove the revision that failed, unless it serves. False: that did not work either and is tried
        again.
        """
        failed = work.wanted.revision if work.wanted else None
        if failed is None or failed == work.memory.published:
            return True
        try:
            observed = Observed(runtime=await self._backends.runtime.observe(work.preview.key))
            await self._execute(rollback(observed, failed), work, None)
        except PreviewError as second:
            work.report.say(LogType.SYSTEM, None, f"the failed attempt could not be taken away: {second}")
            return False
        return True

    def _facts(self, work: Pass) -> statuses.Facts:
        return statuses.Facts(work.preview, self._backends.clock.now(), work.serving)
