"""Conditions: what was known, merged with what was just found out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from controller.api.status import Condition, ConditionStatus, ConditionType

_ORDER = {kind: index for index, kind in enumerate(ConditionType)}


def updated(
    conditions: Iterable[Condition], new: Iterable[Condition], now: datetime
) -> tuple[Condition, ...]:
    """The conditions after news, in the order of `ConditionType`.

    A condition keeps its lastTransitionTime while its status is the same, and gets `now`, in whole seconds,
    when that changes; the one that the news carry does not count. Types without news stay. The same news
    twice give equal conditions.
    """
    merged = {condition.type: condition for condition in conditions}
    for condition in new:
        known = merged.get(condition.type)
        same = known is not None and known.status == condition.status
        since = known.last_transition_time if known is not None and same else now.replace(microsecond=0)
        merged[condition.type] = condition.model_copy(update={"last_transition_time": since})
    return tuple(sorted(merged.values(), key=lambda condition: _ORDER[condition.type]))


def without(conditions: Iterable[Condition], *types: ConditionType) -> tuple[Condition, ...]:
    """The conditions but for some types."""
    return tuple(condition for condition in conditions if condition.type not in types)


def find(conditions: Iterable[Condition], kind: ConditionType) -> Condition | None:
    """The condition of a type, or None."""
    return next((condition for condition in conditions if condition.type is kind), None)


def is_true(conditions: Iterable[Condition], kind: ConditionType) -> bool:
    """The condition is there and its status is True."""
    condition = find(conditions, kind)
    return condition is not None and condition.status is ConditionStatus.TRUE
