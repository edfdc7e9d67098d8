"""Plan: the ordered steps from what is observed to what is desired. Pure; the rules of order live here.

    images and database first ▶ start beside the old ▶ ready ▶ switch ▶ retire the old ▶ tidy up

Nothing that serves is touched before its replacement answers under the public host.
"""

from __future__ import annotations

from collections.abc import Iterable

from controller.api.status import ConditionType
from controller.core import plan_databases
from controller.core.actions import (
    Action,
    AttachInstance,
    AwaitReady,
    BuildImage,
    ConfirmRoutes,
    CreateInstance,
    CreateNetwork,
    Linger,
    Publish,
    PullImage,
    RemoveImage,
    RemoveNetwork,
    ResumeInstance,
    RetireInstance,
    StartInstance,
    Withdraw,
)
from controller.core.desired import Desired
from controller.core.observed import Observed, usable
from controller.core.stages import Lane, Plan, Stage
from controller.routing.protocol import PublicRoute
from controller.runtime.protocol import Instance, InstanceSpec, InstanceState

RUNS = (InstanceState.RUNNING, InstanceState.RESTARTING)


def plan(desired: Desired, observed: Observed) -> Plan:
    """The ordered steps from observed to desired; empty when there is nothing to do."""
    if desired.empty:
        return _teardown(desired, observed)
    stages = [*_superseded(desired, observed), *_images(desired, observed)]
    database = plan_databases.make(desired, observed)
    if desired.instances is None:
        return ordered([*stages, _beside(database)], complete=False)
    created = _create_early(desired, observed) if database else ()
    stages.append(_beside(database, (*_network(desired, observed), *created)))
    stages += _instances(desired, observed, created)
    stages += switch(desired, observed, changed=any(one.actions for one in stages))
    stages += _retire(desired, observed)
    stages += _tidy(desired, observed)
    return ordered(stages)


def rollback(observed: Observed, failed: str | None) -> Plan:
    """Take away what a failed attempt started, and whatever else stands beside a revision that serves.

    While nothing serves, only the failed revision goes: another may be the last good one, not known as such.
    """
    live = observed.published

    def goes(revision: str) -> bool:
        return revision == failed if live is None else revision != live

    retired = (RetireInstance(i.name) for i in observed.runtime.instances if goes(i.revision))
    removed = (RemoveNetwork(n.name) for n in observed.runtime.networks if goes(n.revision))
    return ordered(stage(ConditionType.SERVICES_READY, actions) for actions in (retired, removed))


def repair(observed: Observed, live: str | None) -> Plan:
    """Bring a revision's instances back without knowing its configuration: those that stopped start again."""
    instances = observed.of_revision(live) if live is not None else ()
    stopped = tuple(ResumeInstance(i.name) for i in instances if i.state not in RUNS)
    return ordered([stage(ConditionType.SERVICES_READY, stopped)])


def routes(desired: Desired) -> tuple[PublicRoute, ...]:
    """The public hosts of the desired revision."""
    return tuple(
        PublicRoute(
            router=spec.route.router, host=spec.route.host, instance=spec.name, users=spec.route.users
        )
        for spec in desired.instances or ()
        if spec.route.public
    )


def ordered(stages: Iterable[Stage], *, complete: bool = True) -> Plan:
    """A plan of these stages; those without actions are left out."""
    return Plan(tuple(one for one in stages if one.lanes), complete=complete)


def stage(condition: ConditionType, actions: Iterable[Action]) -> Stage:
    """Actions side by side."""
    return Stage(tuple(Lane(condition, (action,)) for action in actions))


def _beside(database: tuple[Action, ...], services: tuple[Action, ...] = ()) -> Stage:
    """Engine and database server do not wait for each other."""
    lanes = (Lane(ConditionType.DATABASE_READY, database), Lane(ConditionType.SERVICES_READY, services))
    return Stage(tuple(lane for lane in lanes if lane.actions))


def _overtaken(desired: Desired, observed: Observed) -> set[str]:
    """Revisions that neither serve nor are wanted any more: updates that the next one overtook.

    Once the desired one serves, any other may have served until a moment ago, and is retired with care.
    """
    if observed.published is None or desired.revision in (None, observed.published):
        return set()
    return set(observed.revisions) - {observed.published, desired.revision}


def _superseded(desired: Desired, observed: Observed) -> list[Stage]:
    """What was overtaken ends first: it costs memory and nobody sees it."""
    overtaken = _overtaken(desired, observed)
    retired = tuple(RetireInstance(i.name) for i in observed.runtime.instances if i.revision in overtaken)
    return [stage(ConditionType.SERVICES_READY, retired)]


def _images(desired: Desired, observed: Observed) -> list[Stage]:
    missing: dict[str, Action] = {}
    for image in desired.images:
        if image.reference not in observed.images:
            missing[image.reference] = BuildImage(image) if image.build else PullImage(image)
    return [stage(ConditionType.IMAGES_READY, tuple(missing.values()))]


def _network(desired: Desired, observed: Observed) -> tuple[Action, ...]:
    networks = {network.name for network in observed.runtime.networks}
    if desired.network is None or desired.network.name in networks:
        return ()
    return (CreateNetwork(desired.network),)


def _create_early(desired: Desired, observed: Observed) -> tuple[CreateInstance, ...]:
    """Instances to create while the database server is at work, so that starting them is all that is left."""
    present = {instance.name for instance in observed.runtime.instances}
    return tuple(CreateInstance(spec) for spec in desired.instances or () if spec.name not in present)


def _instances(desired: Desired, observed: Observed, created: tuple[CreateInstance, ...]) -> list[Stage]:
    """Start what is missing, level by level; the next level waits until this one is ready."""
    stages: list[Stage] = []
    present = {instance.name: instance for instance in observed.runtime.instances}
    by_service = {spec.service: spec for spec in desired.instances or ()}
    switching = desired.revision != observed.published
    well = {name for name, instance in present.items() if usable(instance)}
    waiting = {action.instance.name for action in created}
    for level in desired.levels:
        specs = tuple(by_service[service] for service in level)
        prepared = tuple(action for spec in specs for action in _prepare(spec, present.get(spec.name)))
        started = tuple(
            ResumeInstance(spec.name) if spec.name in waiting else action
            for spec in specs
            for action in _bring_up(spec, present.get(spec.name))
        )
        stages += [stage(ConditionType.SERVICES_READY, actions) for actions in (prepared, started)]
        if prepared or started or switching or not well.issuperset(spec.name for spec in specs):
            stages.append(stage(ConditionType.SERVICES_READY, (AwaitReady(specs),)))
    return stages


def _prepare(spec: InstanceSpec, instance: Instance | None) -> tuple[Action, ...]:
    """What must have happened to an instance that is there, before it is started."""
    if instance is None:
        return ()
    if not instance.proxied:
        return (RetireInstance(instance.name),)
    if spec.network is not None and spec.network not in instance.networks:
        return (AttachInstance(spec.name, spec.network, spec.service),)
    return ()


def _bring_up(spec: InstanceSpec, instance: Instance | None) -> tuple[Action, ...]:
    if instance is None or not instance.proxied:
        return (StartInstance(spec),)
    return () if instance.state in RUNS else (ResumeInstance(spec.name),)


def bring_up(desired: Desired, observed: Observed) -> list[Stage]:
    """Start what is missing of a revision whose images and databases are there, until it is ready."""
    return [_beside((), _network(desired, observed)), *_instances(desired, observed, ())]


def switch(desired: Desired, observed: Observed, *, changed: bool) -> list[Stage]:
    """Show the world a revision, where that is not so already or something of it was `changed`."""
    replaced = any(revision != desired.revision for revision in observed.revisions)
    if desired.revision is None or not (changed or replaced or desired.revision != observed.published):
        return []
    publish = Publish(desired.preview, desired.revision, routes(desired))
    return [
        stage(ConditionType.ROUTED, (publish,)),
        stage(ConditionType.ROUTED, (ConfirmRoutes(desired.preview, desired.revision),)),
    ]


def _retire(desired: Desired, observed: Observed) -> list[Stage]:
    """The replaced revision ends, dependents before what they depend on, so that open requests find their
    siblings.
    """
    kept = {desired.revision, *_overtaken(desired, observed)}
    old = [i for i in observed.runtime.instances if i.revision not in kept]
    if not old:
        return []
    order = {service: index for index, level in enumerate(desired.levels) for service in level}
    last = len(desired.levels)
    stages = [stage(ConditionType.ROUTED, (Linger(),))]
    for rank in sorted({order.get(i.service, last) for i in old}, reverse=True):
        actions = tuple(RetireInstance(i.name) for i in old if order.get(i.service, last) == rank)
        stages.append(stage(ConditionType.ROUTED, actions))
    return stages


def _tidy(desired: Desired, observed: Observed) -> list[Stage]:
    wanted = {image.reference for image in desired.images}
    network = desired.network.name if desired.network else None
    left: list[Action] = [RemoveNetwork(n.name) for n in observed.runtime.networks if n.name != network]
    left += [RemoveImage(i.reference) for i in observed.runtime.images if i.reference not in wanted]
    return [stage(ConditionType.ROUTED, left), *plan_databases.tidy(desired, observed)]


def _teardown(desired: Desired, observed: Observed) -> Plan:
    runtime = observed.runtime
    shown = observed.published is not None or bool(runtime.instances)
    stages = [
        stage(ConditionType.ROUTED, (Withdraw(desired.preview),) if shown else ()),
        stage(ConditionType.SERVICES_READY, tuple(RetireInstance(i.name) for i in runtime.instances)),
        stage(
            ConditionType.SERVICES_READY,
            tuple(RemoveNetwork(n.name) for n in runtime.networks)
            + tuple(RemoveImage(i.reference) for i in runtime.images),
        ),
        *plan_databases.teardown(desired, observed),
    ]
    return ordered(stages)
