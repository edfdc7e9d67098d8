"""State: how a Preview is, for somebody at its address, computed from the resource. Pure."""

from __future__ import annotations

from enum import StrEnum

from controller.api.conditions import find, is_true
from controller.api.preview import Preview
from controller.api.status import ConditionType, Phase
from controller.api.wishes import wishes_of

_RUNNING = "running"
"""The state of a service whose instance runs, as the operator writes it."""
_UNAPPROVED = "NotApproved"


class State(StrEnum):
    """How it is, in a word."""

    UNREAD = "unread"
    """The bridge has only just begun, and does not know what there is."""
    UNKNOWN = "unknown"
    REMOVED = "removed"
    EXPIRED = "expired"
    SUSPENDED = "suspended"
    ASLEEP = "asleep"
    WAKING = "waking"
    """Asleep still, and somebody asked for it."""
    QUEUED = "queued"
    BUILDING = "building"
    UNAPPROVED = "unapproved"
    FAILED = "failed"
    RUNNING = "running"
    """It runs, and this address does not lead to it yet."""


_OF_PHASES = {
    Phase.DESTROYING: State.REMOVED,
    Phase.EXPIRED: State.EXPIRED,
    Phase.SLEEPING: State.ASLEEP,
    Phase.QUEUED: State.QUEUED,
    Phase.FAILED: State.FAILED,
    Phase.RUNNING: State.RUNNING,
}


def state_of(preview: Preview | None) -> State:
    """How a Preview is; None: there is none."""
    if preview is None:
        return State.UNKNOWN
    if preview.deleting:
        return State.REMOVED
    phase = preview.status.phase
    if preview.spec.suspend and phase is not Phase.EXPIRED:
        return State.SUSPENDED
    if phase is Phase.SLEEPING and wishes_of(preview).wake:
        return State.WAKING
    if phase is Phase.FAILED and reason_of(preview) == _UNAPPROVED:
        return State.UNAPPROVED
    return State.BUILDING if phase is None else _OF_PHASES.get(phase, State.BUILDING)


def comes_back(preview: Preview | None, state: State) -> bool:
    """It served once and soon will again, so that waiting for it is worth while; nothing is built first."""
    if preview is None:
        return False
    built = preview.status.commit is not None
    return state in {State.ASLEEP, State.WAKING, State.RUNNING} or (state is State.BUILDING and built)


def instance_of(preview: Preview, service: str) -> str | None:
    """The instance that serves a service now; None while there is none."""
    if state_of(preview) not in {State.RUNNING, State.BUILDING}:
        return None
    found = (each for each in preview.status.services if each.name == service)
    return next((each.instance for each in found if (each.state or "").lower() == _RUNNING), None)


def reason_of(preview: Preview) -> str:
    """The code of what is wrong with it; empty when nothing is known to be."""
    conditions = preview.status.conditions
    for kind in (ConditionType.STALLED, ConditionType.RECONCILING):
        condition = find(conditions, kind)
        if condition is not None and is_true(conditions, kind):
            return condition.reason
    ready = find(conditions, ConditionType.READY)
    return ready.reason if ready is not None and not is_true(conditions, ConditionType.READY) else ""
