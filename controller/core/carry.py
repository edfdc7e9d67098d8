"""Carry: has a pass's plans carried out, and keeps what is known of it up to date meanwhile.

Plan ──▶ execute ──▶ announced, remembered: what the world is shown, and from when on it answers
                └──▶ what slept answers again: written at that very moment, somebody waits for it
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from controller.api.status import ConditionType
from controller.core import status_rest
from controller.core.actions import Action, Publish
from controller.core.execute import Backends, Execution, Moment, execute
from controller.core.stages import Plan
from controller.core.status import Facts
from controller.core.work import Pass
from controller.logs.protocol import LogType
from controller.runtime.protocol import Instance, InstanceSpec
from controller.source.protocol import Tree


class Carrier:
    """Carries plans out."""

    def __init__(self, backends: Backends) -> None:
        self._backends = backends

    def facts(self, work: Pass) -> Facts:
        """What a status is written from now."""
        return Facts(work.preview, self._backends.clock.now(), work.serving)

    async def out(self, steps: Plan, work: Pass, tree: Tree | None = None) -> None:
        """Carry a plan out; an empty one says nothing.

        Raises:
            PreviewError: of the first action that failed.
        """
        if not steps:
            return
        work.report.say(LogType.SYSTEM, None, f"plan:\n{steps}")
        leads_to = _leads_to(steps)

        def published(revision: str) -> None:
            if work.memory.published is None:  # where another serves, it is gone back to until confirmed
                confirmed(revision)
            work.report.shown()

        def confirmed(revision: str) -> None:
            work.remember(replace(work.memory, published=revision))
            work.serving = True

        async def announce(action: Action, moment: Moment) -> None:
            if moment is Moment.BEFORE:
                work.step(leads_to[id(action)], str(action))
            await work.report.announce(action, moment)
            if moment is Moment.AFTER and isinstance(action, Publish):
                await self.woke(work, work.wanted.instances or () if work.wanted else ())

        broke: list[Action] = []
        said, timed = work.report.say, work.report.timed
        run = Execution(
            work.preview, self._backends, tree, announce, said, published, confirmed, broke.append, timed
        )
        try:
            await execute(steps, run)
        finally:
            if broke:  # another lane may have gone a step further before it was cancelled
                work.stage = leads_to[id(broke[0])]

    async def woke(self, work: Pass, instances: Iterable[Instance | InstanceSpec]) -> None:
        """What slept is shown to the world again: say so at once. Of one that did not sleep: nothing."""
        if not work.asleep:
            return
        work.asleep, work.serving = False, True
        names = {instance.service: instance.name for instance in instances}
        work.status = status_rest.woken(work.status, self.facts(work), names)
        await work.report.write(work.status)


def _leads_to(steps: Plan) -> Mapping[int, ConditionType]:
    """The condition that each action leads to, by the action's id: two may be equal."""
    return {
        id(action): lane.condition
        for stage in steps.stages
        for lane in stage.lanes
        for action in lane.actions
    }
