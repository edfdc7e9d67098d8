"""Standing: what the decision knows of each preview, put together from its resource and from what runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from controller.api.names import PreviewKey
from controller.lifecycle.protocol import Footprint, Reason

NOTHING = Footprint()


class Stage(StrEnum):
    """Where a preview stands in its life, before it is decided anew."""

    ACTIVE = "active"
    """It was let in: its containers run, or are being made. It counts against the limits."""
    WAITING = "waiting"
    """It wants to run and was not let in yet: new, in the queue, to be woken, or to be tried again."""
    ASLEEP = "asleep"
    FAILED = "failed"
    """It failed for good, and nothing of it runs: it wants nothing until somebody changes something."""
    ENDED = "ended"
    """Expired, and nobody asked for it since."""


@dataclass(frozen=True)
class Standing:
    """One preview, as the decision sees it. Times are UTC."""

    key: PreviewKey
    repository: str
    """Lower case."""
    stage: Stage
    since: datetime
    """Since when it has stood there: the order of the queue, and who has been asleep longest."""
    active_at: datetime
    """When somebody wanted something of it last: a visit, a push, a wish, its creation."""
    alive_since: datetime
    """Where its ttl counts from."""
    sleep_after: timedelta | None = None
    idle_timeout: timedelta | None = None
    ttl: timedelta | None = None
    keep_until: datetime | None = None
    pinned: bool = False
    busy: bool = False
    """It is being worked on: it makes room for nobody, and does not fall asleep meanwhile."""
    sleep_asked: bool = False
    """There is a wish to put it to sleep that was not met yet."""
    fixed: bool = False
    """Suspended, or being deleted: nothing is decided about it, and what runs of it counts all the same."""
    footprint: Footprint = NOTHING
    """What it needs; zero until that is known."""
    runs: bool = False
    """A container of it runs, also where it is to sleep or to go and has not got there yet."""
    because: Reason = Reason.IDLE
    """Why it sleeps, or ended."""
