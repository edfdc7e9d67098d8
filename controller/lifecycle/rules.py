"""What the installation fixes for the lives of all previews; filled in from the settings at start."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from controller.api.limits import LimitPolicy


@dataclass(frozen=True)
class Limit:
    """What may run at once; 0: no limit."""

    previews: int = 0
    memory_bytes: int = 0
    cpu_millis: int = 0


@dataclass(frozen=True)
class LifecycleRules:
    """Times and limits; a preview's own `spec.lifecycle` comes before the times here."""

    sleep_after: timedelta | None = timedelta(hours=2)
    """None: nothing is put to sleep because nobody uses it."""
    idle_timeout: timedelta | None = timedelta(hours=48)
    ttl: timedelta | None = None
    everything: Limit = field(default_factory=lambda: Limit(previews=20))
    """Over all previews."""
    repository: Limit = field(default_factory=Limit)
    """Over those of one repository."""
    max_sleeping: int = 100
    policy: LimitPolicy = LimitPolicy.EVICT
    recent: timedelta = timedelta(minutes=10)
    """What was used within this time makes room for nobody."""
    warning: timedelta = timedelta(hours=1)
    """So long before its ttl is over, it is told."""
