"""Deadlines: when what a preview was given of time is over. Pure.

    Standing ──▶ idle enough to sleep? │ idle for good? │ its ttl over? │ may it make room for another one?

Each answer is a time in UTC, or None for never; a deadline is met from that very instant on.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from controller.lifecycle.protocol import Reason
from controller.lifecycle.standing import Stage, Standing

PATIENCE = timedelta(minutes=1)
"""What was told to sleep or to go and runs on after this counts again: its room is not to be had yet."""


def sleep_end(standing: Standing) -> datetime | None:
    """When one that runs has not been used for long enough to sleep."""
    if standing.stage is not Stage.ACTIVE or standing.pinned or standing.sleep_after is None:
        return None
    return standing.active_at + standing.sleep_after


def idle_end(standing: Standing) -> datetime | None:
    """When it has not been used for so long that it is torn down."""
    return _kept(standing, standing.active_at, standing.idle_timeout)


def ttl_end(standing: Standing) -> datetime | None:
    """When its ttl is over."""
    return _kept(standing, standing.alive_since, standing.ttl)


def _kept(standing: Standing, start: datetime, span: timedelta | None) -> datetime | None:
    if standing.pinned or standing.fixed or standing.stage is Stage.ENDED or span is None:
        return None
    end = start + span
    return end if standing.keep_until is None else max(end, standing.keep_until)


def expiry(standing: Standing, now: datetime, *, visits_known: bool) -> Reason | None:
    """Why a preview is to be torn down now; None: it is not."""
    if _met(ttl_end(standing), now):
        return Reason.TIME_OVER
    if visits_known and _met(idle_end(standing), now):
        return Reason.IDLE
    return None


def room_from(standing: Standing, recent: timedelta) -> datetime:
    """From when on it may make room: one that runs by its last use, one that sleeps by both."""
    last = standing.active_at
    if standing.stage is Stage.ASLEEP:
        last = max(last, standing.since)
    return last + recent


def patience_end(standing: Standing) -> datetime | None:
    """When one that is to sleep or to go, and runs on, counts again."""
    if standing.fixed or not standing.runs or standing.stage not in (Stage.ASLEEP, Stage.ENDED):
        return None
    return standing.since + PATIENCE


def _met(deadline: datetime | None, now: datetime) -> bool:
    return deadline is not None and deadline <= now
