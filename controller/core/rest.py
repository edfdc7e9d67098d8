"""Rest: the courses on which a preview does not run: it falls asleep, waits its turn, expires, is refused.

    verdict ─▶ sleep:  phase ▶ page in front, confirmed ▶ stop ▶ status
           ├─▶ queue:  status
           ├─▶ expire: phase ▶ tear down, look again ▶ status
           └─▶ refuse: fails for good

The phase is written before anything of it is done: whoever comes meanwhile knows what to expect.
"""

from __future__ import annotations

from controller.api.errors import InvalidSpec, NotReady, PreviewError
from controller.api.status import ConditionType, Phase
from controller.core import plan_rest, status_rest
from controller.core.carry import Carrier
from controller.core.desired import Desired, desired
from controller.core.execute import Backends
from controller.core.gather import Sources, gather
from controller.core.inputs import Rules
from controller.core.look import Look
from controller.core.observed import Observed
from controller.core.plan import RUNS, plan
from controller.core.show import page_routes, waiting_routes
from controller.core.work import Memory, Outcome, Pass
from controller.lifecycle.protocol import Course, Verdict
from controller.logs.protocol import LogType

ROUNDS = 6


class Rest:
    """Makes previews rest, and takes them away."""

    def __init__(self, backends: Backends, sources: Sources, rules: Rules, carrier: Carrier) -> None:
        self._backends = backends
        self._sources = sources
        self._rules = rules
        self._carrier = carrier
        self._look = Look(backends, rules)

    async def take(self, work: Pass, observed: Observed, verdict: Verdict) -> Outcome:
        """Take the course that was decided.

        Args:
            work: the pass.
            observed: what there is, as it was shown.
            verdict: any but to run.

        Raises:
            PreviewError: it could not be taken yet; or, for good, TooBig.
        """
        work.course = verdict.course
        match verdict.course:
            case Course.SLEEP:
                return await self._sleep(work, observed, verdict)
            case Course.EXPIRE:
                return await self._expire(work, verdict)
            case Course.QUEUE:
                return await self._queue(work, observed, verdict)
            case _:
                raise InvalidSpec("TooBig", verdict.message)

    async def _sleep(self, work: Pass, observed: Observed, verdict: Verdict) -> Outcome:
        if _runs(observed):
            await self._page(work, observed, verdict)
        work.asleep = True
        if work.memory.published is None and work.status.commit is not None:
            await self._page_of_nothing(work)
        found = await self._stop(work, self._look.show(work, observed, None))
        live = found.of_revision(found.published or "")
        return Outcome(status_rest.asleep(work.status, self._carrier.facts(work), verdict, live), work.memory)

    async def _page(self, work: Pass, observed: Observed, verdict: Verdict) -> None:
        """Put the page in front; where it does not answer, what serves stays in front, and goes on."""
        before, serving = work.status, work.serving
        work.asleep, work.serving = True, False
        if before.phase is not Phase.SLEEPING:
            work.status = status_rest.falling_asleep(before, self._carrier.facts(work), verdict)
            await work.report.write(work.status)
        try:
            routes = page_routes(observed, observed.published) if observed.published is not None else ()
            await self._carrier.out(plan_rest.page(work.preview.key, routes, observed), work)
        except PreviewError:
            work.asleep, work.serving, work.status = False, serving, before
            self._look.show(work, observed, None)
            raise

    async def _page_of_nothing(self, work: Pass) -> None:
        """Of one whose containers somebody removed, nothing here says where it answered: its file does."""
        try:
            gathered = await gather(work.preview, work.slug, self._sources)
            wanted = desired(gathered.inputs, self._rules)
        except PreviewError as error:
            work.report.say(
                LogType.SYSTEM, None, f"no page stands at its addresses: {work.report.mask(str(error))}"
            )
            return
        work.report.keep_secret(gathered.secrets)
        self._backends.router.publish(work.preview.key, waiting_routes(wanted))

    async def _stop(self, work: Pass, observed: Observed) -> Observed:
        """Stop what runs although it is not to; gives what there is then."""
        levels = work.memory.good.levels if work.memory.good is not None else ()
        steps = plan_rest.stop(observed, levels)
        if not steps:
            return observed
        await self._carrier.out(steps, work)
        runtime = await self._backends.runtime.observe(work.preview.key)
        return self._look.show(work, Observed(runtime=runtime), None)

    async def _queue(self, work: Pass, observed: Observed, verdict: Verdict) -> Outcome:
        if work.asleep:
            await self._stop(work, observed)
        return Outcome(status_rest.queued(work.status, self._carrier.facts(work), verdict), work.memory)

    async def _expire(self, work: Pass, verdict: Verdict) -> Outcome:
        work.asleep = work.serving = False
        if work.status.phase is not Phase.EXPIRED:
            work.status = status_rest.expiring(work.status, self._carrier.facts(work), verdict)
            await work.report.write(work.status)
        await self.clear(work)
        return Outcome(status_rest.expired(work.status, self._carrier.facts(work), verdict), Memory())

    async def clear(self, work: Pass) -> None:
        """Take everything away, and look again that it is gone.

        Raises:
            PreviewError: not yet.
        """
        work.step(ConditionType.SERVICES_READY, "take everything away")
        await self._backends.runtime.cleanup_jobs(work.preview.key)
        nothing = Desired.nothing(work.preview.key, work.slug)
        for _ in range(ROUNDS):
            steps = plan(nothing, await self._look.left(work))
            if not steps:
                self._backends.router.withdraw(work.preview.key)
                return
            await self._carrier.out(steps, work)
            work.remember(Memory())
        raise NotReady(
            "NotConverging", "What was removed comes back: somebody else creates it. It is tried again."
        )


def _runs(observed: Observed) -> bool:
    return any(instance.state in RUNS for instance in observed.runtime.instances)
