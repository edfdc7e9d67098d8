"""Statuses of what does not run, or only just does again: asleep, waiting, expired, woken. Pure.

    verdict ─▶ falling_asleep ─▶ asleep ─▶ (`status.working`: Waking) ─▶ woken
           ├─▶ queued
           └─▶ expiring ─▶ expired

The reason of a verdict stands as that of Reconciling, its sentence beside it, and stays while the phase does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from controller.api.attempt import attempt_of, given_up
from controller.api.conditions import find, is_true, without
from controller.api.status import Condition, ConditionType, Phase, PreviewStatus
from controller.core.status import (
    STAGES,
    WAKING,
    Facts,
    condition,
    ready,
    with_states,
    written,
)
from controller.lifecycle.protocol import Reason, Verdict
from controller.runtime.protocol import Instance, InstanceState

AWAKENING = "It is started again, as it was."
NOTHING: Mapping[str, object] = {
    "url": None,
    "services": (),
    "database": None,
    "databases": (),
    "commit": None,
}
"""Of what was served."""


def falling_asleep(status: PreviewStatus, facts: Facts, verdict: Verdict) -> PreviewStatus:
    """Its containers are about to be stopped; whoever comes from now on wakes it."""
    doing = condition(ConditionType.RECONCILING, True, str(verdict.reason), verdict.message)
    return _sleeping(status, facts, verdict, doing)


def asleep(
    status: PreviewStatus, facts: Facts, verdict: Verdict, instances: Sequence[Instance]
) -> PreviewStatus:
    """It sleeps: nothing of it runs.

    Args:
        status: before.
        facts: see there.
        verdict: why; of one that slept before, what was said then stays.
        instances: of the version that served last.
    """
    why = find(status.conditions, ConditionType.RECONCILING) if status.phase is Phase.SLEEPING else None
    reason, message = str(verdict.reason), verdict.message
    if why is not None and why.reason in SLEEPS:
        reason, message = why.reason, why.message
    done = condition(ConditionType.RECONCILING, False, reason, message)
    found = _sleeping(status, facts, verdict, done)
    return found.model_copy(update={"services": with_states(status.services, instances)})


SLEEPS = frozenset({str(Reason.IDLE), str(Reason.ASKED), str(Reason.EVICTED)})


def _sleeping(status: PreviewStatus, facts: Facts, verdict: Verdict, doing: Condition) -> PreviewStatus:
    served = status.commit is not None
    slept = status.phase is Phase.SLEEPING
    conditions = [
        condition(ConditionType.READY, served, "Asleep", "It is asleep; the next request wakes it."),
        doing,
        *_stalled(status, facts),
    ]
    # Whoever asked it to sleep knew of everything else that is asked; for anyone else it wakes again.
    taken_up = (not slept and verdict.reason is Reason.ASKED) or not _another(status, facts)
    return written(status, facts, conditions, phase=Phase.SLEEPING, taken_up=taken_up, fields={"step": None})


def woken(status: PreviewStatus, facts: Facts, names: Mapping[str, str]) -> PreviewStatus:
    """What slept answers again; whether it still is what is wanted is looked at next.

    Args:
        status: before.
        facts: see there.
        names: of the instances that run now, by their services.
    """
    running = str(InstanceState.RUNNING)
    services = tuple(
        service.model_copy(update={"state": running, "instance": names.get(service.name, service.instance)})
        for service in status.services
    )
    message = f"Commit {(status.commit or '')[:12]} is being served."
    conditions = [
        condition(ConditionType.READY, True, "Serving", message),
        condition(ConditionType.RECONCILING, True, WAKING, AWAKENING),
        *_stalled(status, facts),
    ]
    return written(
        status, facts, conditions, phase=Phase.RUNNING, fields={"step": None, "services": services}
    )


def queued(status: PreviewStatus, facts: Facts, verdict: Verdict) -> PreviewStatus:
    """It would run, and waits for room; what serves goes on serving."""
    where = {
        "step": None,
        "queue_position": verdict.position or None,
        "queue_length": verdict.waiting or None,
    }
    conditions = [
        ready(facts, "Queued", verdict.message),
        condition(ConditionType.RECONCILING, True, "Queued", verdict.message),
        *_stalled(status, facts),
    ]
    return written(status, facts, conditions, phase=Phase.QUEUED, fields=where)


def expiring(status: PreviewStatus, facts: Facts, verdict: Verdict) -> PreviewStatus:
    """Everything of it is about to be torn down."""
    doing = condition(ConditionType.RECONCILING, True, str(verdict.reason), verdict.message)
    return _ended(status, facts, doing, {})


def expired(status: PreviewStatus, facts: Facts, verdict: Verdict) -> PreviewStatus:
    """Nothing is left of it but the resource. Without Ready, kstatus holds it to be as it should be."""
    why = find(status.conditions, ConditionType.RECONCILING) if status.phase is Phase.EXPIRED else None
    reason, message = str(verdict.reason), verdict.message
    if why is not None and why.reason in ENDS:
        reason, message = why.reason, why.message
    done = condition(ConditionType.RECONCILING, False, reason, message)
    return _ended(status, facts, done, NOTHING)


ENDS = frozenset({str(Reason.IDLE), str(Reason.TIME_OVER), str(Reason.SLEEPING_LIMIT)})


def _ended(
    status: PreviewStatus, facts: Facts, doing: Condition, fields: Mapping[str, object]
) -> PreviewStatus:
    gone = (ConditionType.READY, *STAGES, ConditionType.EXPIRING)
    bare = status.model_copy(update={"conditions": without(status.conditions, *gone)})
    conditions = [doing, condition(ConditionType.STALLED, False, doing.reason, "")]
    return written(
        bare,
        facts,
        conditions,
        phase=Phase.EXPIRED,
        taken_up=not _another(status, facts),
        fields={"step": None, **fields},
    )


def is_asleep(status: PreviewStatus) -> bool:
    """All that is to be said of one that sleeps was said."""
    return status.phase is Phase.SLEEPING and not is_true(status.conditions, ConditionType.RECONCILING)


def is_expired(status: PreviewStatus) -> bool:
    """All that is to be said of one that expired was said."""
    return status.phase is Phase.EXPIRED and not is_true(status.conditions, ConditionType.RECONCILING)


def _another(status: PreviewStatus, facts: Facts) -> bool:
    """Something else is asked for than what was worked on last."""
    return status.attempt is not None and status.attempt != attempt_of(facts.preview)


def _stalled(status: PreviewStatus, facts: Facts) -> list[Condition]:
    """Stalled stays as it was, but for another attempt than the one that failed."""
    if given_up(facts.preview, status) or find(status.conditions, ConditionType.STALLED) is None:
        return []
    return [condition(ConditionType.STALLED, False, "Working", "")]
