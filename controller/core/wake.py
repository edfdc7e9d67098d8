"""Wake: what slept is started again before anything else is asked, as it was; what is wanted comes after.

    asleep ─▶ its configuration is remembered: let in, in order, each ready, shown, confirmed
          ├─▶ it is what is wanted: by the plan that follows
          └─▶ it is not, or not any more: as it stands

Nothing is started before it was let in: to be told to run may mean to find out first what it needs.
"""

from __future__ import annotations

from controller.core import plan_rest
from controller.core.carry import Carrier
from controller.core.desired import Desired
from controller.core.execute import Backends
from controller.core.footprint import UNKNOWN, footprint_of
from controller.core.look import Look
from controller.core.observed import Observed
from controller.core.plan import repair
from controller.core.work import Pass
from controller.lifecycle.protocol import Verdict


class Waker:
    """Wakes previews."""

    def __init__(self, backends: Backends, look: Look, carrier: Carrier) -> None:
        self._backends = backends
        self._look = look
        self._carrier = carrier

    def remembers(self, work: Pass) -> bool:
        """What slept can be brought back before anything is read."""
        live, good = work.memory.published, work.memory.good
        return work.asleep and live is not None and good is not None and good.revision == live

    async def admitted(self, work: Pass) -> Verdict:
        """Whether there is room for what slept."""
        good = work.memory.good
        known = good is not None and self.remembers(work)
        needs = footprint_of(good.instances or ()) if good is not None and known else UNKNOWN
        return await self._backends.lifecycle.admit(work.preview.key, needs)

    async def at_once(self, work: Pass, observed: Observed) -> None:
        """Bring back what slept, as far as that can be done before anything is read.

        Raises:
            PreviewError: it did not come up.
        """
        good = work.memory.good
        if good is not None and self.remembers(work) and await self._whole(good, observed):
            work.wanted = good
            await self._carrier.out(plan_rest.wake(good, observed), work)

    async def as_it_stands(self, work: Pass) -> None:
        """Bring back what slept without its configuration: nobody knows in which order, or when it is ready.

        Raises:
            PreviewError: the engine did not start it.
        """
        live = work.memory.published
        if not work.asleep or live is None:
            return
        runtime = await self._backends.runtime.observe(work.preview.key)
        await self._carrier.out(repair(Observed(runtime=runtime), live), work)
        await self._carrier.woke(work, Observed(runtime=runtime).of_revision(live))
        runtime = await self._backends.runtime.observe(work.preview.key)
        self._look.show(work, Observed(runtime=runtime), None)

    async def _whole(self, good: Desired, observed: Observed) -> bool:
        """Whether all that it takes is there: its instances, or the images to make them from."""
        there = {instance.name for instance in observed.runtime.instances}
        if there.issuperset(spec.name for spec in good.instances or ()):
            return True
        images = await self._look.images(good)
        return images.keys() >= {image.reference for image in good.images}
