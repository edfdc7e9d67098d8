"""State: how a Preview is, in a word: the operator's phase, as far as that speaks of what is wanted. Pure."""

from __future__ import annotations

from enum import StrEnum

from controller.api.conditions import find, is_true
from controller.api.preview import Preview
from controller.api.spec import Trust
from controller.api.status import ConditionStatus, ConditionType, Phase

WAKING = "Waking"
"""Reason of Reconciling while what slept is started again."""
_DECIDED = frozenset({"Idle", "Asked", "Evicted", "TimeOver", "SleepingLimit"})
"""Reasons of the decision that it does not run: they stand there while it falls asleep, or is torn down."""
UNDER_WAY = frozenset({WAKING}) | _DECIDED | frozenset(str(phase) for phase in Phase)
"""A condition under way has one of these as reason; any other is a failure that is tried again."""


class State(StrEnum):
    """How it is, in a word."""

    CREATING = "creating"
    UPDATING = "updating"
    RUNNING = "running"
    FAILED = "failed"
    WAITING = "waiting for approval"
    QUEUED = "queued"
    SLEEPING = "sleeping"
    WAKING = "waking"
    EXPIRED = "expired"
    SUSPENDED = "suspended"
    REMOVING = "removing"
    GONE = "gone"


TORN_DOWN = frozenset({State.EXPIRED, State.REMOVING, State.GONE})
"""Nothing runs, and nothing answers."""
OVER = frozenset({State.EXPIRED, State.GONE})
"""And nothing is to be left open on GitHub."""
RESTING = frozenset({State.SLEEPING, State.QUEUED, State.EXPIRED})
"""The operator decided over all previews that it does not run."""


def state_of(preview: Preview) -> State:
    """How it is."""
    status, source = preview.status, preview.spec.source
    if preview.deleting or status.phase is Phase.DESTROYING:
        return State.REMOVING
    if preview.spec.suspend:
        return State.SUSPENDED
    if source.trust is Trust.FORK and source.approved_commit != source.commit:
        return State.WAITING
    if fresh(preview) and _coming_back(preview):
        return State.WAKING if status.phase is Phase.SLEEPING else State.CREATING
    if not fresh(preview) or status.phase in {None, Phase.CREATING, Phase.UPDATING}:
        return State.UPDATING if ready(preview) else State.CREATING
    return {
        Phase.RUNNING: State.RUNNING,
        Phase.FAILED: State.FAILED,
        Phase.SLEEPING: State.SLEEPING,
        Phase.QUEUED: State.QUEUED,
        Phase.EXPIRED: State.EXPIRED,
    }.get(status.phase, State.CREATING)


def fresh(preview: Preview) -> bool:
    """The status is about what is wanted now."""
    return preview.status.observed_generation == preview.metadata.generation


def ready(preview: Preview) -> bool:
    """A version of it serves."""
    return preview.status.commit is not None and is_true(preview.status.conditions, ConditionType.READY)


def _coming_back(preview: Preview) -> bool:
    """What slept is started again, or what had expired is made anew; its phase says so only in the end."""
    phase, doing = preview.status.phase, find(preview.status.conditions, ConditionType.RECONCILING)
    if doing is None or doing.status is not ConditionStatus.TRUE:
        return False
    return (phase, doing.reason) in {(Phase.SLEEPING, WAKING), (Phase.EXPIRED, str(Phase.EXPIRED))}
