"""Passes: why one begins, and how it ends; the words stand in metrics, logs and traces. Pure."""

from __future__ import annotations

from enum import StrEnum


class Trigger(StrEnum):
    """What rang for a pass; of several that ring before it is heard, the one that stands first here."""

    DELETED = "deleted"
    """The Preview is going, or is gone."""
    CREATED = "created"
    RESUMED = "resumed"
    """It was there when this operator began."""
    CHANGED = "changed"
    """Its spec is another one."""
    WISH = "wish"
    """An annotation asks for something."""
    VERDICT = "verdict"
    """Something else was decided about it: sleep, wake, wait, expire."""
    RETRY = "retry"
    """A pass failed, and its time to try again has come."""
    DRIFT = "drift"
    """Something happened on the engine or a database server, or is not as it was."""


class Ending(StrEnum):
    """How a pass ended."""

    UNCHANGED = "unchanged"
    """All was as it should be."""
    CHANGED = "changed"
    """Something was done, and that was all there was to do."""
    REMOVED = "removed"
    """A deletion is through."""
    RETRIED = "retried"
    """It failed, and is tried again."""
    FAILED = "failed"
    """It failed, and trying again is pointless until somebody changes something."""
    CANCELLED = "cancelled"
    """A newer wish or another decision cut it off, or the operator ends."""
    BROKEN = "broken"
    """The operator itself failed; its log says where."""


ORDER = tuple(Trigger)


def stronger(one: Trigger | None, other: Trigger) -> Trigger:
    """Of two reasons to look, the one that a pass is told to have begun for."""
    return other if one is None else min(one, other, key=ORDER.index)
