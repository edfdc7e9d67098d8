"""What the core asks of the lifecycle: which course a preview takes now, decided over all previews at once.

    a pass: verdict(key) ──▶ run: gather ──▶ admit(key, footprint) ──▶ run, or wait in the queue
                        └──▶ sleep, expire, refuse: nothing is gathered

A verdict holds until another one is given; whoever works on a preview is told then, and works anew.

    workers ── see, busy, forget; fleet ── occupied ──▶ Governing ── reconsider, visited ──▶ fleet ──▶ workers
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from controller.api.names import PreviewKey
from controller.api.preview import Preview

FRACTION = 5
"""Where more than one preview in so many is gone at once, it is the cluster that lost something."""


class Course(StrEnum):
    """What becomes of a preview now."""

    RUN = "run"
    SLEEP = "sleep"
    """Its containers stop; databases, images and networks stay."""
    QUEUE = "queue"
    """It would run, and there is no room: nothing is started, nothing that is there is touched."""
    EXPIRE = "expire"
    """Everything is torn down, databases included; the resource stays."""
    REFUSE = "refuse"
    """It would never fit, however long it waited."""


class Reason(StrEnum):
    """Why; the same words stand in conditions, Events and metrics."""

    WANTED = "Wanted"
    """There is room for it."""
    ASKED = "Asked"
    """Somebody put it to sleep."""
    IDLE = "Idle"
    """Nobody used it for long."""
    EVICTED = "Evicted"
    """Another one needed the room, and this one was not used for the longest time."""
    TIME_OVER = "TimeOver"
    """Its ttl is over."""
    PREVIEW_LIMIT = "PreviewLimit"
    """As many previews run as may run."""
    MEMORY_LIMIT = "MemoryLimit"
    CPU_LIMIT = "CpuLimit"
    SLEEPING_LIMIT = "SleepingLimit"
    """As many sleep as may sleep: the longest asleep went."""
    TOO_BIG = "TooBig"
    """It alone asks for more than all together may have."""


@dataclass(frozen=True, order=True)
class Footprint:
    """What a preview's instances may use together."""

    memory_bytes: int = 0
    cpu_millis: int = 0


@dataclass(frozen=True)
class Verdict:
    """What was decided about one preview."""

    course: Course = Course.RUN
    reason: Reason = Reason.WANTED
    message: str = ""
    """A sentence for people: why, and what to do."""
    position: int = 0
    """In the queue, from 1; 0 for one that does not wait."""
    waiting: int = 0
    """How many wait in all."""


RUN = Verdict()


class Lifecycle(Protocol):
    """Decides over all previews; asked once or twice in every pass."""

    def verdict(self, preview: PreviewKey) -> Verdict:
        """What holds for a preview now, as far as it is known; of one never heard of: run."""

    async def admit(self, preview: PreviewKey, footprint: Footprint) -> Verdict:
        """The same, once it is known how much the preview needs: run only where there is room."""


@dataclass(frozen=True)
class Expiry:
    """When a preview's ttl is over."""

    time: datetime
    soon: bool = False
    """Soon enough to warn of it."""


class Listener(Protocol):
    """Who hears of what was decided: the fleet, and through it the workers."""

    def reconsider(self, preview: PreviewKey) -> None:
        """Another verdict, or another end, holds for a preview than before."""

    def visited(self, preview: PreviewKey, time: datetime) -> None:
        """Somebody used a preview at that time."""


class Governing(Lifecycle, Protocol):
    """The whole of it, as fleet and workers know it: what they tell, and what they are told."""

    async def run(self, listener: Listener) -> None:
        """Decide whenever something changed or is due, and count visits, until cancelled."""

    def see(self, preview: Preview) -> None:
        """Take a preview as it is now, with the status that was written last."""

    def forget(self, preview: PreviewKey) -> None:
        """It is gone."""

    def busy(self, preview: PreviewKey, *, working: bool) -> None:
        """Somebody is at work on it now, or no longer."""

    def occupied(self, previews: frozenset[PreviewKey]) -> None:
        """These have at least one instance that runs. Nothing is decided before this is told once."""

    async def considered(self, preview: PreviewKey) -> None:
        """Come back once what was seen of it last was decided on; at once while nothing can be decided."""

    def expiry(self, preview: PreviewKey) -> Expiry | None:
        """When its ttl is over; None for one without."""


class AccessSource(Protocol):
    """Who counts visits."""

    async def counts(self) -> Mapping[str, float]:
        """Visits of every public router since the proxy started, in one request for all of them, by names
        that begin with `{slug}-{service}`; without those that are the platform's own.

        Raises:
            BackendUnavailable: the proxy does not answer.
        """
