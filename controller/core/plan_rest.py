"""Plans for going to sleep and for waking up. Pure.

    to sleep:  page in front ▶ it answers ▶ requests on their way end ▶ stop, dependents first
    to wake:   start, level by level, each ready before the next ▶ lead the world to it

What served stays as it is, stopped; what stood beside it goes: it would have to be told apart later.
"""

from __future__ import annotations

from collections.abc import Sequence

from controller.api.names import PreviewKey
from controller.api.status import ConditionType
from controller.core.actions import (
    ConfirmPage,
    Linger,
    PublishPage,
    RemoveNetwork,
    RetireInstance,
    StopInstance,
)
from controller.core.desired import Desired
from controller.core.observed import Observed, usable
from controller.core.plan import RUNS, bring_up, ordered, stage, switch
from controller.core.stages import Plan
from controller.routing.protocol import PublicRoute


def page(preview: PreviewKey, routes: tuple[PublicRoute, ...], observed: Observed) -> Plan:
    """Put the page in front of what serves; of what does not, nobody loses anything."""
    live = observed.of_revision(observed.published or "")
    if not routes or not live or not all(usable(instance) for instance in live):
        return Plan()
    stages = (PublishPage(preview, routes),), (ConfirmPage(preview),), (Linger(),)
    return ordered(stage(ConditionType.ROUTED, actions) for actions in stages)


def stop(observed: Observed, levels: Sequence[Sequence[str]]) -> Plan:
    """Stop what served, and take away what stands beside it.

    Args:
        observed: what is there; what is published is what served.
        levels: services in the order of their dependencies, where that is known.
    """
    live, runtime = observed.published, observed.runtime
    beside = [i for i in runtime.instances if live is not None and i.revision != live]
    stages = [stage(ConditionType.SERVICES_READY, [RetireInstance(i.name) for i in beside])]
    running = [i for i in runtime.instances if i.state in RUNS and i not in beside]
    order = {service: index for index, level in enumerate(levels) for service in level}
    last = len(levels)
    for rank in sorted({order.get(i.service, last) for i in running}, reverse=True):
        actions = [StopInstance(i.name) for i in running if order.get(i.service, last) == rank]
        stages.append(stage(ConditionType.SERVICES_READY, actions))
    left = [RemoveNetwork(n.name) for n in runtime.networks if live is not None and n.revision != live]
    return ordered([*stages, stage(ConditionType.SERVICES_READY, left)])


def wake(good: Desired, observed: Observed) -> Plan:
    """Bring back what served last, by its configuration, and nothing else."""
    return ordered([*bring_up(good, observed), *switch(good, observed, changed=True)])
