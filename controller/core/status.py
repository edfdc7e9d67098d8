"""Status: what the resource says about itself, computed from what was reached. Pure.

Conditions follow kstatus: `Reconciling` and `Stalled` are True only while something is being done or is
wrong. A failed update keeps the last good version serving: Ready stays True, Stalled says why, `commit`
stays behind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from controller.api.attempt import attempt_of
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
from controller.runtime.protocol import Instance

STAGES = (
    ConditionType.SOURCE_READY,
    ConditionType.IMAGES_READY,
    ConditionType.DATABASE_READY,
    ConditionType.SERVICES_READY,
    ConditionType.ROUTED,
)
MESSAGE_MAX = 4000


@dataclass(frozen=True)
class Facts:
    """What every status is written from: the object, the moment, and whether something serves."""

    preview: Preview
    now: datetime
    serving: bool


def working(status: PreviewStatus, facts: Facts, stage: ConditionType, step: str) -> PreviewStatus:
    """Something is being done."""
    if facts.preview.deleting:
        phase = Phase.DESTROYING
    else:
        phase = Phase.UPDATING if facts.serving else Phase.CREATING
    conditions = [
        _condition(ConditionType.RECONCILING, True, str(phase), step),
        _condition(ConditionType.STALLED, False, "Working", ""),
        _ready(facts, str(phase), step),
        *_stages_until(stage, "Working", step),
    ]
    return _with(status, facts, conditions, phase=phase, step=step)


def reached(
    status: PreviewStatus, facts: Facts, desired: Desired, instances: Sequence[Instance]
) -> PreviewStatus:
    """Everything is as it should be."""
    conditions = [
        _condition(ConditionType.READY, True, "Serving", f"Commit {desired.commit[:12]} is being served."),
        _condition(ConditionType.RECONCILING, False, "Done", ""),
        _condition(ConditionType.STALLED, False, "Done", ""),
        *(_condition(stage, True, "Done", "") for stage in STAGES),
    ]
    secret = database_secret_name(desired.preview.name)
    databases = tuple(
        DatabaseStatus(label=d.label or None, type=d.type, name=d.claim.name, secret_name=secret)
        for d in desired.databases
    )
    fields: dict[str, object] = {
        "slug": desired.slug,
        "url": desired.url,
        "services": _services(desired, instances),
        "database": databases[0] if databases else None,
        "databases": databases if databases and databases[0].label else (),
        "commit": desired.commit,
    }
    return _with(status, facts, conditions, phase=Phase.RUNNING, step=None, **fields)


def suspended(status: PreviewStatus, facts: Facts) -> PreviewStatus:
    """Left as it is on its creator's wish (`spec.suspend`)."""
    message = "spec.suspend is set: nothing is done."
    conditions = [
        _condition(ConditionType.RECONCILING, False, "Suspended", message),
        _condition(ConditionType.STALLED, False, "Suspended", message),
        _ready(facts, "Suspended", message),
    ]
    return _with(status, facts, conditions, step=None)


def failed(
    status: PreviewStatus, facts: Facts, stage: ConditionType, error: PreviewError, *, final: bool
) -> PreviewStatus:
    """Something went wrong: for good (`final`), or it is tried again.

    A Conflict is Stalled, and tried again all the same: whoever holds the name may let it go.
    """
    message = "\n".join([error.message, *error.lines])[:MESSAGE_MAX]
    conditions = [
        _ready(facts, error.reason, message),
        _condition(ConditionType.RECONCILING, not final, error.reason, "" if final else message),
        _condition(ConditionType.STALLED, final, error.reason, message if final else ""),
        *_stages_until(stage, error.reason, message),
    ]
    if facts.preview.deleting:
        phase = Phase.DESTROYING
    elif final:
        phase = Phase.FAILED
    else:
        phase = Phase.UPDATING if facts.serving else Phase.CREATING
    fields: dict[str, object] = {"phase": phase, "step": None if final else error.reason}
    if isinstance(error, Conflict):
        fields["attempt"] = None
    return _with(status, facts, conditions, **fields)


def held(status: PreviewStatus, facts: Facts, instances: Sequence[Instance]) -> PreviewStatus:
    """Given up as before; the state of each service, and whether the last good version serves, as of now."""
    by_service = {instance.service: instance for instance in instances}
    services = tuple(_service_state(service, by_service.get(service.name)) for service in status.services)
    stalled = find(status.conditions, ConditionType.STALLED)
    ready = [_ready(facts, stalled.reason, stalled.message)] if stalled else []
    return _with(status, facts, ready, services=services)


def patch(status: PreviewStatus) -> dict[str, object]:
    """A merge patch that makes the resource's status this one: what is not set is taken away."""
    return {
        **{field.alias or name: None for name, field in PreviewStatus.model_fields.items()},
        **status.model_dump(mode="json", by_alias=True, exclude_none=True),
    }


def _with(
    status: PreviewStatus, facts: Facts, conditions: list[Condition], **fields: object
) -> PreviewStatus:
    generation = facts.preview.metadata.generation
    # Of a preview that was restored without its status and is being deleted nothing was ever seen: that must
    # not be forgotten before everything was looked for.
    unseen = facts.preview.deleting and status.observed_generation is None
    stamped = [condition.model_copy(update={"observed_generation": generation}) for condition in conditions]
    return status.model_copy(
        update={
            "observed_generation": None if unseen else generation,
            "attempt": attempt_of(facts.preview),
            "conditions": updated(status.conditions, stamped, facts.now),
            **fields,
        }
    )


def _condition(kind: ConditionType, status: bool | None, reason: str, message: str) -> Condition:
    value = {True: ConditionStatus.TRUE, False: ConditionStatus.FALSE, None: ConditionStatus.UNKNOWN}[status]
    return Condition(
        type=kind, status=value, reason=reason, message=message, last_transition_time=datetime.min
    )


def _ready(facts: Facts, reason: str, message: str) -> Condition:
    if facts.serving:
        return _condition(ConditionType.READY, True, "Serving", "The last good version is being served.")
    return _condition(ConditionType.READY, False, reason, message)


def _stages_until(stage: ConditionType, reason: str, message: str) -> list[Condition]:
    """Stages before this one are done, this one is not, what comes after is unknown."""
    reached_here = STAGES.index(stage)
    return [
        *(_condition(done, True, "Done", "") for done in STAGES[:reached_here]),
        _condition(stage, False, reason, message),
        *(_condition(later, None, "Waiting", "") for later in STAGES[reached_here + 1 :]),
    ]


def _services(desired: Desired, instances: Sequence[Instance]) -> tuple[ServiceStatus, ...]:
    by_name = {instance.name: instance for instance in instances}
    result = []
    for spec in desired.instances or ():
        address = next(a for a in desired.addresses if a.service == spec.service)
        url = address.url if address.public else None
        status = ServiceStatus(name=spec.service, url=url, image=spec.image)
        result.append(_service_state(status, by_name.get(spec.name)))
    return tuple(result)


def _service_state(service: ServiceStatus, instance: Instance | None) -> ServiceStatus:
    if instance is None:
        return service.model_copy(update={"state": "missing", "restarts": 0})
    return service.model_copy(update={"state": str(instance.state), "restarts": instance.restarts})
