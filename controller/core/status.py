"""Status: what the resource says about itself, computed from what was reached. Pure.

Conditions follow kstatus: `Reconciling` and `Stalled` are True only while something is being done or is
wrong. A failed update keeps the last good version serving: Ready stays True, Stalled says why, `commit`
stays behind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from controller.api.conditions import find, updated
from controller.api.errors import Conflict, PreviewError
from controller.api.names import database_secret_name
from controller.api.preview import Preview
from controller.api.status import (
    Condition,
    ConditionStatus,
    ConditionType,
    DatabaseStatus,
    Phase,
    PreviewStatus,
    ServiceStatus,
)
from controller.core.desired import Desired
from controller.core.marks import RESTS, marks
from controller.runtime.protocol import Instance

STAGES = (
    ConditionType.SOURCE_READY,
    ConditionType.IMAGES_READY,
    ConditionType.DATABASE_READY,
    ConditionType.SERVICES_READY,
    ConditionType.ROUTED,
)
MESSAGE_MAX = 4000
WAKING = "Waking"
"""Reason of Reconciling while what slept is started again."""
NOT_QUEUED: Mapping[str, object] = {"queue_position": None, "queue_length": None}


@dataclass(frozen=True)
class Facts:
    """What every status is written from: the object, the moment, and whether something serves."""

    preview: Preview
    now: datetime
    serving: bool


def working(status: PreviewStatus, facts: Facts, stage: ConditionType, step: str) -> PreviewStatus:
    """Something is being done. What rests goes on resting, until it was let in and `begun`, or serves."""
    if rests(status, facts):
        reason = WAKING if status.phase is Phase.SLEEPING else str(status.phase)
        doing = [condition(ConditionType.RECONCILING, True, reason, step)]
        return written(status, facts, doing, phase=status.phase, fields={"step": step}, taken_up=False)
    return begun(status, facts, stage, step)


def begun(status: PreviewStatus, facts: Facts, stage: ConditionType, step: str) -> PreviewStatus:
    """What is asked for now is worked on, whatever there was before."""
    phase = phase_at_work(facts)
    conditions = [
        condition(ConditionType.RECONCILING, True, str(phase), step),
        condition(ConditionType.STALLED, False, "Working", ""),
        ready(facts, str(phase), step),
        *_stages_until(stage, "Working", step),
    ]
    return written(status, facts, conditions, phase=phase, fields={"step": step})


def rests(status: PreviewStatus, facts: Facts) -> bool:
    """It sleeps, waits or is gone, and that is not over yet."""
    if facts.preview.deleting or status.phase not in RESTS:
        return False
    return not (facts.serving and status.phase is Phase.SLEEPING)


def phase_at_work(facts: Facts) -> Phase:
    """What the work at a preview is called."""
    if facts.preview.deleting:
        return Phase.DESTROYING
    return Phase.UPDATING if facts.serving else Phase.CREATING


def reached(
    status: PreviewStatus, facts: Facts, desired: Desired, instances: Sequence[Instance]
) -> PreviewStatus:
    """Everything is as it should be."""
    conditions = [
        condition(ConditionType.READY, True, "Serving", f"Commit {desired.commit[:12]} is being served."),
        condition(ConditionType.RECONCILING, False, "Done", ""),
        condition(ConditionType.STALLED, False, "Done", ""),
        *(condition(stage, True, "Done", "") for stage in STAGES),
    ]
    secret = database_secret_name(desired.preview.name)
    databases = tuple(
        DatabaseStatus(
            label=d.label or None,
            type=d.type,
            name=d.claim.name,
            secret_name=secret,
            wish=d.claim.wish or None,
        )
        for d in desired.databases
    )
    fields: dict[str, object] = {
        "step": None,
        "slug": desired.slug,
        "url": desired.url,
        "services": _services(desired, instances),
        "database": databases[0] if databases else None,
        "databases": databases if databases and databases[0].label else (),
        "commit": desired.commit,
    }
    return written(status, facts, conditions, phase=Phase.RUNNING, fields=fields)


def suspended(status: PreviewStatus, facts: Facts) -> PreviewStatus:
    """Left as it is on its creator's wish (`spec.suspend`)."""
    message = "spec.suspend is set: nothing is done."
    conditions = [
        condition(ConditionType.RECONCILING, False, "Suspended", message),
        condition(ConditionType.STALLED, False, "Suspended", message),
        *([] if status.phase in RESTS else [ready(facts, "Suspended", message)]),
    ]
    return written(status, facts, conditions, fields={"step": None})


def failed(
    status: PreviewStatus, facts: Facts, stage: ConditionType, error: PreviewError, *, final: bool
) -> PreviewStatus:
    """Something went wrong: for good (`final`), or it is tried again.

    A Conflict is Stalled, and tried again all the same: whoever holds the name may let it go.
    """
    message = "\n".join([error.message, *error.lines])[:MESSAGE_MAX]
    if not final and rests(status, facts):  # it is tried again from there
        trying = [condition(ConditionType.RECONCILING, True, error.reason, message)]
        return written(
            status, facts, trying, phase=status.phase, fields={"step": error.reason}, taken_up=False
        )
    conditions = [
        ready(facts, error.reason, message),
        condition(ConditionType.RECONCILING, not final, error.reason, "" if final else message),
        condition(ConditionType.STALLED, final, error.reason, message if final else ""),
        *_stages_until(stage, error.reason, message),
    ]
    phase = Phase.FAILED if final and not facts.preview.deleting else phase_at_work(facts)
    fields: dict[str, object] = {"step": None if final else error.reason}
    if isinstance(error, Conflict):
        fields["attempt"] = None
    return written(status, facts, conditions, phase=phase, fields=fields)


def held(status: PreviewStatus, facts: Facts, instances: Sequence[Instance]) -> PreviewStatus:
    """Given up as before; the state of each service, and whether the last good version serves, as of now."""
    stalled = find(status.conditions, ConditionType.STALLED)
    conditions = [condition(ConditionType.RECONCILING, False, stalled.reason, "")] if stalled else []
    conditions += [ready(facts, stalled.reason, stalled.message)] if stalled else []
    services = with_states(status.services, instances)
    return written(status, facts, conditions, phase=Phase.FAILED, fields={"step": None, "services": services})


def with_states(
    services: Sequence[ServiceStatus], instances: Sequence[Instance]
) -> tuple[ServiceStatus, ...]:
    """Services with the state of what there is of them now."""
    by_service = {instance.service: instance for instance in instances}
    return tuple(_service_state(service, by_service.get(service.name)) for service in services)


def patch(status: PreviewStatus) -> dict[str, object]:
    """A merge patch that makes the resource's status this one: what is not set is taken away."""
    return {
        **{field.alias or name: None for name, field in PreviewStatus.model_fields.items()},
        **status.model_dump(mode="json", by_alias=True, exclude_none=True),
    }


def written(  # noqa: PLR0913 - what a status is made of
    status: PreviewStatus,
    facts: Facts,
    conditions: Sequence[Condition],
    *,
    phase: Phase | None = None,
    taken_up: bool = True,
    fields: Mapping[str, object],
) -> PreviewStatus:
    """A status after news.

    Args:
        status: before.
        facts: see there.
        conditions: those that have news.
        phase: None: as it was.
        taken_up: see `marks`.
        fields: what else is new; a place in the queue is given up unless they say otherwise.
    """
    generation = facts.preview.metadata.generation
    phase = phase or status.phase
    life = marks(status, facts.preview, facts.now, phase, taken_up=taken_up)
    # Of a preview that was restored without its status and is being deleted nothing was ever seen: that must
    # not be forgotten before everything was looked for.
    if facts.preview.deleting and status.observed_generation is None:
        life["observed_generation"] = None
    stamped = [news.model_copy(update={"observed_generation": generation}) for news in conditions]
    merged = updated(status.conditions, stamped, facts.now)
    return status.model_copy(update={**life, "phase": phase, "conditions": merged, **NOT_QUEUED, **fields})


def condition(kind: ConditionType, status: bool | None, reason: str, message: str) -> Condition:
    """A condition; its time is put in where it is merged with what was known."""
    value = {True: ConditionStatus.TRUE, False: ConditionStatus.FALSE, None: ConditionStatus.UNKNOWN}[status]
    return Condition(
        type=kind, status=value, reason=reason, message=message, last_transition_time=datetime.min
    )


def ready(facts: Facts, reason: str, message: str) -> Condition:
    """Whether it serves; where it does not, why."""
    if facts.serving:
        return condition(ConditionType.READY, True, "Serving", "The last good version is being served.")
    return condition(ConditionType.READY, False, reason, message)


def _stages_until(stage: ConditionType, reason: str, message: str) -> list[Condition]:
    """Stages before this one are done, this one is not, what comes after is unknown."""
    reached_here = STAGES.index(stage)
    return [
        *(condition(done, True, "Done", "") for done in STAGES[:reached_here]),
        condition(stage, False, reason, message),
        *(condition(later, None, "Waiting", "") for later in STAGES[reached_here + 1 :]),
    ]


def _services(desired: Desired, instances: Sequence[Instance]) -> tuple[ServiceStatus, ...]:
    by_name = {instance.name: instance for instance in instances}
    result = []
    for spec in desired.instances or ():
        address = next(a for a in desired.addresses if a.service == spec.service)
        url = address.url if address.public else None
        status = ServiceStatus(name=spec.service, url=url, image=spec.image, instance=spec.name)
        result.append(_service_state(status, by_name.get(spec.name)))
    return tuple(result)


def _service_state(service: ServiceStatus, instance: Instance | None) -> ServiceStatus:
    if instance is None:
        return service.model_copy(update={"state": "missing", "restarts": 0})
    return service.model_copy(update={"state": str(instance.state), "restarts": instance.restarts})
